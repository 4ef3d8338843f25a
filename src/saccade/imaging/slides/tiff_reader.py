"""TIFF files through tifffile: OME-TIFF, and pyramids that OpenSlide does not see. 8 bits, RGB or grey."""

from pathlib import Path

import numpy as np
import tifffile

from saccade.core.errors import BadInput
from saccade.imaging.image_files import MAX_PIXELS, as_image
from saccade.imaging.slides.errors import CONVERT, COPY_AGAIN, UnreadableSlide, UnsupportedSlide, reason_of
from saccade.imaging.slides.mpp import judged
from saccade.imaging.slides.reader import (
    SIMULATED,
    Picture,
    SlideFacts,
    SlideLevel,
    checked_name,
    checked_region,
    pasted,
)
from saccade.imaging.tile_cache import TileCache
from saccade.imaging.tiled_files import TiledFile

CACHE_BYTES = 3 * 2**25
"""Unpacked tiles kept of a slide: two rows of tiles of a level 60,000 pixels wide, which rows of patches share."""

_ASSOCIATED = ("label", "macro", "overview", "thumbnail")


class TiffReader:
    """A TIFF read tile by tile; between two pixels of a coarser level, the nearest is taken.

    Args:
        path: The file.

    Raises:
        UnsupportedSlide: More than 8 bits, a stack, channels in planes apart, a compression that is not known …
        UnreadableSlide: It is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            file = TiledFile(path)
        except BadInput as error:
            raise _told_apart(error, path) from error
        if file.dtype != np.uint8:
            raise UnsupportedSlide(f"holds {file.dtype} values, and slides are of 8 bits", CONVERT, str(path))
        self.held = min(CACHE_BYTES, sum(level.height * level.width * file.channels for level in file.levels))
        self._tiles: TileCache | None = TileCache(file, room=CACHE_BYTES)
        self._series = _associated(path)
        stated, doubt = judged((source, *sizes) for source, sizes in file.stated.items())
        self.facts = SlideFacts(
            backend="tifffile",
            vendor="ome-tiff" if file.ome else "tiff",
            levels=tuple(SlideLevel(level.height, level.width, float(level.step)) for level in file.levels),
            stated_mpp=stated,
            mpp_doubt=doubt,
            associated=tuple(self._series),
            simulated=_is_simulated(path),
        )

    def read_region(self, x: int, y: int, level: int, width: int, height: int) -> Picture:
        """The pixels of a level from a place on."""
        tiles = self._tiles
        if tiles is None:
            raise ValueError(f"{self.path}: the slide is closed")
        found = checked_region(self.facts, self.path, level, width, height)
        box = (x, y, width, height)
        try:
            return pasted(found, box, self.facts.background, lambda rows, columns: tiles.region(level, rows, columns))
        except BadInput as error:
            raise UnreadableSlide.at(self.path, level, box, error.message) from error

    def unpack(self, level: int, threads: int) -> None:
        """Nothing: what is asked for is unpacked then, in little time."""

    def associated_image(self, name: str) -> Picture:
        """One of the pictures beside the slide."""
        checked_name(self.facts, self.path, name)
        try:
            with tifffile.TiffFile(self.path) as tiff:
                picture = as_image(tiff.series[self._series[name]].asarray())
        except Exception as error:  # decoders fail in every way there is, as in image_files
            message = f"its picture {name!r} cannot be read ({reason_of(error)})"
            raise UnreadableSlide(message, COPY_AGAIN, str(self.path)) from error
        return np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture

    def close(self) -> None:
        """Let the unpacked tiles go; the file itself is only open while a tile is unpacked."""
        self._tiles = None


def _told_apart(error: BadInput, path: Path) -> UnsupportedSlide | UnreadableSlide:
    """What ``TiledFile`` refuses, as damaged or as of a kind that is not known."""
    if error.remedy.startswith(("copy it again", "check")):
        return UnreadableSlide(error.message, error.remedy, str(path))
    return UnsupportedSlide(error.message, error.remedy, str(path))


def _associated(path: Path) -> dict[str, int]:
    """The series that hold pictures beside the slide, by what they show: small, 8 bits, grey or RGB."""
    found = {}
    with tifffile.TiffFile(path) as tiff:
        for number, series in enumerate(tiff.series[1:], 1):
            name = next((word for word in _ASSOCIATED if word in series.name.lower()), "")
            plain = series.dtype == np.uint8 and series.axes in ("YX", "YXS") and series.shape[2:] in ((), (3,))
            if name and plain and series.size <= 3 * MAX_PIXELS:
                found.setdefault(name, number)
    return found


def _is_simulated(path: Path) -> bool:
    """Whether its description says that a program made it."""
    with tifffile.TiffFile(path) as tiff:
        return tiff.pages.first.description.startswith(SIMULATED)
