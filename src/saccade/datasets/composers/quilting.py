"""Enlarging a smear: overlapping pieces of it side by side, joined where no cell is cut.

Each piece is turned and mirrored at random; seams wind through the glass between the cells (image quilting, Efros and
Freeman 2001). On evenly lit glass they do not show, and no axis of symmetry does, as it would in mirrored tiles.
"""

import cv2
import numpy as np
from jaxtyping import Float

from saccade.datasets.composers.smears import Smear

COARSE = 8  # pixels to a side that are averaged where seams are found
BLEND = 6.0  # pixels over which one piece gives way to the next
SCALES = (0.5, 3.0)  # how far a smear is shrunk or enlarged for the sake of its red cells


def enlarge(smear: Smear, size: int, red_cell: float, rng: np.random.Generator) -> Smear:
    """A square smear of the size wanted, its red cells of about the diameter wanted.

    Cost: O(size²), 20 ms for 1024 pixels.

    Args:
        smear: What is taken apart; smears without red cells keep their scale.
        size: Side of the square in pixels.
        red_cell: Diameter in pixels; scales beyond ``SCALES`` are gone to only where the smear is tiny.
        rng: Where the pieces are taken from.
    """
    scale = float(np.clip(red_cell / smear.red_cell, *SCALES)) if smear.red_cell else 1.0
    scale = max(scale, 64 / min(smear.image.shape[:2]))
    piece = min(round(min(smear.image.shape[:2]) * scale), size)
    count = 1 if piece >= size else int(np.ceil((size - piece / 4) / (0.75 * piece)))
    starts = np.linspace(0, size - piece, count).round().astype(int).tolist()
    rows = [_join([_piece(smear, scale, piece, rng) for _ in starts], starts, size) for _ in starts]
    whole = np.asarray(cv2.transpose(_join([np.asarray(cv2.transpose(row)) for row in rows], starts, size)))
    objects = np.asarray(cv2.extractChannel(whole, 3)) > 127
    image = np.asarray(cv2.cvtColor(whole, cv2.COLOR_RGBA2RGB))
    return Smear(image, objects, smear.glass, smear.grain, smear.red_cell * scale)


def _piece(smear: Smear, scale: float, side: int, rng: np.random.Generator) -> np.ndarray:
    """A random square of the smear, turned and mirrored, with its objects as a fourth channel."""
    source = min(round(side / scale), *smear.objects.shape)
    top, left = (int(rng.integers(length - source + 1)) for length in smear.image.shape[:2])
    window = (slice(top, top + source), slice(left, left + source))
    objects = smear.objects[window].astype(np.uint8) * 255
    both = cv2.merge([smear.image[window], objects])
    turn, mirror = rng.integers(4), rng.integers(2)
    both = cv2.rotate(both, int(turn) - 1) if turn else both
    both = cv2.flip(both, 1) if mirror else both
    method = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    return np.asarray(cv2.resize(both, (side, side), interpolation=method))


def _join(pieces: list[np.ndarray], starts: list[int], size: int) -> np.ndarray:
    """Lay pieces side by side at these columns, each over the one before along a seam."""
    side = pieces[0].shape[1]
    whole = np.zeros((pieces[0].shape[0], size, 4), np.uint8)
    whole[:, :side] = pieces[0]
    for start, before, piece in zip(starts[1:], starts, pieces[1:], strict=False):
        overlap = before + side - start
        whole[:, start + overlap : start + side] = piece[:, overlap:]
        old, new = whole[:, start : start + overlap], piece[:, :overlap]
        share = _seam(old, new)
        whole[:, start : start + overlap] = cv2.blendLinear(
            np.ascontiguousarray(old), np.ascontiguousarray(new), 1 - share, share
        )
    return whole


def _seam(old: np.ndarray, new: np.ndarray) -> Float[np.ndarray, "height width"]:
    """How much of the new piece shows at each pixel of an overlap: 0 left of the seam, 1 right of it."""
    height, width = old.shape[:2]
    size = (max(width // COARSE, 1), max(height // COARSE, 1))
    objects = np.maximum(old[..., 3], new[..., 3])
    crossing = cv2.resize(objects, size, interpolation=cv2.INTER_AREA).astype(np.float32) + 3
    crossing[:, [0, -1]] += 1000  # the seam stays off the ends of the overlap
    padded = np.full(size[0] + 2, np.inf, np.float32)
    reached = np.lib.stride_tricks.sliding_window_view(padded, size[0])
    sideways = np.array([[1], [0], [1]], np.float32)
    total, origins = crossing[0], []
    for row in crossing[1:]:
        padded[1:-1] = total
        options = reached + sideways
        origins.append(options.argmin(0) - 1)
        total = options.min(0) + row
    column = int(total.argmin())
    columns = [column]
    for origin in reversed(origins):
        column += int(origin[column])
        columns.append(column)
    seam = (np.array(columns[::-1]) + 0.5) * width / size[0]
    seam = np.interp((np.arange(height) + 0.5) * size[1] / height - 0.5, np.arange(size[1]), seam)
    return np.clip((np.arange(width) - seam[:, None]) / BLEND + 0.5, 0, 1).astype(np.float32)
