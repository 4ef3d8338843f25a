"""One field or slide in a tiled file, as images are asked: an overview in blocks, and the pixels of boxes.

Memory does not grow with the image, but for the overview itself where it is asked for as a whole.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Num
from torch import Tensor

from saccade.core.errors import BadInput
from saccade.core.results import Cost
from saccade.imaging.gathering import reflected
from saccade.imaging.meter import Meter
from saccade.imaging.rasters import Normalise
from saccade.imaging.reducing import continued, mean_over_spans, reduced
from saccade.imaging.tile_cache import TileCache
from saccade.imaging.tiled_files import Level, Pixels, TiledFile

MAX_OVERVIEW_CELLS = 2**23
"""Most cells of an overview that is asked for as a whole, 2896 × 2896; a network's layers over it take gigabytes."""

_REGION_PIXELS = 2**22  # most pixels averaged at a time for an overview
_BLOCK_CELLS = 2**18  # cells of an overview in a block: 8 MB for each layer of eight maps


@dataclass(frozen=True, eq=False)
class OverviewBlock:
    """Some rows of an overview, with rows of their neighbours above and below.

    Attributes:
        values: All of these rows.
        start: First row of the overview that the block stands for.
        above: Rows in ``values`` before that one.
        rows: Rows that the block stands for.
        total: Rows of the whole overview.
    """

    values: Float[Tensor, "1 channel row column"]
    start: int
    above: int
    rows: int
    total: int


