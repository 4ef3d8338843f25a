"""Sparse grids whose cells lie block by block, as sweeps want them."""

from torch import Tensor

from saccade.ops.slide_grid import SlideGrid, with_sentinels
from saccade.ops.union_index import block_order
from tests.ops.sparse_grids import SLIDES, grid_of

__all__ = ["SLIDES", "ordered_grid"]


def ordered_grid(slides: tuple[Tensor, ...], released: bool = False) -> SlideGrid:
    """The slides' cells, block by block; with the release's sentinels where asked for."""
    grid = grid_of(slides)
    grid = with_sentinels(grid) if released else grid
    return grid.reordered(block_order(grid))
