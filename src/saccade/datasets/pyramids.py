"""Writing slides: pyramidal tiled TIFF files of any size, block by block, read by OpenSlide and tifffile alike.

A picture is handed over as a `PixelSource`, which is asked for one block after another and need never exist as a whole.
Each lower level is the average of the level above it, made on the way, so every pixel is asked for once. Lower levels
wait in temporary files, compressed, until their turn in the file comes.

The levels are pages of their own, marked as reduced: OpenSlide takes that for a "generic tiled TIFF", tifffile for one
series of several levels, and the resolution tags tell both the micrometres per pixel.
"""

import tempfile
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import BinaryIO, Literal, Protocol, runtime_checkable

import cv2
import imagecodecs
import numpy as np
import tifffile
from jaxtyping import UInt8

from saccade.core.errors import BadInput
from saccade.core.files import atomic_path

Picture = UInt8[np.ndarray, "height width 3"]
Compression = Literal["jpeg", "deflate"]

_REMEMBERED = 512  # blocks of plain glass kept compressed


@runtime_checkable
class PixelSource(Protocol):
    """A picture that can be read in pieces, from several threads."""

    @property
    def height(self) -> int:
        """Of the whole picture in pixels."""
        ...

    @property
    def width(self) -> int:
        """Of the whole picture in pixels."""
        ...

    def crop(self, x: int, y: int, width: int, height: int) -> Picture:
        """Pixels of a box that lies inside the picture."""
        ...

    def plain(self, x: int, y: int, width: int, height: int) -> Hashable | None:
        """A name for what a box holds: boxes of one name and size hold equal pixels; None where that is not known."""
        ...


@dataclass(frozen=True, eq=False)
class ArraySource:
    """A picture in memory as a source.

    >>> ArraySource(np.zeros((4, 6, 3), np.uint8)).crop(1, 2, 3, 2).shape
    (2, 3, 3)
    """

    pixels: Picture

    @property
    def height(self) -> int:
        """Of the picture."""
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        """Of the picture."""
        return self.pixels.shape[1]

    def crop(self, x: int, y: int, width: int, height: int) -> Picture:
        """A view of the picture."""
        return self.pixels[y : y + height, x : x + width]

    def plain(self, x: int, y: int, width: int, height: int) -> Hashable | None:
        """Nothing is known about any box."""
        return None


@dataclass(frozen=True)
class PyramidSettings:
    """How a slide is stored.

    Attributes:
        tile: Side of the tiles in pixels, a multiple of 16.
        step: By how much each level is smaller than the one before it; 2 or 4.
        levels: How many levels; where not given, until the longer side fits 4 tiles.
        compression: "jpeg", or the lossless "deflate".
        quality: Of JPEG, 1 to 100; colour is stored at half the resolution, as scanners do.

    Raises:
        BadInput: A value is out of range.
    """

    tile: int = 256
    step: int = 2
    levels: int | None = None
    compression: Compression = "jpeg"
    quality: int = 85

    def __post_init__(self) -> None:
        if self.tile < 16 or self.tile % 16:
            raise BadInput(f"tiles of {self.tile} pixels cannot be stored", "choose a multiple of 16, such as 256")
        if self.step not in (2, 4):
            raise BadInput(f"levels cannot shrink by {self.step}", "choose 2 or 4")
        if self.levels is not None and self.levels < 1:
            raise BadInput(f"{self.levels} levels are none", "ask for 1 or more, or leave it out")
        if self.compression not in ("jpeg", "deflate"):
            raise BadInput(f"{self.compression!r} is no compression known here", "choose jpeg or deflate")
        if not 1 <= self.quality <= 100:
            raise BadInput(f"a JPEG quality of {self.quality} is out of range", "choose 1 to 100")

    def halvings(self, height: int, width: int) -> tuple[int, ...]:
        """How often each level's sides are halved, finest first.

        >>> PyramidSettings(step=4).halvings(10_000, 5_000)
        (0, 2, 4)
        """
        per_level = self.step // 2
        levels = self.levels
        if levels is None:
            levels = 1
            while max(height, width) > 4 * self.tile << per_level * (levels - 1):
                levels += 1
        return tuple(per_level * level for level in range(levels))


