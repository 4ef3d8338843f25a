"""Pasting by light: what a cutout absorbs is taken from the smear's own light, within a soft rim.

Inside the rim the smear is first freed of red cells, those that would be cut by the rim wholly; then its pixels are
multiplied by the cutout's transmittance T to the power of the soft mask: I' = I · T^mask. Glass of the cutout has
T = 1 and leaves the smear's pixels, their colour and their grain, as they are. Cells and decoys take the same way.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float

from saccade.datasets.composers.cutting import Cutout
from saccade.datasets.composers.light import Light
from saccade.datasets.composers.smears import Smear, components, wipe

FEATHER = 1.2  # pixels; softness of the rim
COARSE = 8  # pixels to a side; how finely the room on a smear is probed
GAP = 12  # pixels that boxes keep from each other and from the edge
TRIES = 16  # places drawn, of which the emptiest is taken
CLUMP = 4.0  # of a red cell's area; larger things under a rim are covered, not wiped away whole

Mask = Float[np.ndarray, "height width"]
Box = tuple[int, int, int, int]
Corner = tuple[int, int]


@dataclass(frozen=True)
class Pose:
    """How a cutout lies on a smear: scale, turn in radians, mirrored or not, and blur in pixels."""

    scale: float
    turn: float
    mirrored: bool
    blur: float


@dataclass(frozen=True, eq=False)
class Patch:
    """A cutout in its pose: (height, width, 3) transmittance and its soft mask."""

    transmittance: Light
    mask: Mask


class Canvas:
    """A smear that cells are pasted on.

    Attributes:
        smear: Changed in place.
        taken: Boxes given away, as x0, y0, x1, y1.
        kept: True where something was pasted; it is not wiped away again.
    """

    def __init__(self, smear: Smear) -> None:
        self.smear = smear
        self.taken: list[Box] = []
        self.kept = np.zeros(smear.objects.shape, bool)


def pose_cutout(cutout: Cutout, pose: Pose) -> Patch:
    """Turn, mirror, scale and blur a cutout; the mask is drawn at its final size.

    >>> outline = np.array([[2, 2], [12, 2], [12, 12], [2, 12]], np.float32)
    >>> patch = pose_cutout(Cutout(np.ones((16, 16, 3), np.float32), outline), Pose(2.0, 0.0, False, 0.0))
    >>> patch.mask.shape, round(float(patch.mask.max()), 1)
    ((30, 30), 1.0)
    """
    cosine, sine = pose.scale * np.cos(pose.turn), pose.scale * np.sin(pose.turn)
    turning = np.array([[cosine, -sine], [sine, cosine]]) @ np.diag([-1.0 if pose.mirrored else 1.0, 1.0])
    outline = cutout.outline @ turning.T
    low = np.floor(outline.min(0)) - 5
    width, height = (np.ceil(outline.max(0)) + 5 - low).astype(int).tolist()
    matrix = np.column_stack([turning, -low])
    source = cutout.transmittance
    if pose.scale < 0.6:
        source = cv2.GaussianBlur(source, (0, 0), 0.35 / pose.scale)
    posed = cv2.warpAffine(source, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    posed = cv2.GaussianBlur(posed, (0, 0), pose.blur) if pose.blur > 0.2 else posed
    mask = np.zeros((height, width), np.uint8)
    points = np.rint((outline - low) * 16).astype(np.int32)
    cv2.fillPoly(mask, [points], 255, cv2.LINE_AA, 4)
    mask = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), FEATHER)
    return Patch(np.asarray(posed, np.float32), np.asarray(mask, np.float32))


def find_place(canvas: Canvas, shape: tuple[int, ...], rng: np.random.Generator) -> Corner | None:
    """Top and left of a place for a patch, the emptiest of some random ones; it is taken from now on.

    None where no place is free. Nothing is painted yet, so places can be found for everything before.
    """
    room = [length - extent - 2 * GAP for length, extent in zip(canvas.smear.objects.shape, shape, strict=True)]
    if min(room) < 0:
        return None
    tops, lefts = (GAP + rng.integers(extent + 1, size=40 * TRIES) for extent in room)
    taken = np.array(canvas.taken, int).reshape(-1, 4).T[..., None]
    across = (lefts + shape[1] + GAP <= taken[0]) | (taken[2] + GAP <= lefts)
    down = (tops + shape[0] + GAP <= taken[1]) | (taken[3] + GAP <= tops)
    free = np.flatnonzero((across | down).all(0))[:TRIES]
    if not len(free):
        return None
    coarse = canvas.smear.objects[::COARSE, ::COARSE]
    high, wide = (max(extent // COARSE, 1) for extent in shape)
    filled = [
        coarse[top // COARSE : top // COARSE + high, left // COARSE : left // COARSE + wide].mean()
        for top, left in zip(tops[free], lefts[free], strict=True)
    ]
    best = free[int(np.argmin(filled))]
    top, left = int(tops[best]), int(lefts[best])
    canvas.taken.append((left, top, left + shape[1], top + shape[0]))
    return top, left


def paste(canvas: Canvas, patch: Patch, corner: Corner, rng: np.random.Generator) -> Box:
    """Paste a patch with its top left at a corner; the box of every pixel in which the mask is above 1/2."""
    (top, left), (height, width) = corner, patch.mask.shape
    here = (slice(top, top + height), slice(left, left + width))
    _clear(canvas, patch.mask, top, left, rng)
    window = canvas.smear.image[here]
    light = np.log(np.clip(patch.transmittance, 0.02, 2)) * patch.mask[..., None]
    window[:] = np.clip(np.rint(window * np.exp(light)), 0, 255)
    canvas.smear.objects[here] &= patch.mask < 0.5
    canvas.kept[here] |= patch.mask > 0.02
    rows, columns = (np.flatnonzero((patch.mask > 0.5).any(axis)) for axis in (1, 0))
    return left + int(columns[0]), top + int(rows[0]), left + int(columns[-1]) + 1, top + int(rows[-1]) + 1


def _clear(canvas: Canvas, mask: Mask, top: int, left: int, rng: np.random.Generator) -> None:
    """Wipe away what lies under a mask, and the whole of every red cell that its rim would cut."""
    smear, (height, width) = canvas.smear, mask.shape
    margin = round(1.5 * smear.red_cell) + 4
    rows = slice(max(top - margin, 0), top + height + margin)
    columns = slice(max(left - margin, 0), left + width + margin)
    objects, kept = smear.objects[rows, columns], canvas.kept[rows, columns]
    cover = np.zeros(objects.shape, np.float32)
    cover[top - rows.start :, left - columns.start :][:height, :width] = mask
    cut = _cut_cells(objects, cover > 0.1, np.pi / 4 * smear.red_cell**2)
    wiped = np.maximum(cv2.dilate(cut.astype(np.uint8), np.ones((7, 7), np.uint8)), cover * objects)
    wiped *= cv2.dilate(kept.astype(np.uint8), np.ones((9, 9), np.uint8)) == 0
    wipe(smear.image[rows, columns], np.asarray(wiped, np.float32), smear.glass, smear.grain, rng)
    objects &= ~cut


def _cut_cells(
    objects: Bool[np.ndarray, "height width"], under: Bool[np.ndarray, "height width"], area: float
) -> Bool[np.ndarray, "height width"]:
    """The objects that lie under a mask in part, unless they are clumps or reach beyond the window."""
    pieces = components(objects)
    touched = np.unique(pieces.labels[under & objects])
    left, top, width, height, size = pieces.boxes[touched].T
    inside = (left > 0) & (top > 0) & (left + width < objects.shape[1]) & (top + height < objects.shape[0])
    return np.isin(pieces.labels, touched[(size < CLUMP * area) & inside & (touched > 0)])
