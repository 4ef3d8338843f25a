"""TIFF files too large to decode: what they hold is checked at once, and unpacked one tile at a time.

- uint8 or uint16, grey or RGB, channels side by side; tiles or strips; uncompressed, PackBits, LZW, deflate, zstd or
  JPEG; one level or a pyramid, whichever way it is kept (SubIFDs, further pages, Aperio's), as tifffile finds it.
- Everything else is refused in one line: stacks, planes kept apart, alpha, palettes, other compressions, files that end
  before their pixels do, and tiles or strips above ``MAX_TILE_PIXELS``: a small file can claim terabytes.
- Of a file with several pictures the first is taken, as ``image_files`` does.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from jaxtyping import Int, Num

from saccade.core.errors import BadInput
from saccade.core.units import PLAUSIBLE_MPP
from saccade.imaging.file_faults import told_in_one_line
from saccade.imaging.image_files import TIFF_SUFFIXES

Pixels = Num[np.ndarray, "height width channel"]

MAX_TILE_PIXELS = 2**24
"""Most pixels of a tile, or of a strip, 4096 x 4096: what must be unpacked at once to see one of them."""

_JPEG = 7
_COMPRESSIONS = {1, 5, _JPEG, 8, 32773, 32946, 50000}
_SAVE_ANEW = "save it as a tiled TIFF, grey or RGB, with JPEG or deflate"
_MICROMETRES = {"µm": 1.0, "um": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4}


@dataclass(frozen=True, eq=False)
class Level:
    """One resolution of a file: where its tiles lie and how they are unpacked. A strip is a tile as wide as the level.

    Attributes:
        height: Rows.
        width: Columns.
        step: Base pixels along the side of a pixel of this level.
        tile: Rows and columns of a tile.
        offsets: Where the bytes of each tile begin, tiles in raster order.
        counts: How many bytes each has; none where nothing was stored, which is black.
        decode: From bytes and number of a tile to its pixels.
        jpeg: Whether tiles are JPEG, whose own header may claim any size.
    """

    height: int
    width: int
    step: int
    tile: tuple[int, int]
    offsets: Int[np.ndarray, " tile"]
    counts: Int[np.ndarray, " tile"]
    decode: Callable[[bytes, int], np.ndarray]
    jpeg: bool

    @property
    def across(self) -> int:
        """Tiles side by side."""
        return -(-self.width // self.tile[1])


class TiledFile:
    """A tiled TIFF: its levels, and the pixels of one tile.

    The file is opened for each tile anew, so that threads and forked workers do not move each other's position.

    Args:
        path: The file.

    Attributes:
        levels: Finest first.
        height: Rows of the finest.
        width: Columns of the finest.
        channels: Channels of a pixel.
        dtype: Type of the values.
        stated: Micrometres per base pixel across and down, by where the file states them, whatever they are worth.
        mpp: Those, where they are plausible.
        ome: Whether it is an OME-TIFF.

    Raises:
        BadInput: Naming the file: it is missing, empty, truncated, damaged, or of a kind this reader does not know.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        with told_in_one_line(self.path, "a TIFF"), tifffile.TiffFile(self.path) as tiff:
            series = tiff.series[0]
            base: Any = series.keyframe
            _check_kind(series.axes, series.shape, base)
            found = [_level(level.keyframe, base, tiff.filehandle.size) for level in series.levels]
            self.ome = bool(tiff.is_ome)
            self.stated = stated_sizes(tiff.ome_metadata if self.ome else None, base)
        self.mpp = _believed(self.stated)
        self.levels = tuple(sorted(filter(None, found), key=lambda level: level.step))
        self.dtype, self.channels = np.dtype(base.dtype), int(base.samplesperpixel)
        self.height, self.width = self.levels[0].height, self.levels[0].width

    def tile(self, level: Level, number: int) -> Pixels:
        """Unpack one tile; at the edges of the image, it may reach beyond."""
        count = int(level.counts[number])
        if count == 0:
            return np.zeros((*level.tile, self.channels), self.dtype)
        with told_in_one_line(self.path, "a TIFF"):
            with self.path.open("rb") as file:
                file.seek(int(level.offsets[number]))
                data = file.read(count)
            if level.jpeg:
                _check_jpeg(data, level.tile)
            return level.decode(data, number)


def _check_kind(axes: str, shape: tuple[int, ...], page: Any) -> None:
    """Refuse what this reader cannot show rightly, by the header alone."""
    long = [(axis, length) for axis, length in zip(axes, shape, strict=True) if axis not in "YXS" and length > 1]
    if long:
        extent = " x ".join(f"{axis} {length}" for axis, length in long)
        raise BadInput(f"is a stack ({extent})", "export one plane per file")
    if int(page.compression) not in _COMPRESSIONS:
        name = getattr(page.compression, "name", str(page.compression))
        raise BadInput(f"is compressed by {name}, which this reader does not unpack", _SAVE_ANEW)
    if page.dtype not in (np.uint8, np.uint16):
        raise BadInput(f"holds {page.dtype} values", _SAVE_ANEW)
    colours = getattr(page.photometric, "name", str(page.photometric))
    known = {"MINISBLACK": 1, "RGB": 3} | ({"YCBCR": 3} if int(page.compression) == _JPEG else {})
    if known.get(colours) != page.samplesperpixel:
        raise BadInput(f"holds {page.samplesperpixel} channels of {colours}", _SAVE_ANEW)
    if page.samplesperpixel > 1 and page.planarconfig != 1:
        raise BadInput("keeps its channels in planes apart", _SAVE_ANEW)


