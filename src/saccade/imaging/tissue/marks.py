"""Pen marks and black scanner corners on light glass: they are dark or coloured, but no tissue.

Told by which channel absorbs most. Haematoxylin, eosin, DAB and their mixtures absorb green more than, or about as
much as, red. Blue and green ink absorb red most, as hardly any stain does. Red ink absorbs next to no red and nearly as
much blue as green, as blood does; black ink absorbs everything, as pigment does: so these two must lie on glass for the
most part, and be drawn as long strokes. Ink is wide: thin colour, such as the dye that marks a surgical margin, stays
tissue. Where more than half of the tissue has an ink's colour, unevenly, it is taken for the slide's dye.
"""

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from saccade.imaging.tissue.background import OD_STEP, extremes
from saccade.imaging.tissue.pieces import disc, touching_edge

Mask = Bool[np.ndarray, "height width"]
Density = UInt8[np.ndarray, "height width 3"]

_STROKE_UM = 80.0  # no pen is thinner than twice this
_LONG_UM, _SLENDER = 2000.0, 3.0  # a clot of blood, a splinter of bone or a patch of pigment is shorter, or plumper
_RIM_UM = 40.0  # of an edge, over which it fades into glass
_EDGE_UM = 24.0  # black nuclei at the picture's edge are smaller
_BLACK = 40  # brightest channel of what no light reached
_STAIN_SHARE, _UNEVEN = 0.5, 0.1  # of the tissue, and optical density between neighbours: beyond both it is a dye


def find_pen(density: Density, tissue: Mask, mpp: float) -> Mask:
    """Marks of blue, green, red and black pens, with their faded rims.

    Args:
        density: Optical densities, as ``background.densities`` gives them.
        tissue: What stands out from the glass, marks included.
        mpp: Micrometres per thumbnail pixel.
    """
    red, green, blue = (density[..., channel].astype(np.int16) for channel in range(3))
    cool = (10 * red > 11 * green + 10 * _od(0.1)) & (red - blue > _od(0.2))
    green_ink = (red - green > _od(0.15)) & (blue >= green)
    black = (extremes(density)[0] > _od(0.75)) & (np.abs(red - blue) < _od(0.2))
    crimson = (red < _od(0.15)) & (green > _od(0.6)) & (20 * blue > 13 * green)
    uneven = _unevenness(density)
    pen = _strokes((cool | green_ink) & tissue, tissue, uneven, mpp)
    for ink in (black, crimson):
        strokes = _strokes(ink & tissue, tissue, uneven, mpp)
        pen |= _drawn(strokes, tissue, mpp) if strokes.any() else strokes
    return pen


def _od(density: float) -> int:
    """An optical density in steps."""
    return round(density / OD_STEP)


def find_corners(thumbnail: UInt8[np.ndarray, "height width 3"], mpp: float) -> Mask:
    """Black that reaches in from the edge of the picture, and the rim where it fades."""
    reach = disc(_EDGE_UM / mpp)
    margin = len(reach) // 2  # what reaches the edge goes on beyond it, however thin it is
    black = np.pad((extremes(thumbnail)[1] < _BLACK).astype(np.uint8), margin, mode="edge")
    black = np.asarray(cv2.morphologyEx(black, cv2.MORPH_OPEN, reach))
    black = np.ascontiguousarray(black[margin : len(black) - margin, margin : black.shape[1] - margin])
    count, labels = cv2.connectedComponents(black, connectivity=8)
    reaching = np.zeros(count, np.uint8)
    reaching[touching_edge(np.asarray(labels))] = 1
    reaching[0] = 0
    return cv2.dilate(reaching[np.asarray(labels, np.int32)], disc(_RIM_UM / mpp)).astype(bool)


def _unevenness(density: Density) -> Float32[np.ndarray, "height width"]:
    """Optical density between neighbouring pixels, on average over the channels."""
    kernel = np.ones((3, 3), np.uint8)
    spread = cv2.dilate(density, kernel) - cv2.erode(density, kernel)
    return cv2.transform(spread, np.full((1, 3), 1 / 3)).astype(np.float32) * OD_STEP


def _strokes(ink: Mask, tissue: Mask, uneven: Float32[np.ndarray, "height width"], mpp: float) -> Mask:
    """The wide parts of ink, and what of their rims stands out from the glass."""
    wide = cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_CLOSE, disc(_RIM_UM / mpp))
    core = cv2.morphologyEx(wide, cv2.MORPH_OPEN, disc(_STROKE_UM / mpp)).astype(bool)
    if not core.any() or (core.sum() > _STAIN_SHARE * tissue.sum() and np.median(uneven[core]) > _UNEVEN):
        return np.zeros(ink.shape, bool)
    return cv2.dilate(core.view(np.uint8), disc(2 * _RIM_UM / mpp)).astype(bool) & tissue


def _drawn(pen: Mask, tissue: Mask, mpp: float) -> Mask:
    """Those strokes that are long, far longer than wide, and most of whose surroundings are glass."""
    _, found, stats, _ = cv2.connectedComponentsWithStats(pen.astype(np.uint8), connectivity=8)
    labels = np.asarray(found, np.int32)
    kept = np.zeros(len(stats), bool)
    near = disc(3 * _RIM_UM / mpp)
    margin = len(near) // 2 + 1
    for label, (x, y, across, down, _) in enumerate(stats.tolist()):
        length = float(np.hypot(across, down))
        if label == 0 or length * mpp < _LONG_UM:
            continue
        window = np.s_[max(0, y - margin) : y + down + margin, max(0, x - margin) : x + across + margin]
        stroke = (labels[window] == label).astype(np.uint8)
        width = 2 * float(cv2.distanceTransform(np.pad(stroke, 1), cv2.DIST_L2, cv2.DIST_MASK_PRECISE).max())
        around = cv2.dilate(stroke, near).astype(bool) & ~pen[window]
        kept[label] = length > _SLENDER * width and not tissue[window][around].sum() > 0.5 * around.sum()
    return kept[labels]
