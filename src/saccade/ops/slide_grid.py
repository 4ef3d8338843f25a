"""The cells of several slides on grids of their own: laid out for a pyramid, and found by sorted keys.

Slides lie one after the other in the same tensors and never meet, since a cell's key is its raster index plus the area
of all slides before it. Nothing of a slide's area is ever stored, only the keys of the cells that exist.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from saccade.core.errors import BadInput

_ALIGNMENT = 4  # two condensations halve an extent twice
_LARGEST_AREA = 2.0**62  # of all grids together: keys are whole numbers of 64 bits


@dataclass(frozen=True, eq=False)
class SlideGrid:
    """Which cells of some slides are there.

    Attributes:
        cells: Column and row, from 0.
        lengths: How many cells each slide has; they follow each other in ``cells``.
        extents: Columns and rows of each slide's grid.
        sentinel: Cells that hold one of the release's two sentinel tokens; none unless asked for.
    """

    cells: Int[Tensor, "cell 2"]
    lengths: tuple[int, ...]
    extents: Int[Tensor, "slide 2"]
    sentinel: Bool[Tensor, " cell"]

    def __len__(self) -> int:
        return len(self.cells)

    @classmethod
    def concatenate(cls, parts: Sequence["SlideGrid"]) -> "SlideGrid":
        """The grids of all slides; they stay apart."""
        cells, extents, sentinel = (
            torch.cat([getattr(p, name) for p in parts]) for name in ("cells", "extents", "sentinel")
        )
        return cls(cells, tuple(length for part in parts for length in part.lengths), extents, sentinel)

    def reordered(self, order: Int[Tensor, " cell"]) -> "SlideGrid":
        """The same cells in another order, in which slides still follow each other."""
        return SlideGrid(self.cells[order], self.lengths, self.extents, self.sentinel[order])

    @property
    def slide(self) -> Int[Tensor, " cell"]:
        """Number of the slide of each cell."""
        return _slide_numbers(self.lengths, self.cells.device)

    @property
    def keys(self) -> Int[Tensor, " cell"]:
        """One number per cell that no other place of any slide has; raster order, slide by slide."""
        return _keys(self.cells, self.slide, self.extents)

    def numbers_of(self, cells: Int[Tensor, "wanted 2"], slide: Int[Tensor, " wanted"]) -> Int[Tensor, " wanted"]:
        """Which of the grid's cells lie at some places, −1 where there is none; the grid is in raster order.

        Cost: O(m log n) for m places.
        """
        inside = ((cells >= 0) & (cells < self.extents[slide])).all(1)
        if not len(self):
            return torch.full_like(slide, -1)
        wanted, held = _keys(cells, slide, self.extents), self.keys
        number = torch.searchsorted(held, wanted).clamp_max(len(held) - 1)
        return number.where(inside & (held[number] == wanted), -1)


def placed(cells: Int[Tensor, "cell 2"], lengths: tuple[int, ...]) -> SlideGrid:
    """Lay each slide's cells in the middle of a grid that two condensations divide evenly.

    An extent of ``n`` becomes ``8 + 4 ⌈max(n − 4, 0) / 4⌉``; half of what that adds, rounded down, lies before the
    cells. Where a lattice begins does not matter, only how its cells lie to each other.

    >>> grid = placed(torch.tensor([[-7, 40], [-2, 40]]), (2,))
    >>> grid.extents.tolist(), grid.cells.tolist()
    ([[12, 8]], [[3, 3], [8, 3]])

    Args:
        cells: Column and row on each slide's lattice; may be negative.
        lengths: How many cells each slide has.

    Raises:
        BadInput: Lengths do not add up to the cells, two cells of a slide are one, or grids too large for keys.
    """
    if sum(lengths) != len(cells):
        raise BadInput(f"slides of {sum(lengths)} cells in all were given {len(cells)}", "give one length per slide")
    cells, slide = cells.long(), _slide_numbers(lengths, cells.device)
    least, most = _bounds(cells, slide, len(lengths))
    extents = padded_extents(most - least + 1)
    area = extents.double().prod(1).sum()
    if area > _LARGEST_AREA or (most - least).lt(-1).any():  # the difference of two far ends may itself overflow
        raise BadInput("cells too far apart to be numbered", "check the cells: a slide has under 2^31 along a side")
    before = (extents - (most - least + 1)) // 2
    cells = cells - least[slide] + before[slide]
    grid = SlideGrid(cells, tuple(lengths), extents, torch.zeros_like(slide, dtype=torch.bool))
    keys = grid.keys.sort().values
    if (twice := int((keys[1:] == keys[:-1]).sum())) > 0:
        raise BadInput(f"{twice} cells hold more than one patch", "keep one patch of each place of the lattice")
    return grid


def padded_extents(extents: Int[Tensor, "*slide"]) -> Int[Tensor, "*slide"]:
    """The extents of a grid that two condensations divide evenly, with room at both ends.

    >>> padded_extents(torch.tensor([0, 1, 4, 5, 8, 100, 101, 104])).tolist()
    [8, 8, 8, 12, 12, 104, 108, 108]
    """
    beyond = (extents - _ALIGNMENT).clamp_min(0)
    return 2 * _ALIGNMENT + _ALIGNMENT * ((beyond + _ALIGNMENT - 1) // _ALIGNMENT)


def with_sentinels(grid: SlideGrid) -> SlideGrid:
    """The same grid with the release's two sentinels per slide, in its first and its last place.

    Padding leaves both places free. The sentinels come before and after the cells of their slide.
    """
    parts, marks = [], []
    for cells, extent in zip(grid.cells.split(grid.lengths), grid.extents, strict=True):
        parts += [torch.zeros_like(extent)[None], cells, (extent - 1)[None]]
        mark = torch.zeros(len(cells) + 2, dtype=torch.bool, device=cells.device)
        mark[0] = mark[-1] = True
        marks.append(mark)
    lengths = tuple(length + 2 for length in grid.lengths)
    return SlideGrid(torch.cat([*parts, grid.cells[:0]]), lengths, grid.extents, torch.cat([*marks, grid.sentinel[:0]]))


def coarsened(grid: SlideGrid, side: int) -> tuple[SlideGrid, Int[Tensor, " cell"]]:
    """The blocks of ``side`` × ``side`` places that hold a cell, in raster order, and the block of each cell.

    A block with a sentinel in it is one. Cost: O(n log n), one sort of the keys.

    >>> blocks, block = coarsened(placed(torch.tensor([[1, 0], [0, 0], [2, 0]]), (3,)), 2)
    >>> blocks.cells.tolist(), block.tolist()
    ([[1, 1], [2, 1]], [0, 0, 1])
    """
    extents = (grid.extents + side - 1) // side
    keys, block = _keys(grid.cells // side, grid.slide, extents).unique(return_inverse=True)
    starts = _starts(extents)
    slide = torch.searchsorted(starts, keys, right=True) - 1
    within = keys - starts[slide]
    columns = extents[slide, 0]
    cells = torch.stack([within % columns, within // columns], dim=1)
    lengths = tuple(slide.bincount(minlength=len(extents)).tolist())
    sentinel = torch.zeros_like(slide, dtype=torch.bool)
    sentinel[block[grid.sentinel]] = True
    return SlideGrid(cells, lengths, extents, sentinel), block


def _slide_numbers(lengths: tuple[int, ...], device: torch.device) -> Int[Tensor, " cell"]:
    counts = torch.tensor(lengths, dtype=torch.long, device=device)
    return torch.arange(len(lengths), device=device).repeat_interleave(counts)


def _bounds(
    cells: Int[Tensor, "cell 2"], slide: Int[Tensor, " cell"], slides: int
) -> tuple[Int[Tensor, "slide 2"], Int[Tensor, "slide 2"]]:
    """Least and largest column and row of each slide; of a slide without cells, such that its extent is 0."""
    least, most = cells.new_zeros(slides, 2), cells.new_full((slides, 2), -1)
    where = slide[:, None].expand(-1, 2)
    least = least.scatter_reduce(0, where, cells, "amin", include_self=False)
    return least, most.scatter_reduce(0, where, cells, "amax", include_self=False)


def _starts(extents: Int[Tensor, "slide 2"]) -> Int[Tensor, " slide"]:
    """The key of each slide's first place."""
    areas = extents.prod(1)
    return areas.cumsum(0) - areas


def _keys(
    cells: Int[Tensor, "cell 2"], slide: Int[Tensor, " cell"], extents: Int[Tensor, "slide 2"]
) -> Int[Tensor, " cell"]:
    return _starts(extents)[slide] + cells[:, 1] * extents[slide, 0] + cells[:, 0]
