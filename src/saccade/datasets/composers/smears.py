"""Smears to compose on: red cells on evenly lit glass, as large as wanted.

A photograph of a smear becomes a `Smear` in three steps: the lamp's uneven light is divided out, what is no red cell and
larger than a platelet (a white cell, a pointer, an arrow, a scale bar) is wiped away, and the red cells are
measured. `enlarge` then lays overlapping pieces of it side by side, each turned and mirrored at random, and joins them
along seams that wind through the glass between the cells (image quilting, Efros and Freeman 2001).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float

from saccade.datasets.composers.light import Colour, Light, Picture, density

COARSE = 8  # pixels to a side that are averaged where light and seams are found
RED_CELL = (0.25, 4.0)  # areas, over the usual one, of objects that count when red cells are measured
FOREIGN = (0.2, 2.5)  # density off a red cell's colour, density over the usual one: what lies beyond is foreign
CLUMP = 3.0  # of a red cell's area; what is larger is not wiped away whole
SPECK = 0.3  # of a red cell's area; smaller foreign things, platelets, stay


@dataclass(frozen=True, eq=False)
class Smear:
    """Red cells on evenly lit glass.

    Attributes:
        image: The picture.
        objects: True where something lies on the glass.
        glass: Colour of the glass.
        grain: Standard deviation of the glass, per channel.
        red_cell: Diameter of the usual red cell in pixels; 0 where there are none.
    """

    image: Picture
    objects: Bool[np.ndarray, "height width"]
    glass: Colour
    grain: Colour
    red_cell: float


def prepare_smear(picture: Picture, rng: np.random.Generator) -> Smear:
    """Even out the light of a smear's photograph and wipe away what is no red cell.

    Args:
        picture: The photograph.
        rng: Gives the grain of the glass that is filled in.
    """
    picture, glass = _evenly_lit(picture)
    absorbed = density(picture, glass)
    objects = _objects(absorbed)
    area = _usual_area(objects)
    steps = np.diff(picture.astype(np.float32), axis=1)[~objects[:, 1:]]
    grain = np.clip(1.05 * np.median(np.abs(steps), axis=0), 0.5, 6) if len(steps) else np.full(3, 0.5)
    foreign = _foreign(absorbed, objects, area)
    if foreign.any():
        picture = picture.copy()
        wipe(picture, foreign.astype(np.float32), glass, grain.astype(np.float32), rng)
        objects = objects & ~foreign
    return Smear(picture, objects, glass, grain.astype(np.float32), float(np.sqrt(4 * area / np.pi)))


def wipe(
    picture: Picture,
    cover: Float[np.ndarray, "height width"],
    glass: Colour,
    grain: Colour,
    rng: np.random.Generator,
) -> None:
    """Fill in glass, with its grain, in place; `cover` says how much of each pixel."""
    soft = np.asarray(cv2.GaussianBlur(cover, (0, 0), 1.5))[..., None]
    noise = np.asarray(cv2.GaussianBlur(rng.standard_normal(picture.shape, dtype=np.float32), (0, 0), 0.7))
    filled = glass + noise * (grain / max(float(noise.std()), 1e-6))
    picture[:] = np.clip(np.rint(picture + soft * (filled - picture)), 0, 255)


def enlarge(smear: Smear, size: int, red_cell: float, rng: np.random.Generator) -> Smear:
    """A square smear of the size wanted, its red cells of about the diameter wanted.

    Args:
        smear: What is taken apart.
        size: Side of the square in pixels.
        red_cell: Diameter in pixels; scales beyond 1/2 and 3 are not gone to.
        rng: Where the pieces are taken from.
    """
    scale = float(np.clip(red_cell / smear.red_cell, 0.5, 3)) if smear.red_cell else 1.0
    scale = max(scale, 64 / min(smear.image.shape[:2]))
    piece = min(round(min(smear.image.shape[:2]) * scale), size)
    count = 1 if piece >= size else int(np.ceil((size - piece / 4) / (0.75 * piece)))
    starts = np.linspace(0, size - piece, count).round().astype(int).tolist()
    rows = [_join([_piece(smear, scale, piece, rng) for _ in starts], starts, size) for _ in starts]
    whole = np.asarray(cv2.transpose(_join([np.asarray(cv2.transpose(row)) for row in rows], starts, size)))
    objects = np.asarray(cv2.extractChannel(whole, 3)) > 127
    image = np.asarray(cv2.cvtColor(whole, cv2.COLOR_RGBA2RGB))
    return Smear(image, objects, smear.glass, smear.grain, smear.red_cell * scale)


def _evenly_lit(picture: Picture) -> tuple[Picture, Colour]:
    """Divide out the lamp's light, a quadratic surface through the glass of each channel."""
    size = (max(picture.shape[1] // COARSE, 8), max(picture.shape[0] // COARSE, 8))
    coarse = np.maximum(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), 1)
    logs = np.asarray(cv2.log(coarse.astype(np.float32)))
    x, y = np.meshgrid(np.linspace(-1, 1, size[0]), np.linspace(-1, 1, size[1]))
    basis = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], -1).astype(np.float32)
    total = logs.sum(2)
    glass = _brightest_of_tiles(total)
    for tolerance in (0.4, 0.2, 0.12, 0.12):
        if glass.sum() < 60:
            break
        terms = np.linalg.lstsq(basis[glass], total[glass], rcond=None)[0]
        glass = np.abs(total - basis @ terms) < tolerance
    if glass.sum() < 60:
        glass = total >= np.quantile(total, 0.9)
    surface = basis @ np.linalg.lstsq(basis[glass], logs[glass], rcond=None)[0]
    surface = surface + _smooth(logs - surface, glass)
    mean = surface.mean((0, 1))
    gain = np.asarray(cv2.resize(np.exp(mean - surface), picture.shape[1::-1], interpolation=cv2.INTER_LINEAR))
    return np.clip(np.rint(picture * gain), 0, 255).astype(np.uint8), np.minimum(np.exp(mean), 255).astype(np.float32)


