"""A picture of where tissue was found: outlined on the thumbnail, with the patches that will be taken."""

import cv2
import numpy as np
from jaxtyping import Bool, Int, UInt8

from saccade.imaging.tissue.tissue import Tissue

Picture = UInt8[np.ndarray, "_ _ 3"]

TISSUE_COLOUR, DROPPED_COLOUR, PATCH_COLOUR = (0, 158, 115), (213, 94, 0), (0, 0, 0)
"""Outline of tissue, tint of what was left out as pen or corner, lines of patches: told apart by all eyes."""

_PALER = 0.45  # of what is no tissue that turns white, so that the eye finds the rest


def preview(
    thumbnail: Picture, tissue: Tissue, boxes: Int[np.ndarray, "box 4"] | None = None, longest: int = 2048
) -> Picture:
    """Draw tissue and patches over the thumbnail, at most ``longest`` pixels on its longer side.

    What is no tissue is paler, the outline green, pens and corners orange, patches thin black (white on fluorescence).

    Args:
        thumbnail: The whole slide.
        tissue: At any scale.
        boxes: Patches in base pixels.
        longest: Longest side of the picture.
    """
    zoom = min(1.0, longest / max(thumbnail.shape[:2]))
    size = tuple(max(1, round(length * zoom)) for length in thumbnail.shape[1::-1])
    picture = np.asarray(cv2.resize(thumbnail, size, interpolation=cv2.INTER_AREA)) if zoom < 1 else thumbnail.copy()
    mask = _resized(tissue.mask, size)
    dark = tissue.found == "fluorescent"
    if not dark:
        picture[~mask] = (picture[~mask] * (1 - _PALER) + 255 * _PALER).astype(np.uint8)
    if tissue.dropped is not None:
        gone = _resized(tissue.dropped, size)
        picture[gone] = (picture[gone] * 0.4 + np.array(DROPPED_COLOUR) * 0.6).astype(np.uint8)
    if boxes is not None:
        scale = size[0] / (tissue.mask.shape[1] * tissue.downsample)
        _draw_boxes(picture, np.rint(boxes * scale).astype(int), (200, 200, 200) if dark else PATCH_COLOUR)
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, contours, -1, TISSUE_COLOUR, max(1, round(max(size) / 700)))
    return picture


def _resized(mask: Bool[np.ndarray, "_ _"], size: tuple[int, ...]) -> Bool[np.ndarray, "_ _"]:
    return np.asarray(cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)).astype(bool)


def _draw_boxes(picture: Picture, boxes: Int[np.ndarray, "box 4"], colour: tuple[int, int, int]) -> None:
    for x0, y0, x1, y1 in boxes.tolist():
        cv2.rectangle(picture, (x0, y0), (x1, y1), colour, 1)