def _level(page: Any, base: Any, size: int) -> Level | None:
    """One page as a level; none where its size is no whole fraction of the base's or its pixels are of another kind.

    Halving rounds up or down, so either side may miss by a pixel.
    """
    step = 1 if page is base else _step(page, base)
    alike = (page.dtype, page.samplesperpixel) == (base.dtype, base.samplesperpixel)
    if step is None or not alike or int(page.compression) not in _COMPRESSIONS:
        return None
    kind = "tiles" if page.is_tiled else "strips"
    tile = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
    tile = tile if page.is_tiled else (min(tile[0], page.imagelength), tile[1])
    if tile[0] * tile[1] > MAX_TILE_PIXELS:
        message = f"has {kind} of {tile[0]} x {tile[1]} pixels, above the limit of {MAX_TILE_PIXELS:,}"
        raise BadInput(message, "save it with smaller tiles, of 256 or 512 pixels")
    offsets, counts = (np.asarray(each, np.int64) for each in (page.dataoffsets, page.databytecounts))
    wanted = -(-page.imagewidth // tile[1]) * -(-page.imagelength // tile[0])
    if not len(offsets) == len(counts) == wanted:
        raise ValueError(f"{wanted} {kind} are announced, {min(len(offsets), len(counts))} are listed")
    if (offsets + counts).max() > size:
        raise ValueError(f"it ends at byte {size}, its pixels at {(offsets + counts).max()}")
    jpeg = int(page.compression) == _JPEG
    return Level(page.imagelength, page.imagewidth, step, tile, offsets, counts, _decoder(page, tile, jpeg), jpeg)


def _step(page: Any, base: Any) -> int | None:
    """Base pixels along the side of a page's pixel: a power of two if one fits, for several numbers fit small pages."""
    ratio = max(base.imagewidth / page.imagewidth, base.imagelength / page.imagelength)
    for step in (2 ** round(math.log2(ratio)), round(ratio)):
        missed = (page.imagewidth - base.imagewidth / step, page.imagelength - base.imagelength / step)
        if step > 1 and max(map(abs, missed)) <= 1:
            return step
    return None


def _decoder(page: Any, tile: tuple[int, int], jpeg: bool) -> Callable[[bytes, int], np.ndarray]:
    """How a page's tiles are unpacked, with nothing left to be looked up in the file."""
    unpack = page.decode
    options = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader} if jpeg else {}

    def decode(data: bytes, number: int) -> np.ndarray:
        found = unpack(data, number, _fullsize=page.is_tiled, **options)[0]
        if found is None:
            raise ValueError(f"tile {number} is empty")
        return found[0]

    return decode


def _check_jpeg(data: bytes, tile: tuple[int, int]) -> None:
    """Refuse a JPEG whose own header claims more than its tile: it would be unpacked whole."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a frame, not a table
            high, wide = (int.from_bytes(data[at + start : at + start + 2], "big") for start in (5, 7))
            if high > tile[0] or wide > tile[1]:
                raise ValueError(f"a tile of {tile[0]} x {tile[1]} pixels holds a JPEG of {high} x {wide}")
            return
        at += 1 if marker == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def stated_sizes(ome: str | None, page: Any) -> dict[str, tuple[float, float]]:
    """Micrometres per pixel across and down, in OME's description and in the resolution tags, most trusted first."""
    found = {"OME PhysicalSizeX": _ome_mpp(ome) if ome else None}
    unit = {2: 25_400.0, 3: 10_000.0}.get(int(page.tags.valueof(296, default=2)))
    if unit is not None:
        across, down = page.get_resolution()
        found["TIFF resolution"] = (unit / across, unit / down) if across > 0 and down > 0 else None
    return {source: sizes for source, sizes in found.items() if sizes is not None}


def stated_mpp(path: Path | str) -> float | None:
    """Micrometres per base pixel that a TIFF of any size states, where they are plausible; its header alone is read.

    Of other files, and where nothing can be read, nothing is known: whoever opens the pixels says what is wrong.
    """
    path = Path(path)
    if path.suffix.lower() not in TIFF_SUFFIXES:
        return None
    try:
        with tifffile.TiffFile(path) as tiff:
            return _believed(stated_sizes(tiff.ome_metadata if tiff.is_ome else None, tiff.series[0].keyframe))
    except Exception:  # as above
        return None


def _believed(stated: dict[str, tuple[float, float]]) -> float | None:
    """The first stated size, if a microscope can have it.

    Programs fill in 72 or 300 dots per inch where they know nothing: such pixels are not plausible, and fall away.
    """
    low, high = PLAUSIBLE_MPP
    for across, down in stated.values():
        plausible = math.isclose(across, down, rel_tol=0.02) and low <= across <= high
        return across if plausible else None
    return None


def _ome_mpp(text: str) -> tuple[float, float] | None:
    """PhysicalSizeX and PhysicalSizeY of the first picture in an OME description, in micrometres."""
    start = re.search(r"<[\w:]*Pixels\b[^>]*>", text)
    stated = dict(re.findall(r'(PhysicalSize[XY](?:Unit)?)="([^"]*)"', start[0])) if start else {}
    sizes = []
    for axis in "XY":
        unit = _MICROMETRES.get(stated.get(f"PhysicalSize{axis}Unit", "µm").replace("μ", "µ"))
        try:
            sizes.append(float(stated[f"PhysicalSize{axis}"]) * (unit or math.nan))
        except (KeyError, ValueError):
            return None
    return (sizes[0], sizes[1])
