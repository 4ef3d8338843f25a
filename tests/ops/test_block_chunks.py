"""Chunks of blocks: together they are the index, and every band holds what its chunk needs."""

import pytest
import torch

from saccade.ops.block_chunks import UNSEEN, BlockChunk, block_chunks, in_block_order
from saccade.ops.slide_grid import SlideGrid
from saccade.ops.union_index import union_index
from saccade.ops.union_windows import position_bias
from tests.ops.ordered_grids import SLIDES, ordered_grid
from tests.ops.sparse_grids import grid_of
from tests.ops.union_by_hand import keys_of


def keys_in(chunk: BlockChunk, table: torch.Tensor, grid: SlideGrid) -> dict[int, list[int]]:
    """The keys of each cell of a chunk; each pair's number must be that of its places."""
    found: dict[int, list[int]] = {}
    for block, query in chunk.present.nonzero().tolist():
        cell = int(chunk.queries[block, query]) + chunk.cells.start
        seen = (chunk.pairs[block, query] != UNSEEN).nonzero()[:, 0].tolist()
        found[cell] = [int(chunk.keys[block, key]) + chunk.band.start for key in seen]
        for key, other in zip(seen, found[cell], strict=True):
            column, row = (grid.cells[other] - grid.cells[cell] + 5).tolist()
            assert table[int(chunk.pairs[block, query, key])] == 11 * row + column
    return found


@pytest.mark.parametrize("rows", [1, 7, 1000])
@pytest.mark.parametrize("released", [False, True])
@pytest.mark.parametrize("slides", SLIDES)
def test_every_cell_finds_its_keys(slides: str, released: bool, rows: int) -> None:
    grid = ordered_grid(SLIDES[slides], released)
    index = union_index(grid, skip_even_shift=released)
    table = position_bias(torch.arange(121.0).view(1, 11, 11)).flatten()
    found: dict[int, list[int]] = {}
    edge = band = 0
    for number, chunk in enumerate(block_chunks(index, rows)):
        assert chunk.number == number
        assert chunk.cells.start == edge
        assert chunk.band.start >= band  # a band never moves up
        assert chunk.band.start <= chunk.cells.start < chunk.cells.stop <= chunk.band.stop
        assert (chunk.queries.flatten()[chunk.slots] + edge).tolist() == list(range(edge, chunk.cells.stop))
        found |= keys_in(chunk, table, grid)
        edge, band = chunk.cells.stop, chunk.band.start
    assert edge == len(grid)
    assert {cell: sorted(keys) for cell, keys in found.items()} == dict(enumerate(keys_of(grid, released)))


def test_scattered_cells_are_not_filled_up_to_full_blocks() -> None:
    scattered, full = (
        union_index(ordered_grid(SLIDES[name])) for name in ("scattered", "multiples of 6 at every stage")
    )
    assert max(chunk.pairs.shape[2] for chunk in block_chunks(scattered, 50)) < 30
    assert all(chunk.parity is None for chunk in block_chunks(scattered, 50))
    dense = union_index(ordered_grid((torch.cartesian_prod(torch.arange(20), torch.arange(20)),)))
    whole = [chunk.parity is not None for chunk in block_chunks(dense, 100)]
    assert any(whole)
    assert len(full.tokens) > 0


def test_only_the_order_of_blocks_is_one() -> None:
    assert in_block_order(union_index(ordered_grid(SLIDES["several"])))
    assert not in_block_order(union_index(grid_of(SLIDES["several"])))