class TiledImage:
    """One image in a tiled TIFF as a batch of one, read tile by tile, with a meter.

    *Decoded* counts every pixel of every tile that was unpacked, those beyond the image's edge too, and again where a
    tile had to be unpacked again; so it may exceed the total. A pyramid saves most of it.

    >>> import tifffile
    >>> tifffile.imwrite("field.tif", np.zeros((500, 700, 3), np.uint8), tile=(64, 64), photometric="rgb")
    >>> image = TiledImage(TiledFile("field.tif"), lambda values: values / 255)
    >>> image.read(torch.tensor([[[10, 20, 18, 28]]]), 8).shape
    torch.Size([1, 1, 3, 8, 8])
    >>> image.cost().pixels_decoded.tolist()
    [4096.0]

    Args:
        file: Where the pixels are.
        normalise: Applied to what is handed out.
        channels: Of what is handed out; those of the file where not given. Grey is repeated.
        device: Where what is handed out lies.
        boxes: Where the truth is known to lie, as in ``Rasters``.
    """

    def __init__(
        self,
        file: TiledFile,
        normalise: Normalise,
        channels: int | None = None,
        device: torch.device | str = "cpu",
        boxes: Float[Tensor, "1 box 4"] | None = None,
    ) -> None:
        self.file, self.normalise, self.boxes = file, normalise, boxes
        self.channels, self.device = channels or file.channels, torch.device(device)
        self.meter = Meter(1, total=file.height * file.width, decoded=0)
        self.tiles = TileCache(file, self.meter.count_decoded)

    def __len__(self) -> int:
        """Images in the batch."""
        return 1

    @property
    def extents(self) -> Int[Tensor, "batch 2"]:
        """Height and width of the image in base pixels."""
        return torch.tensor([[self.file.height, self.file.width]], device=self.device)

    def overview(self, factor: int) -> Float[Tensor, "batch channel row column"]:
        """The whole image, averaged over blocks; its size is that of the image: see ``overview_blocks``.

        Raises:
            BadInput: It has more than ``MAX_OVERVIEW_CELLS``.
        """
        rows, columns = self._cell_counts(factor)
        if rows * columns > MAX_OVERVIEW_CELLS:
            message = (
                f"its overview at 1/{factor} has {rows} x {columns} cells, above the limit of {MAX_OVERVIEW_CELLS:,}"
            )
            remedy = "use a model that looks block by block, such as attention-sampling, or one with a larger factor"
            raise BadInput(message, remedy, str(self.file.path))
        cells = torch.cat(list(self._bands(factor)))
        self.meter.count_looked(rows * columns)
        return self._handed_out(cells.permute(2, 0, 1)[None])

    def overview_blocks(self, factor: int, halo: int = 0) -> Iterator[OverviewBlock]:
        """The overview in blocks of whole rows, from top to bottom; each with up to ``halo`` rows more on either side.

        Taken from the coarsest level of the file that is at least as fine as wanted, and averaged from there; where a
        cell ends within a pixel of that level, the pixel counts by its share. Without coarser levels the base is
        unpacked whole, each tile once, and of its pixels no more is held than a few tiles. Cells count as looked at
        once, however many blocks show them.
        """
        total, columns = self._cell_counts(factor)
        height = max(1, 2 * halo, _BLOCK_CELLS // columns)  # a halo is never more than the block again
        kept: Tensor | None = None
        first = start = 0  # the first row that is kept; the next one to stand for
        for band in self._bands(factor):
            kept = band if kept is None else torch.cat([kept, band])
            known = first + len(kept)
            while start < known and (known == total or start + height + halo <= known):
                end = min(start + height, total)
                low, high = max(0, start - halo), min(total, end + halo)
                values = kept[low - first : high - first].permute(2, 0, 1)[None]
                self.meter.count_looked((end - start) * columns)
                yield OverviewBlock(self._handed_out(values), start, start - low, end - start, total)
                start = end
            done = max(0, start - halo) - first
            kept, first = kept[done:].clone(), first + done

    def inside(self, factor: int) -> Bool[Tensor, "batch row column"]:
        """Where the overview shows the image: everywhere."""
        return torch.ones(1, *self._cell_counts(factor), dtype=torch.bool, device=self.device)

    def read(self, boxes: Int[Tensor, "batch site 4"], size: int) -> Float[Tensor, "batch site channel {size} {size}"]:
        """The boxes' pixels, edges reflected, exact. Unpacks the tiles they touch.

        Raises:
            BadInput: Boxes are of several images, or not ``size`` wide and high.
        """
        if len(boxes) != 1:
            raise BadInput(f"boxes of {len(boxes)} images, but a tiled image is one", "read one image at a time")
        if bool((boxes[..., 2:] - boxes[..., :2] != size).any()):
            raise BadInput(f"a box is not {size} × {size} base pixels", remedy="read boxes at their own size")
        self.meter.count_read(boxes.shape[1], boxes.shape[1] * size * size)
        patches = np.empty((boxes.shape[1], size, size, self.file.channels), self.file.dtype)
        for patch, (x, y, _, _) in zip(patches, boxes[0].tolist(), strict=True):
            patch[:] = self._patch(x, y, size)
        return self._handed_out(torch.from_numpy(patches).permute(0, 3, 1, 2))[None]

    def metered(self) -> "TiledImage":
        """The same image with a meter at zero and no tiles unpacked, so that its cost is not another's."""
        return TiledImage(self.file, self.normalise, self.channels, self.device, self.boxes)

    def cost(self) -> Cost:
        """What has been asked for since the meter stood at zero."""
        return self.meter.cost()

    def _handed_out(self, values: Num[Tensor, "batch channel row column"]) -> Float[Tensor, "batch _ row column"]:
        """Stored values as the model wants them."""
        return self.normalise(values.to(self.device).expand(-1, self.channels, -1, -1))

    def _cell_counts(self, factor: int) -> tuple[int, int]:
        """Rows and columns of an overview."""
        if factor < 1:
            raise BadInput(f"a factor of {factor} is below one base pixel", "give 1 or more")
        return -(-self.file.height // factor), -(-self.file.width // factor)

    def _patch(self, x: int, y: int, size: int) -> Pixels:
        """One square; positions outside are folded back, and stay together, so that few tiles are touched."""
        steps = torch.arange(size)
        rows = reflected(steps + y, torch.tensor(self.file.height)).numpy()
        columns = reflected(steps + x, torch.tensor(self.file.width)).numpy()
        top, left = int(rows.min()), int(columns.min())
        region = self.tiles.region(0, (top, int(rows.max()) + 1), (left, int(columns.max()) + 1))
        return region[rows - top][:, columns - left]

    def _bands(self, factor: int) -> Iterator[Num[Tensor, "row column channel"]]:
        """The overview in bands of whole rows, stored values; each band is put together from regions of whole tiles."""
        total, columns = self._cell_counts(factor)
        number = max(at for at, level in enumerate(self.file.levels) if level.step <= factor)
        level = self.file.levels[number]
        ratio = Fraction(factor, level.step)
        high, wide = _cells_of_whole_tiles(level, ratio)
        for row in range(0, total, high):
            rows = (row, min(row + high, total))
            parts = [
                self._cells(number, ratio, rows, (column, min(column + wide, columns)))
                for column in range(0, columns, wide)
            ]
            yield torch.cat(parts, dim=1)

    def _cells(
        self, number: int, ratio: Fraction, rows: tuple[int, int], columns: tuple[int, int]
    ) -> Num[Tensor, "row column channel"]:
        """Cells of an overview between two rows and two columns, ``ratio`` pixels of a level along their sides."""
        level = self.file.levels[number]
        down, right = _spans(rows, ratio, level.height), _spans(columns, ratio, level.width)
        (top, bottom), (left, end) = ((int(span.min()), math.ceil(span.max())) for span in (down, right))
        region = self.tiles.region(number, (top, bottom), (left, end))
        if ratio.denominator == 1:
            small = reduced(torch.from_numpy(region), int(ratio))
            # a level that was rounded down has no pixels for the base's last cells: their neighbours stand in
            return continued(small, len(down), len(right))
        cells = torch.from_numpy(region)
        for span, start in ((down, top), (right, left)):
            cells = mean_over_spans(cells, *(torch.from_numpy(span).T - start)).transpose(0, 1)
        return (cells + 0.5).floor().to(torch.uint8) if self.file.dtype == np.uint8 else cells


def _cells_of_whole_tiles(level: Level, ratio: Fraction) -> tuple[int, int]:
    """Rows and columns of cells that cover whole tiles, so that each tile is unpacked once.

    Where such a region would be large, it is only about as long as a tile, and tiles on its edges are unpacked twice
    unless they are still kept.
    """
    high = _cells_along(level.tile[0], ratio, _REGION_PIXELS // level.tile[1])
    high *= max(1, min(64 // high, int(_REGION_PIXELS // (level.tile[1] * high * ratio))))  # strips may be one row high
    wide = _cells_along(level.tile[1], ratio, int(_REGION_PIXELS // (high * ratio)))
    return high, wide


def _cells_along(tile: int, ratio: Fraction, most: int) -> int:
    """The fewest cells as long as a number of tiles, or about one tile if they are longer than so many pixels."""
    cells = tile * ratio.denominator // math.gcd(tile * ratio.denominator, ratio.numerator)
    return cells if cells * ratio <= most else max(1, int(tile / ratio))


def _spans(cells: tuple[int, int], ratio: Fraction, length: int) -> Float[np.ndarray, "cell 2"]:
    """Where each cell begins and ends along an axis of ``length`` pixels; a last one has at least the last pixel."""
    edges = np.arange(cells[0], cells[1] + 1) * ratio.numerator / ratio.denominator
    return np.stack([np.minimum(edges[:-1], length - 1), np.minimum(edges[1:], length)], axis=1)
