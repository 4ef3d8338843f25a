"""Finding tissue on a slide's thumbnail, whatever the stain.

1. What the glass looks like, and how far each pixel is from it (``background``).
2. A threshold between glass and tissue by Otsu's method, held between two limits: a nearly empty slide must not be
   cut within its noise, nor a nearly full one within its tissue.
3. Pen marks and black corners go (``marks``), small pieces go, small holes are filled (``pieces``).
4. Where nothing is left, once more with a lower threshold; then there is nothing, and ``found`` says so.
"""

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from saccade.core.errors import BadInput
from saccade.imaging.tissue.background import Distance, Glass, densities, find_glass, glow_distance, stain_distance
from saccade.imaging.tissue.marks import find_corners, find_pen
from saccade.imaging.tissue.pieces import disc, tidy
from saccade.imaging.tissue.settings import TissueSettings
from saccade.imaging.tissue.tissue import Found, Tissue

Mask = Bool[np.ndarray, "height width"]

_STAIN_LIMITS, _STAIN_FAINT = (8, 14), 6  # steps of optical density: 0.04 to 0.07, and 0.03
_GLOW_LIMITS, _GLOW_FAINT = (64, 112), 40  # 3 to 10 levels above dark glass, and 1.4
_SMOOTH_UM = 8.0  # radius over which a thumbnail's noise is taken out
_JOIN_UM = 24.0  # gaps that are closed: between fibres


def find_tissue(
    thumbnail: UInt8[np.ndarray, "height width 3"],
    downsample: float,
    mpp: float,
    settings: TissueSettings | None = None,
) -> Tissue:
    """Find the tissue of a slide. Cost: a few passes over the thumbnail; nothing grows with the slide.

    >>> thumbnail = np.full((60, 80, 3), 240, np.uint8)
    >>> thumbnail[20:40, 30:60] = 200, 120, 180
    >>> tissue = find_tissue(thumbnail, downsample=32, mpp=0.25)
    >>> tissue.found, round(tissue.area_mm2, 3)
    ('stained', 0.038)

    Args:
        thumbnail: The whole slide, RGB.
        downsample: Base pixels along the side of one of its pixels.
        mpp: Micrometres per base pixel.
        settings: Areas and filters.

    Raises:
        BadInput: The thumbnail has no pixels, or a scale is not positive.
    """
    settings = settings or TissueSettings()
    if not thumbnail.size:
        raise BadInput("the thumbnail has no pixels", "check that the slide can be opened")
    nothing = np.zeros(thumbnail.shape[:2], bool)
    scale = downsample * mpp
    glass = find_glass(thumbnail)
    distance, marks, limits, faint = _distances(thumbnail, glass, scale, settings)
    # Where no glass is seen there are no two sides to part: everything may be tissue.
    between = int(np.clip(_otsu(distance, ~marks), *limits)) if glass.seen else limits[0]
    thresholds: tuple[tuple[Found, int], ...] = (
        ("fluorescent" if glass.dark else "stained", between),
        ("faint", faint),
    )
    for found, threshold in thresholds:
        mask = tidy(_joined(distance >= threshold, scale) & ~marks, scale, settings)
        if mask.any():
            return Tissue(mask, downsample, mpp, found, marks)
    return Tissue(nothing, downsample, mpp, "nothing", marks)


def _distances(
    thumbnail: UInt8[np.ndarray, "height width 3"], glass: Glass, scale: float, settings: TissueSettings
) -> tuple[Distance, Mask, tuple[int, int], int]:
    """How far each pixel is from glass, what is no tissue, and the limits and the last resort of a threshold."""
    if glass.dark:
        distance = glow_distance(thumbnail, glass, scale)
        return distance, np.zeros(distance.shape, bool), _GLOW_LIMITS, _GLOW_FAINT
    smooth = cv2.medianBlur(thumbnail, 2 * max(1, min(3, round(_SMOOTH_UM / scale))) + 1)
    density = densities(smooth, glass)
    distance = stain_distance(density)
    marks = np.zeros(distance.shape, bool)
    if settings.drop_corners:
        marks |= find_corners(thumbnail, scale)
    if settings.drop_pen:
        marks |= find_pen(density, (distance >= _STAIN_LIMITS[0]) & ~marks, scale)
    return distance, marks, _STAIN_LIMITS, _STAIN_FAINT


def _otsu(distance: Distance, counted: Mask) -> int:
    """The threshold that leaves the least variance on its two sides."""
    values = distance[counted][None]
    return int(cv2.threshold(values, 0, 255, cv2.THRESH_OTSU)[0]) + 1 if values.size else 0


def _joined(mask: Mask, scale: float) -> Mask:
    """The mask with narrow gaps closed; what touches the picture's edge is treated as if it went on there."""
    kernel = disc(_JOIN_UM / scale)
    reach = len(kernel) // 2
    padded = np.pad(mask.astype(np.uint8), reach, mode="edge")
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)
    closed = closed[reach : closed.shape[0] - reach, reach : closed.shape[1] - reach]
    return closed.astype(bool)