def write_pyramid(
    path: Path | str,
    source: PixelSource,
    mpp: float,
    settings: PyramidSettings | None = None,
    *,
    description: str = "",
    workers: int = 2,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Write a picture as a pyramidal tiled TIFF, whole or not at all.

    Cost: O(pixels) time; memory O(width × tile), whatever the height.

    >>> path = write_pyramid("slide.tif", ArraySource(np.full((600, 900, 3), 240, np.uint8)), mpp=0.5)
    >>> with tifffile.TiffFile(path) as file:
    ...     file.pages[0].shape, file.pages[0].is_tiled
    ((600, 900, 3), True)

    Args:
        path: Of the file; BigTIFF where it could exceed 4 GB.
        source: What is written.
        mpp: Micrometres per pixel of the finest level.
        settings: Tiles, levels and compression.
        description: Kept in the file; say there what the picture is, above all that it is simulated.
        workers: Threads that read the source and compress.
        progress: Told how many of how many bands of tiles of the finest level are done.

    Raises:
        BadInput: The resolution is not plausible, or the picture is empty.
        SaccadeError: The file cannot be written.
    """
    settings = PyramidSettings() if settings is None else settings
    if not 0.01 <= mpp <= 100 or min(source.height, source.width) < 1:
        message = f"a picture of {source.height}×{source.width} pixels of {mpp} µm makes no slide"
        raise BadInput(message, "give it pixels, and 0.05 to 5 µm per pixel")
    path = Path(path)
    with atomic_path(path) as temporary, ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(workers))
        making = _Making(source, settings, pool, stack, path.parent, progress)
        big = source.height * source.width * 3 > 2**32 - 2**25
        writer = stack.enter_context(tifffile.TiffWriter(temporary, bigtiff=big))
        for index, halvings in enumerate(making.kept):
            _write_level(writer, making, index, mpp * 2**halvings, description)
    return path


def _write_level(writer: tifffile.TiffWriter, making: "_Making", index: int, mpp: float, description: str) -> None:
    settings = making.settings
    jpeg = settings.compression == "jpeg"
    writer.write(
        making.tiles(index),
        shape=(*making.size(making.kept[index]), 3),
        dtype="uint8",
        tile=(settings.tile, settings.tile),
        photometric="ycbcr" if jpeg else "rgb",
        subsampling=(2, 2) if jpeg else None,
        compression="jpeg" if jpeg else "adobe_deflate",
        subfiletype=1 if index else 0,
        resolution=(1e4 / mpp, 1e4 / mpp),
        resolutionunit="CENTIMETER",
        description=description if description and not index else None,
        software="Saccade" if not index else None,
        metadata=None,
    )


@dataclass(frozen=True, eq=False)
class _Piece:
    """One tile of a lower level, at the edge of the picture a smaller one; a name where its pixels are plain."""

    pixels: Picture
    name: Hashable | None


@dataclass(frozen=True, eq=False)
class _Block:
    """Two by two tiles, compressed, and what they become one level below."""

    rows: tuple[tuple[bytes, ...], ...]
    half: _Piece


class _Spool:
    """Compressed tiles of a lower level, in order, in a temporary file."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.lengths = file, list[int]()

    def put(self, tile: bytes) -> None:
        self.file.write(tile)
        self.lengths.append(len(tile))

    def __iter__(self) -> Iterator[bytes]:
        self.file.seek(0)
        return (self.file.read(length) for length in self.lengths)


class _Making:
    """The work: bands of blocks, each compressed and halved, the halves gathered into bands of the level below."""

    def __init__(
        self,
        source: PixelSource,
        settings: PyramidSettings,
        pool: ThreadPoolExecutor,
        stack: ExitStack,
        folder: Path,
        progress: Callable[[int, int], None],
    ) -> None:
        self.source, self.settings, self.pool, self.progress = source, settings, pool, progress
        self.kept = settings.halvings(source.height, source.width)
        files = {halvings: tempfile.TemporaryFile(dir=folder) for halvings in self.kept[1:]}  # noqa: SIM115
        self.spools = {halvings: _Spool(stack.enter_context(file)) for halvings, file in files.items()}
        self.waiting: dict[int, list[list[_Piece]]] = {halvings: [] for halvings in range(1, self.kept[-1] + 1)}
        self.known: dict[Hashable, _Block] = {}
        self.numbers = count()

    def size(self, halvings: int) -> tuple[int, int]:
        """Height and width of a level; what does not divide is rounded up, so that nothing is lost."""
        return -(-self.source.height >> halvings), -(-self.source.width >> halvings)

    def tiles(self, index: int) -> Iterator[bytes]:
        """The compressed tiles of a level in the file's order; the finest level comes first and makes the others."""
        return self._finest() if index == 0 else iter(self.spools[self.kept[index]])

    def _finest(self) -> Iterator[bytes]:
        side, (height, width) = 2 * self.settings.tile, self.size(0)
        bands = -(-height // side)
        for band in range(bands):
            boxes = [
                (x, band * side, min(side, width - x), min(side, height - band * side)) for x in range(0, width, side)
            ]
            rows = self._band(0, list(self.pool.map(self._from_source, boxes)))
            if band == bands - 1:  # before the last tile: nobody asks for more after it
                self._finish()
            self.progress(band + 1, bands)
            for row in rows:
                yield from row

    def _finish(self) -> None:
        """Make blocks of the last rows, which have no partner."""
        for halvings, rows in self.waiting.items():
            if rows:
                self._lower(halvings)

    def _band(self, halvings: int, blocks: list[_Block]) -> list[list[bytes]]:
        """Rows of compressed tiles; the halves go on to the level below."""
        if halvings + 1 in self.waiting:
            self.waiting[halvings + 1].append([block.half for block in blocks])
            if len(self.waiting[halvings + 1]) == 2:
                self._lower(halvings + 1)
        return [[tile for block in blocks for tile in block.rows[row]] for row in range(len(blocks[0].rows))]

    def _lower(self, halvings: int) -> None:
        """Make blocks of the rows of tiles that wait at a lower level."""
        rows = self.waiting[halvings]
        columns = range(0, len(rows[0]), 2)
        groups = [[row[column : column + 2] for row in rows] for column in columns]
        rows_of_tiles = self._band(halvings, list(self.pool.map(self._from_pieces, groups)))
        if halvings in self.spools:
            for tile in (tile for row in rows_of_tiles for tile in row):
                self.spools[halvings].put(tile)
        rows.clear()

    def _from_source(self, box: tuple[int, int, int, int]) -> _Block:
        name = self.source.plain(*box)
        return self._block(None if name is None else ("source", name, box[2:]), lambda: self.source.crop(*box))

    def _from_pieces(self, group: list[list[_Piece]]) -> _Block:
        names = tuple(piece.name for row in group for piece in row)
        shapes = tuple(piece.pixels.shape for row in group for piece in row)
        name = None if None in names else (names, shapes)
        return self._block(name, lambda: np.concatenate([np.concatenate([p.pixels for p in row], 1) for row in group]))

    def _block(self, name: Hashable | None, load: Callable[[], Picture]) -> _Block:
        """Compress and halve; plain blocks once for all."""
        if name in self.known:
            return self.known[name]
        pixels, tile = np.ascontiguousarray(load()), self.settings.tile
        rows = tuple(
            tuple(self._compress(pixels[y : y + tile, x : x + tile]) for x in range(0, pixels.shape[1], tile))
            for y in range(0, pixels.shape[0], tile)
        )
        remember = name is not None and len(self.known) < _REMEMBERED
        block = _Block(rows, _Piece(halve(pixels), next(self.numbers) if remember else None))
        if remember:
            self.known[name] = block
        return block

    def _compress(self, pixels: Picture) -> bytes:
        side = self.settings.tile
        down, right = side - pixels.shape[0], side - pixels.shape[1]
        if down or right:  # repeated edges cost less than black and leave no dark rim in JPEG
            pixels = cv2.copyMakeBorder(pixels, 0, down, 0, right, cv2.BORDER_REPLICATE)
        pixels = np.ascontiguousarray(pixels)
        if self.settings.compression == "deflate":
            return bytes(imagecodecs.zlib_encode(pixels.tobytes(), level=4))
        encoded = imagecodecs.jpeg_encode(
            pixels, level=self.settings.quality, colorspace="RGB", outcolorspace="YCBCR", subsampling="420"
        )
        return bytes(encoded)


def halve(pixels: Picture) -> UInt8[np.ndarray, "half_height half_width 3"]:
    """Average two by two pixels, rounded; an odd last row or column is repeated first.

    >>> halve(np.array([[[0, 0, 0], [4, 4, 4]], [[8, 8, 8], [12, 12, 12]]], np.uint8)).tolist()
    [[[6, 6, 6]]]
    """
    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        pixels = cv2.copyMakeBorder(pixels, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    size = (pixels.shape[1] // 2, pixels.shape[0] // 2)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
