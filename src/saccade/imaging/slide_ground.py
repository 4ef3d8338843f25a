"""The ground a map of a slide is drawn over: its thumbnail, or, without a file, a plain sheet with the patches on it.

Never finer than a few million pixels, however large the slide: maps are drawn at this scale and no other.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float

from saccade.imaging.drawing import Picture, pixel_edges
from saccade.imaging.field_drawing import shrunk
from saccade.imaging.slides import Slide

LONGEST = 2000
"""Pixels along the longer side of a map."""

_READABLE = 1000  # longest side up to which small thumbnails are enlarged, pixels repeated
_PLAIN = 1200  # longest side of a sheet without a slide
_SHEET, _PATCH, _RIM = 236, 205, 222  # greys: beside the patches, on them, between them


@dataclass(frozen=True, eq=False)
class Ground:
    """A picture and where it lies on the slide.

    Attributes:
        picture: Of the slide, or of its scanned part.
        downsample: Base pixels along the side of one of its pixels.
        corner: Its upper left corner x, y in base pixels.
        mpp: Micrometres per base pixel, where known.
    """

    picture: Picture
    downsample: float
    corner: tuple[float, float] = (0.0, 0.0)
    mpp: float | None = None

    def pixels(self, boxes: Float[np.ndarray, "patch 4"]) -> Float[np.ndarray, "patch 4"]:
        """Boxes in base pixels as boxes in pixels of the picture.

        >>> Ground(np.zeros((4, 4, 3), np.uint8), 8.0, (16.0, 0.0)).pixels(np.array([[32.0, 8, 40, 16]])).tolist()
        [[2.0, 1.0, 3.0, 2.0]]
        """
        return (boxes - np.array([*self.corner, *self.corner])) / self.downsample


def slide_ground(slide: Slide, longest: int = LONGEST, threads: int = 1) -> Ground:
    """The thumbnail of a slide, cut to its scanned part where the file tells of one.

    Cost: one level of the file, the coarsest that is fine enough.

    >>> from saccade.imaging.slides import open_slide
    >>> ground = slide_ground(open_slide("images/second.bmp"))
    >>> ground.picture.shape, round(ground.downsample, 3)
    ((960, 960, 3), 0.05)

    Args:
        slide: The slide.
        longest: Pixels along the longer side, at most.
        threads: Threads that may unpack it.

    Raises:
        UnreadableSlide: It is damaged.
    """
    x, y, width, height = slide.bounds or (0, 0, slide.width, slide.height)
    side = max(1, round(longest * max(slide.width, slide.height) / max(width, height)))
    picture, downsample = slide.thumbnail(side=side, threads=threads)
    left, top = int(x / downsample), int(y / downsample)
    picture = picture[top : round((y + height) / downsample), left : round((x + width) / downsample)]
    times = max(1, min(longest, _READABLE) // max(picture.shape[:2]))
    picture = np.ascontiguousarray(shrunk(picture.repeat(times, 0).repeat(times, 1), longest))
    mpp = slide.stated_mpp.value if slide.stated_mpp is not None else None
    return Ground(picture, downsample / times, (left * downsample, top * downsample), mpp)


def plain_ground(
    boxes: Float[np.ndarray, "patch 4"], extent: tuple[int, int] | None = None, mpp: float | None = None
) -> Ground:
    """A light sheet with the patches in grey, for slides whose file is not at hand.

    Args:
        boxes: Of the patches, in base pixels.
        extent: Height and width of the slide; the patches with some room around them where not known.
        mpp: Micrometres per base pixel, where known.
    """
    x0, y0, x1, y1 = _around(boxes) if extent is None else (0.0, 0.0, float(extent[1]), float(extent[0]))
    downsample = max(x1 - x0, y1 - y0, 1.0) / _PLAIN
    height, width = (max(1, round(length / downsample)) for length in (y1 - y0, x1 - x0))
    ground = Ground(np.full((height, width, 3), _SHEET, np.uint8), downsample, (x0, y0), mpp)
    edges = pixel_edges(ground.pixels(boxes), height, width)
    rim = len(edges) > 0 and int((edges[:, 2:] - edges[:, :2]).max()) >= 6
    for left, top, right, bottom in edges.tolist():
        ground.picture[top:bottom, left:right] = _PATCH
        if rim:
            cv2.rectangle(ground.picture, (left, top), (right - 1, bottom - 1), (_RIM,) * 3, 1)
    return ground


def _around(boxes: Float[np.ndarray, "patch 4"]) -> tuple[float, float, float, float]:
    """What holds all boxes and about one more on each side."""
    if not len(boxes):
        return 0.0, 0.0, 1.0, 1.0
    x0, y0 = boxes[:, :2].min(0).tolist()
    x1, y1 = boxes[:, 2:].max(0).tolist()
    room = float((boxes[:, 2:] - boxes[:, :2]).max())
    return x0 - room, y0 - room, x1 + room, y1 + room
