"""Slides at a coarse resolution, exactly averaged, in memory that does not grow with the slide.

A level of the file is taken, the coarsest that is at least as fine. Where it is much finer, or there are no others, it
goes by in bands: whole blocks of pixels are averaged there, and the little that remains afterwards.
"""

import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from jaxtyping import UInt8

from saccade.imaging.slides.reader import Picture, SlideLevel

_BAND_ROWS = 2048  # several rows of tiles: those on the border between two bands are unpacked twice
_BAND_PIXELS = 2**23  # most pixels held at a time
_SAME = 1e-3  # levels are nominal: 4.0003 is meant to be 4

Fetch = Callable[[int, int, int, int], Picture]
"""From x, y (base pixels), width and height (pixels of the level) to the pixels of one level."""


def level_for(levels: Sequence[SlideLevel], downsample: float) -> int:
    """The coarsest level at least as fine as a downsample.

    >>> level_for([SlideLevel(80, 80, 1.0), SlideLevel(20, 20, 4.0003), SlideLevel(5, 5, 16.0)], 4.0)
    1
    """
    fine = [number for number, level in enumerate(levels) if level.downsample <= downsample * (1 + _SAME)]
    return max(fine, key=lambda number: levels[number].downsample, default=0)


def averaged(level: SlideLevel, extent: tuple[int, int], downsample: float, fetch: Fetch) -> Picture:
    """A level brought to a downsample: pixel (i, j) is the mean of base pixels from (i, j) to (i + 1, j + 1) times it.

    Args:
        level: The level, at least as fine.
        extent: Rows and columns in base pixels.
        downsample: Base pixels along the side of a pixel of the result; need not be whole.
        fetch: The pixels of that level.
    """
    ratio = downsample / level.downsample
    block = max(1, math.floor(ratio * (1 + _SAME)))
    small = _in_blocks(level, block, fetch)
    rows, columns = (math.ceil(side / downsample - 1e-6) for side in extent)
    return _resized(small, rows, columns, ratio / block)


def coarser(picture: Picture, downsample: float, extent: tuple[int, int], wanted: float) -> Picture:
    """A thumbnail of one downsample brought to a coarser one.

    >>> coarser(np.full((6, 9, 3), 7, np.uint8), 2.0, (12, 18), 6.0).shape
    (2, 3, 3)
    """

    def fetch(x: int, y: int, width: int, height: int) -> Picture:
        row, column = round(y / downsample), round(x / downsample)
        return picture[row : row + height, column : column + width]

    level = SlideLevel(picture.shape[0], picture.shape[1], downsample)
    return averaged(level, extent, wanted, fetch)


def _in_blocks(level: SlideLevel, block: int, fetch: Fetch) -> Picture:
    """The whole level, averaged over blocks of pixels."""
    rows, columns = -(-level.height // block), -(-level.width // block)
    small = np.empty((rows, columns, 3), np.uint8)
    high = max(1, _BAND_ROWS // block)
    wide = max(1, _BAND_PIXELS // (high * block) // block)
    for row in range(0, rows, high):
        for column in range(0, columns, wide):
            top, left = row * block, column * block
            bottom, right = min((row + high) * block, level.height), min((column + wide) * block, level.width)
            x, y = (round(place * level.downsample) for place in (left, top))
            means = block_means(fetch(x, y, right - left, bottom - top), block)
            small[row : row + high, column : column + wide] = means
    return small


def block_means(pixels: UInt8[np.ndarray, "_height _width 3"], block: int) -> Picture:
    """Means over blocks; those on the right and at the bottom are of the pixels that are there.

    >>> row = np.repeat(np.array([[0, 10, 20, 40, 7]], np.uint8)[..., None], 3, axis=2)
    >>> block_means(row, 2)[..., 0].tolist()
    [[5, 30, 7]]
    """
    if block == 1:
        return pixels
    height, width = pixels.shape[:2]
    means = np.empty((-(-height // block), -(-width // block), 3), np.uint8)
    for top, bottom in _whole_and_rest(height, block):
        for left, right in _whole_and_rest(width, block):
            rows, columns = -(-(bottom - top) // block), -(-(right - left) // block)
            part = cv2.resize(pixels[top:bottom, left:right], (columns, rows), interpolation=cv2.INTER_AREA)
            means[top // block : top // block + rows, left // block : left // block + columns] = part
    return means


def _whole_and_rest(length: int, block: int) -> list[tuple[int, int]]:
    """Where the whole blocks lie along a side, and where what remains does."""
    whole = length // block * block
    return [(start, end) for start, end in ((0, whole), (whole, length)) if start < end]


def _resized(pixels: Picture, rows: int, columns: int, ratio: float) -> Picture:
    """Means over squares of ``ratio`` pixels from the corner on; beyond the last pixels, they are repeated."""
    if abs(ratio - 1) <= _SAME:
        ratio = 1.0
    needed = [
        math.ceil(count * ratio) - length for count, length in ((rows, pixels.shape[0]), (columns, pixels.shape[1]))
    ]
    down, right = (max(0, missing) for missing in needed)
    padded = cv2.copyMakeBorder(pixels, 0, down, 0, right, cv2.BORDER_REPLICATE)
    if ratio != 1.0:
        padded = cv2.resize(padded, None, fx=1 / ratio, fy=1 / ratio, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(padded[:rows, :columns])