def _smooth(left: Light, glass: Bool[np.ndarray, "height width"], reach: float = 6) -> Light:
    """What a quadratic surface leaves of the lamp's light: the local mean over glass, tending to 0 where there is none."""
    weight = glass.astype(np.float32)[..., None]
    values = np.concatenate([left * weight, weight], axis=2).astype(np.float32)
    blurred = np.asarray(cv2.GaussianBlur(values, (0, 0), reach, borderType=cv2.BORDER_REFLECT))
    return blurred[..., :3] / (blurred[..., 3:] + 0.02)


def _brightest_of_tiles(total: Float[np.ndarray, "height width"], tiles: int = 6) -> Bool[np.ndarray, "height width"]:
    """True for the brightest fifth of each tile: glass, unless a tile holds none."""
    bright = np.zeros(total.shape, bool)
    for rows in np.array_split(np.arange(total.shape[0]), tiles):
        for columns in np.array_split(np.arange(total.shape[1]), tiles):
            here = np.ix_(rows, columns)
            bright[here] = total[here] >= np.quantile(total[here], 0.8)
    return bright


def _objects(absorbed: Light) -> Bool[np.ndarray, "height width"]:
    """What lies on the glass: a red cell's pale middle is filled."""
    total = np.clip(cv2.GaussianBlur(absorbed.sum(2), (0, 0), 1) * 200, 0, 255).astype(np.uint8)
    threshold = np.clip(cv2.threshold(total, 0, 255, cv2.THRESH_OTSU)[0] * 0.6, 20, 60)
    found = (total > threshold).astype(np.uint8)
    contours = cv2.findContours(found, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    holes = [line for line, family in zip(contours[0], contours[1][0] if len(contours[0]) else (), strict=True)
             if family[3] >= 0 and len(line) < 100]
    return cv2.drawContours(found, holes, -1, 1, cv2.FILLED) > 0


def _usual_area(objects: Bool[np.ndarray, "height width"]) -> float:
    """Area of the usual red cell: the median of objects that are neither specks nor clumps nor cut by the edge."""
    boxes = cv2.connectedComponentsWithStats(objects.astype(np.uint8))[2][1:]
    ends = boxes[:, :2] + boxes[:, 2:4]
    inside = (boxes[:, :2] > 0).all(1) & (ends < objects.shape[::-1]).all(1)
    round_ = boxes[:, 4] > 0.6 * boxes[:, 2] * boxes[:, 3]
    areas = np.sort(boxes[inside & round_, 4])
    areas = areas[areas > 40]
    if not len(areas):
        return 0.0
    weighty = areas[np.searchsorted(np.cumsum(areas), areas.sum() / 2)]
    return float(np.median(areas[(areas > RED_CELL[0] * weighty) & (areas < RED_CELL[1] * weighty)]))


def _foreign(
    absorbed: Light, objects: Bool[np.ndarray, "height width"], area: float
) -> Bool[np.ndarray, "height width"]:
    """Objects, or their parts, of another colour than red cells and larger than platelets."""
    none = np.zeros_like(objects)
    if objects.sum() < 40 or area == 0:
        return none
    usual = np.median(absorbed[objects], axis=0)
    along = absorbed @ (usual / np.linalg.norm(usual))
    off = np.linalg.norm(absorbed - along[..., None] * (usual / np.linalg.norm(usual)), axis=2)
    core = (off > FOREIGN[0]) | (along > FOREIGN[1] * np.linalg.norm(usual))
    core = cv2.morphologyEx(core.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    labels, stats = cv2.connectedComponentsWithStats(core)[1:3]
    large = np.flatnonzero(stats[:, 4] > SPECK * area)
    large = large[large > 0]
    if not len(large):
        return none
    reach = 2 * round(0.5 * np.sqrt(area)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    near = cv2.dilate(np.isin(labels, large).astype(np.uint8), disc) > 0
    labels, stats = cv2.connectedComponentsWithStats(objects.astype(np.uint8))[1:3]
    touched = np.unique(labels[near & objects])
    cells = np.isin(labels, touched[stats[touched, 4] < CLUMP * area])
    return near | (cv2.dilate(cells.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)


def _piece(smear: Smear, scale: float, side: int, rng: np.random.Generator) -> np.ndarray:
    """A random square of the smear, turned and mirrored, with its objects as a fourth channel."""
    source = round(side / scale)
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
        whole[:, start : start + overlap] = cv2.blendLinear(np.ascontiguousarray(old), np.ascontiguousarray(new), 1 - share, share)
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
    return np.clip((np.arange(width) - seam[:, None]) / 6 + 0.5, 0, 1).astype(np.float32)
