"""The index by blocks against asking of every pair of cells whether they share a window."""

import pytest
import torch

from saccade.ops.condensation import condensation_index
from saccade.ops.slide_grid import SlideGrid, with_sentinels
from saccade.ops.union_index import PLACES, SIDE, UnionIndex, block_order, union_index
from tests.ops.sparse_grids import SLIDES, grid_of
from tests.ops.union_by_hand import keys_of


def keys_by(index: UnionIndex) -> list[list[int]]:
    """The keys of each cell, as its block has them, in order; one that came twice would be here twice."""
    found = []
    for number, place in enumerate(index.place.tolist()):
        blocks = [block for block in index.neighbours[place // PLACES].tolist() if block >= 0]
        keys = [cell for cell in index.tokens[blocks].flatten().tolist() if cell >= 0]
        found.append(sorted(key for key in keys if not (key == number and bool(index.selfless[number]))))
    return found


@pytest.mark.parametrize("slides", SLIDES)
@pytest.mark.parametrize("released", [False, True])
def test_every_cell_has_the_keys_of_its_windows(slides: str, released: bool) -> None:
    grid = grid_of(SLIDES[slides])
    grid = with_sentinels(grid) if released else grid
    for _ in range(3):
        assert keys_by(union_index(grid, skip_even_shift=released)) == keys_of(grid, released)
        grid = condensation_index(grid).grid


@pytest.mark.parametrize("slides", SLIDES)
def test_every_cell_is_in_its_place(slides: str) -> None:
    grid = grid_of(SLIDES[slides])
    index = union_index(grid)
    assert index.tokens.flatten()[index.place].equal(torch.arange(len(grid)))
    assert int((index.tokens >= 0).sum()) == len(grid)
    inside = grid.cells % SIDE
    assert (index.place % PLACES).equal(inside[:, 1] * SIDE + inside[:, 0])


@pytest.mark.parametrize("slides", SLIDES)
def test_in_block_order_places_only_rise(slides: str) -> None:
    grid = grid_of(SLIDES[slides])
    order = block_order(grid)
    assert order.sort().values.equal(torch.arange(len(grid)))
    ordered: SlideGrid = grid.reordered(order)
    assert ordered.slide.equal(grid.slide), "slides still follow each other"
    assert (union_index(ordered).place.diff() > 0).all()


def test_indices_of_slides_together() -> None:
    slides = SLIDES["several"]
    together = union_index(grid_of(slides))
    joined = UnionIndex.concatenate([union_index(grid_of((cells,))) for cells in slides])
    assert keys_by(joined) == keys_by(together)
    for name in ("tokens", "neighbours", "parity", "place", "selfless"):
        assert getattr(joined, name).equal(getattr(together, name))
