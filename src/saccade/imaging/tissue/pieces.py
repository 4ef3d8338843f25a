"""Which pieces of a mask are kept and which holes stay open, by area."""

import cv2
import numpy as np
from jaxtyping import Bool, Int, UInt8

from saccade.imaging.tissue.settings import TissueSettings
from saccade.imaging.tissue.tissue import pixel_mm2

Mask = Bool[np.ndarray, "height width"]
Labels = Int[np.ndarray, "height width"]


def tidy(mask: Mask, mpp: float, settings: TissueSettings) -> Mask:
    """Fill small holes, then drop small pieces: smaller than an area, or than a share of the largest one.

    Args:
        mask: What stands out.
        mpp: Micrometres per pixel of the mask.
        settings: The areas.
    """
    pixel = pixel_mm2(mpp)
    filled = _filled(mask, settings.min_hole_mm2 / pixel)
    labels, areas = find_pieces(filled, connectivity=8)
    areas[0] = 0
    least = max(1.0, settings.min_area_mm2 / pixel, settings.min_relative * float(areas.max()))
    return (areas >= least)[labels]


def disc(radius: float) -> UInt8[np.ndarray, "side side"]:
    """A disc for morphology, the same whichever way it is turned; a single pixel where the radius is below one.

    >>> disc(1).tolist()
    [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    """
    reach = np.arange(-int(radius), int(radius) + 1)
    return (reach[:, None] ** 2 + reach**2 <= radius**2).astype(np.uint8)


def touching_edge(labels: Labels) -> Int[np.ndarray, " piece"]:
    """Which pieces reach the edge of the picture."""
    return np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))


def _filled(mask: Mask, least: float) -> Mask:
    """The mask without holes of fewer than ``least`` pixels; what reaches the picture's edge is no hole."""
    labels, areas = find_pieces(~mask, connectivity=4)
    holes = areas < least
    holes[touching_edge(labels)] = False
    holes[0] = True  # the mask itself
    return holes[labels]


def find_pieces(mask: Mask, connectivity: int) -> tuple[Labels, Int[np.ndarray, " piece"]]:
    """Number of the piece each pixel belongs to, 0 for none, and the pixels of each."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=connectivity)
    return np.asarray(labels, np.int32), np.asarray(stats[:, cv2.CC_STAT_AREA], np.int32)
