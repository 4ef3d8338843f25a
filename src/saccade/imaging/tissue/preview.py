"""A picture of where tissue was found: outlined on the thumbnail, with the patches that will be taken."""

import cv2
import numpy as np
from jaxtyping import Bool, Int, UInt8

from saccade.imaging.tissue.background import is_fluorescence
from saccade.imaging.tissue.tissue import Tissue

Picture = UInt8[np.ndarray, "_ _ 3"]

TISSUE_COLOUR, DROPPED_COLOUR = (0, 158, 115), (213, 94, 0)
"""Outline of tissue, tint of what was left out as pen or corner: told apart by all eyes."""

_PALER = 0.45  # of what is no tissue that turns white, so that the eye finds the rest
_TINTED, _LINES = 0.6, 0.5  # of a tint that covers the picture, and of the lines of patches
_READABLE = 1000  # longest side up to which small thumbnails are enlarged, pixels repeated


def preview(
    thumbnail: Picture, tissue: Tissue, boxes: Int[np.ndarray, "box 4"] | None = None, longest: int = 2048
) -> Picture:
    """Draw tissue and patches over the thumbnail, at most ``longest`` pixels on its longer side.

    What is no tissue is paler, the outline green, pens and corners orange, patches thin black (white on fluorescence).

    >>> tissue = Tissue(np.ones((30, 40), bool), downsample=32.0, mpp=0.25)
    >>> preview(np.full((30, 40, 3), 200, np.uint8), tissue, longest=400).shape
    (300, 400, 3)

    Args:
        thumbnail: The whole slide.
        tissue: At any scale.
        boxes: Patches in base pixels.
        longest: Longest side of the picture.
    """
    picture = _sized(thumbnail, longest)
    size = picture.shape[1::-1]
    mask = _resized(tissue.mask, size)
    dark = is_fluorescence(picture)
    if not dark:
        _cover(picture, ~mask, (255, 255, 255), _PALER)
    if tissue.dropped is not None:
        _cover(picture, _resized(tissue.dropped, size), DROPPED_COLOUR, _TINTED)
    if boxes is not None:
        scale = size[0] / (tissue.mask.shape[1] * tissue.downsample)
        lines = _outlined(np.rint(boxes * scale).astype(np.int64), size)
        _cover(picture, lines, (255, 255, 255) if dark else (0, 0, 0), _LINES)
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, contours, -1, TISSUE_COLOUR, max(1, round(max(size) / 700)))
    return picture


def _sized(thumbnail: Picture, longest: int) -> Picture:
    """A copy, shrunk if it is too large, enlarged a whole number of times if it is hard to see."""
    side = max(thumbnail.shape[:2])
    if side > longest:
        size = [max(1, round(length * longest / side)) for length in thumbnail.shape[1::-1]]
        return np.asarray(cv2.resize(thumbnail, size, interpolation=cv2.INTER_AREA), np.uint8)
    times = max(1, min(longest, _READABLE) // side)
    return thumbnail.repeat(times, 0).repeat(times, 1)


def _resized(mask: Bool[np.ndarray, "_ _"], size: tuple[int, ...]) -> Bool[np.ndarray, "_ _"]:
    return np.asarray(cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)).astype(bool)


def _cover(picture: Picture, where: Bool[np.ndarray, "_ _"], colour: tuple[int, int, int], share: float) -> None:
    """Lay a colour over part of the picture, in place."""
    picture[where] = (picture[where] * (1 - share) + np.array(colour) * share).astype(np.uint8)


def _outlined(boxes: Int[np.ndarray, "box 4"], size: tuple[int, ...]) -> Bool[np.ndarray, "_ _"]:
    """Where the lines around the boxes are."""
    lines = np.zeros(size[::-1], np.uint8)
    for x0, y0, x1, y1 in boxes.tolist():
        cv2.rectangle(lines, (x0, y0), (x1, y1), 1, 1)
    return lines.astype(bool)
