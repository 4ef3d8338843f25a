"""Which pieces of a mask are kept and which holes stay open, by area."""

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from saccade.imaging.tissue.settings import TissueSettings

Mask = Bool[np.ndarray, "height width"]


def tidy(mask: Mask, mpp: float, settings: TissueSettings) -> Mask:
    """Fill small holes, then drop small pieces: smaller than an area, or than a share of the largest one.

    Args:
        mask: What stands out.
        mpp: Micrometres per pixel of the mask.
        settings: The areas.
    """
    pixel = (mpp / 1000) ** 2
    filled = ~_without_small(~mask, settings.min_hole_mm2 / pixel, connectivity=4)
    areas = _areas(filled, 8)
    least = max(settings.min_area_mm2 / pixel, settings.min_relative * max(areas[1:], default=0))
    return _without_small(filled, least, connectivity=8)


def disc(radius: float) -> UInt8[np.ndarray, "side side"]:
    """A disc for morphology, the same whichever way it is turned; a single pixel where the radius is below one.

    >>> disc(1).tolist()
    [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    """
    reach = np.arange(-int(radius), int(radius) + 1)
    return (reach[:, None] ** 2 + reach**2 <= radius**2).astype(np.uint8)


def _areas(mask: Mask, connectivity: int) -> list[int]:
    """Pixels of the background, then of each piece."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=connectivity)
    return stats[:, cv2.CC_STAT_AREA].tolist()


def _without_small(mask: Mask, least: float, connectivity: int) -> Mask:
    """The mask without pieces of fewer than ``least`` pixels."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=connectivity)
    kept = stats[:, cv2.CC_STAT_AREA] >= least
    kept[0] = False
    return kept[labels]
