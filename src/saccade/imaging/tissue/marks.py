"""Pen marks and black scanner corners on light glass: they are dark or coloured, but no tissue.

Told by which channel absorbs most. Haematoxylin, eosin, DAB and their mixtures absorb green more than, or about as
much as, red. Blue and green ink absorb red most; red ink absorbs hardly any red and nearly as much blue as green, as
blood does, so it must lie on glass, as blood seldom does; black ink absorbs everything. Ink is wide: thin colour, such
as the dye that marks a surgical margin, stays tissue.
"""

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from saccade.imaging.tissue.background import OD_STEP
from saccade.imaging.tissue.pieces import disc

Mask = Bool[np.ndarray, "height width"]
Density = UInt8[np.ndarray, "height width 3"]

_STROKE_UM = 120.0  # no pen is thinner than twice this
_RIM_UM = 40.0  # of an edge, over which it fades into glass
_BLACK = 40  # brightest channel of what no light reached
_STAIN_SHARE = 0.8  # of the tissue: beyond, the colour is the slide's dye and no ink


def find_pen(density: Density, tissue: Mask, mpp: float) -> Mask:
    """Marks of blue, green, red and black pens, with their faded rims.

    Args:
        density: Optical densities, as ``background.densities`` gives them.
        tissue: What stands out from the glass, marks included.
        mpp: Micrometres per thumbnail pixel.
    """
    red, green, blue = (density[..., channel].astype(np.float32) * OD_STEP for channel in range(3))
    cool = (red > 1.1 * green + 0.1) & (red - blue > 0.2)
    green_ink = (red - green > 0.15) & (blue >= green)
    inks = [cool | green_ink, (np.minimum(np.minimum(red, green), blue) > 0.75) & (np.abs(red - blue) < 0.2)]
    pen = np.zeros(tissue.shape, bool)
    for ink in inks:
        pen |= _strokes(ink & tissue, tissue, mpp)
    crimson = (red < 0.15) & (green > 0.45) & (blue > 0.65 * green)
    return pen | _on_glass(_strokes(crimson & tissue, tissue, mpp), tissue, mpp)


def find_corners(thumbnail: UInt8[np.ndarray, "height width 3"], mpp: float) -> Mask:
    """Black that reaches in from the edge of the picture, and the rim where it fades."""
    black = (thumbnail.max(axis=2) < _BLACK).astype(np.uint8)
    _, labels = cv2.connectedComponents(black, connectivity=8)
    edges = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    touching = np.isin(labels, np.unique(edges[edges > 0])).astype(np.uint8)
    return cv2.dilate(touching, disc(_RIM_UM / mpp)).view(bool) if touching.any() else touching.view(bool)


def _strokes(ink: Mask, tissue: Mask, mpp: float) -> Mask:
    """The wide parts of ink, and what of their rims stands out from the glass."""
    wide = cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_CLOSE, disc(_RIM_UM / mpp))
    core = cv2.morphologyEx(wide, cv2.MORPH_OPEN, disc(_STROKE_UM / mpp))
    if not core.any() or core.sum() > _STAIN_SHARE * tissue.sum():
        return np.zeros(ink.shape, bool)
    return cv2.dilate(core, disc(2 * _RIM_UM / mpp)).view(bool) & tissue


def _on_glass(pen: Mask, tissue: Mask, mpp: float) -> Mask:
    """Those strokes most of whose surroundings are glass."""
    count, labels = cv2.connectedComponents(pen.astype(np.uint8), connectivity=8)
    kept = np.zeros(count, bool)
    for label in range(1, count):
        stroke = (labels == label).astype(np.uint8)
        around = cv2.dilate(stroke, disc(2 * _RIM_UM / mpp)) > stroke
        kept[label] = not tissue[around].mean() > 0.5
    return kept[labels]
