"""What every reader of slide files offers, and what they share: the places of regions, and what lies outside."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from saccade.core.errors import BadInput
from saccade.imaging.slides.mpp import StatedMpp

Picture = UInt8[np.ndarray, "_height _width 3"]
"""Pixels of a slide: 8-bit RGB. The underscores let a function return another size than it was given."""

Box = tuple[int, int, int, int]
"""x, y, width and height."""

WHITE = (255, 255, 255)

SIMULATED = "Simulated"
"""How the description of a slide begins that a program made, in the TIFF tag ImageDescription."""


@dataclass(frozen=True)
class SlideLevel:
    """One resolution of a slide.

    Attributes:
        height: Rows.
        width: Columns.
        downsample: Base pixels along the side of one of its pixels; 1.0 for the finest.
    """

    height: int
    width: int
    downsample: float


@dataclass(frozen=True)
class SlideFacts:
    """What a slide file says of itself.

    Attributes:
        backend: Which reader: ``openslide``, ``tifffile`` or ``image``.
        vendor: Whose format it is: ``aperio``, ``hamamatsu``, ``dicom``, ``ome-tiff``, ``png`` …
        levels: Finest first.
        stated_mpp: Micrometres per base pixel, if the file states a plausible value.
        mpp_doubt: Where it does not: what it says instead, or nothing.
        bounds: The part that was scanned, in base pixels, where the file tells.
        associated: Names of the pictures beside the slide: label, macro, thumbnail.
        background: Colour of what was not scanned.
        simulated: Whether it says that it is no photograph, but made by a simulator.
    """

    backend: str
    vendor: str
    levels: tuple[SlideLevel, ...]
    stated_mpp: StatedMpp | None = None
    mpp_doubt: str = ""
    bounds: Box | None = None
    associated: tuple[str, ...] = ()
    background: tuple[int, int, int] = WHITE
    simulated: bool = False


@runtime_checkable
class SlideReader(Protocol):
    """An open slide file, in one process; ``Slide`` is what to hold on to and to hand around.

    Several threads may read at a time.
    """

    path: Path
    facts: SlideFacts
    held: int  # most bytes of pixels that it keeps, besides what all share

    def read_region(self, x: int, y: int, level: int, width: int, height: int) -> Picture:
        """The pixels of a level from a place on; see ``Slide.read_region``.

        Raises:
            UnreadableSlide: Naming the region.
        """
        ...

    def unpack(self, level: int, threads: int) -> None:
        """Told that a level will be wanted whole: a reader that gains by it unpacks it with so many threads."""
        ...

    def associated_image(self, name: str) -> Picture:
        """One of the pictures beside the slide.

        Raises:
            BadInput: There is no such picture.
            UnreadableSlide: It is damaged.
        """
        ...

    def close(self) -> None:
        """Give back the file; reading afterwards raises ``ValueError``, as with Python's files."""
        ...


def checked_region(facts: SlideFacts, path: Path, level: int, width: int, height: int) -> SlideLevel:
    """The level of a region; ``BadInput`` where it is not in the slide, or the region has no pixels."""
    if not 0 <= level < len(facts.levels):
        last = len(facts.levels) - 1
        raise BadInput(f"has no level {level}", f"give a level from 0, the finest, to {last}", str(path))
    if width < 1 or height < 1:
        raise BadInput(f"a region of {width} x {height} pixels is empty", "give 1 or more", str(path))
    return facts.levels[level]


def checked_name(facts: SlideFacts, path: Path, name: str) -> str:
    """The name of a picture beside the slide; ``BadInput`` where there is none of it."""
    if name not in facts.associated:
        held = ", ".join(facts.associated) or "none"
        raise BadInput(f"holds no picture {name!r}", f"those it holds: {held}", str(path))
    return name


def pasted(
    level: SlideLevel,
    box: Box,
    background: tuple[int, int, int],
    fetch: Callable[[tuple[int, int], tuple[int, int]], UInt8[np.ndarray, "_height _width _channel"]],
) -> Picture:
    """A region of a level, with the background where it reaches beyond the image.

    >>> ramp = np.arange(12, dtype=np.uint8).reshape(3, 4, 1)
    >>> level = SlideLevel(3, 4, 1.0)
    >>> fetch = lambda rows, columns: ramp[slice(*rows), slice(*columns)]
    >>> pasted(level, (3, 1, 2, 2), WHITE, fetch)[..., 0].tolist()
    [[7, 255], [11, 255]]

    Args:
        level: The level.
        box: x, y in base pixels; width, height in pixels of the level.
        background: Colour of what lies outside.
        fetch: From first and last-but-one row, and the same of columns, all inside, to their pixels, in an
            array of its own; grey or RGB.
    """
    x, y, width, height = box
    left, top = (round(place / level.downsample) for place in (x, y))
    rows = (max(top, 0), min(top + height, level.height))
    columns = (max(left, 0), min(left + width, level.width))
    inside = rows[0] < rows[1] and columns[0] < columns[1]
    if inside and (rows, columns) == ((top, top + height), (left, left + width)):
        return _rgb(fetch(rows, columns))
    region = np.empty((height, width, 3), np.uint8)
    region[:] = background
    if inside:
        region[rows[0] - top : rows[1] - top, columns[0] - left : columns[1] - left] = fetch(rows, columns)
    return region


def _rgb(pixels: UInt8[np.ndarray, "_height _width _channel"]) -> Picture:
    """Grey as three channels."""
    return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
