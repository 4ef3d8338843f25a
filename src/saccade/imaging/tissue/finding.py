"""Finding tissue on a slide's thumbnail, whatever the stain.

1. What the glass looks like, and how far each pixel is from it (``background``).
2. Pen marks and black corners go (``marks``).
3. A threshold between glass and tissue by Otsu's method, held between two limits: a nearly empty slide must not be
   cut within its noise, nor a nearly full one within its tissue. What is above it is tissue, and so is paler tissue
   around it, down to little more than glass varies by.
4. Small pieces go, small holes are filled (``pieces``).
5. Where nothing is left, pale pieces alone are taken; where there are none, there is nothing, and ``found`` says so.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from saccade.core.errors import BadInput
from saccade.imaging.tissue.background import Distance, densities, find_glass, glow_distance, stain_distance
from saccade.imaging.tissue.marks import find_corners, find_pen
from saccade.imaging.tissue.pieces import disc, find_pieces, tidy
from saccade.imaging.tissue.settings import TissueSettings
from saccade.imaging.tissue.tissue import Found, Tissue

Mask = Bool[np.ndarray, "height width"]

_STAIN_LIMITS = (8, 14)  # steps of optical density where tissue is certain: 0.04 to 0.07
_STAIN_LOW = 5  # where it may begin: 0.025, five times what glass varies by at this scale
_GLOW_LIMITS, _GLOW_LOW = (64, 112), 40  # 3 to 10 levels above dark glass, and 1.4
_CERTAIN = 0.02  # least share of a piece that is certain, or it is a smear with dust in it
_SMOOTH_UM = 8.0  # radius over which a thumbnail's noise is taken out
_JOIN_UM = 24.0  # gaps that are closed: between fibres


def find_tissue(
    thumbnail: UInt8[np.ndarray, "height width 3"],
    downsample: float,
    mpp: float,
    settings: TissueSettings | None = None,
) -> Tissue:
    """Find the tissue of a slide.

    Cost: some dozen passes over the thumbnail and ten times its memory; nothing grows with the slide's own pixels.

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
    if not (downsample > 0 and mpp > 0):
        raise BadInput(f"a thumbnail at {downsample:g} base pixels of {mpp:g} µm", "use positive scales")
    scale = downsample * mpp
    contrast = _contrast(thumbnail, scale, settings)
    attempts: tuple[tuple[Found, Callable[[float], Mask]], ...] = (
        ("fluorescent" if contrast.dark else "stained", contrast.certain),
        ("faint", contrast.possible),
    )
    for found, attempt in attempts:
        mask = tidy(attempt(scale), scale, settings)
        if mask.any():
            return Tissue(mask, downsample, mpp, found, contrast.marks)
    return Tissue(np.zeros(thumbnail.shape[:2], bool), downsample, mpp, "nothing", contrast.marks)


@dataclass(frozen=True, eq=False)
class _Contrast:
    """How a slide stands out from its glass."""

    distance: Distance
    marks: Mask
    low: int
    """Below, a pixel is glass."""
    high: int
    """From here, it is tissue."""
    dark: bool

    def possible(self, scale: float) -> Mask:
        """All that may be tissue."""
        return _joined(self.distance >= self.low, scale) & ~self.marks

    def certain(self, scale: float) -> Mask:
        """Of that, pieces some of which is certain; on dark glass, where light spreads, only what is certain."""
        sure = self.distance >= self.high
        if self.dark:
            return _joined(sure, scale)
        labels, areas = find_pieces(self.possible(scale), connectivity=8)
        kept = np.bincount(labels[sure], minlength=len(areas)) > _CERTAIN * areas
        kept[0] = False
        return kept[labels]


def _contrast(thumbnail: UInt8[np.ndarray, "height width 3"], scale: float, settings: TissueSettings) -> _Contrast:
    """Distances from glass, what is no tissue, and the two thresholds."""
    glass = find_glass(thumbnail)
    if glass.dark:
        distance = glow_distance(thumbnail, glass, scale)
        marks = np.zeros(distance.shape, bool)
        return _Contrast(distance, marks, _GLOW_LOW, int(np.clip(_otsu(distance), *_GLOW_LIMITS)), dark=True)
    smooth = cv2.medianBlur(thumbnail, 2 * max(1, min(3, round(_SMOOTH_UM / scale))) + 1)
    density = densities(smooth, glass)
    distance = stain_distance(density)
    marks = np.zeros(distance.shape, bool)
    if settings.drop_corners:
        marks |= find_corners(thumbnail, scale)
    if settings.drop_pen:
        marks |= find_pen(density, (distance >= _STAIN_LIMITS[0]) & ~marks, scale)
    high = int(np.clip(_otsu(distance[~marks]), *_STAIN_LIMITS))
    return _Contrast(distance, marks, _STAIN_LOW, high, dark=False)


def _otsu(distance: UInt8[np.ndarray, "..."]) -> int:
    """The threshold that leaves the least variance on its two sides."""
    return int(cv2.threshold(distance.reshape(1, -1), 0, 255, cv2.THRESH_OTSU)[0]) + 1 if distance.size else 0


def _joined(mask: Mask, scale: float) -> Mask:
    """The mask with narrow gaps closed; what touches the picture's edge is treated as if it went on there."""
    kernel = disc(_JOIN_UM / scale)
    reach = len(kernel) // 2
    padded = np.pad(mask.astype(np.uint8), reach, mode="edge")
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)
    closed = closed[reach : closed.shape[0] - reach, reach : closed.shape[1] - reach]
    return closed.astype(bool)
