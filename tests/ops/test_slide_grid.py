"""Cells laid out for a pyramid and found by their keys, against dictionaries of places."""

import pytest
import torch

from saccade.core.errors import BadInput
from saccade.ops.slide_grid import SlideGrid, coarsened, padded_extents, placed, with_sentinels
from tests.ops.sparse_grids import NONE, SLIDES, grid_of, sparse


@pytest.fixture(params=SLIDES)
def slides(request: pytest.FixtureRequest) -> tuple[torch.Tensor, ...]:
    return SLIDES[request.param]


def places_of(grid: SlideGrid) -> list[tuple[int, int, int]]:
    """Slide, row and column of each cell, counted out."""
    slides = [number for number, length in enumerate(grid.lengths) for _ in range(length)]
    return [(slide, row, column) for slide, (column, row) in zip(slides, grid.cells.tolist(), strict=True)]


def test_the_padding_is_the_published_one() -> None:
    for extent in range(200):
        steps = 0
        while 4 + 4 * steps < extent:
            steps += 1
        assert int(padded_extents(torch.tensor(extent))) == 8 + 4 * steps


def test_cells_lie_in_the_middle_of_their_grid(slides: tuple[torch.Tensor, ...]) -> None:
    grid = grid_of(slides)
    for cells, at, extent in zip(slides, grid.cells.split(grid.lengths), grid.extents, strict=True):
        if not len(cells):
            assert extent.tolist() == [8, 8]
            continue
        before, after = at.amin(0), extent - 1 - at.amax(0)
        assert (at - before).equal(cells - cells.amin(0))
        assert ((after - before) >= 0).all() and ((after - before) <= 1).all()
        assert (before >= 2).all()
        assert (extent % 4 == 0).all()


def test_where_a_lattice_begins_does_not_matter() -> None:
    cells = sparse(9, 14, 0.5)
    moved = placed(cells + torch.tensor([-12345, 2**50]), (len(cells),))
    assert moved.cells.equal(placed(cells, (len(cells),)).cells)


def test_keys_are_in_raster_order_slide_by_slide(slides: tuple[torch.Tensor, ...]) -> None:
    grid = grid_of(slides)
    places = places_of(grid)
    assert grid.keys.argsort().tolist() == sorted(range(len(places)), key=places.__getitem__)
    assert len(grid.keys.unique()) == len(grid)
    assert grid.slide.tolist() == [slide for slide, _, _ in places]


@pytest.mark.parametrize("side", [2, 3])
def test_blocks_are_those_that_hold_a_cell(slides: tuple[torch.Tensor, ...], side: int) -> None:
    grid = grid_of(slides)
    blocks, block = coarsened(grid, side)
    homes = [(slide, row // side, column // side) for slide, row, column in places_of(grid)]
    assert places_of(blocks) == sorted(set(homes))
    assert [places_of(blocks)[number] for number in block.tolist()] == homes
    assert len(blocks.lengths) == len(slides)


def test_cells_are_found_by_their_place_and_nothing_else_is(slides: tuple[torch.Tensor, ...]) -> None:
    blocks, _ = coarsened(grid_of(slides), 3)
    places = places_of(blocks)
    wanted = [(slide, row + y, column + x) for slide, row, column in places for x, y in ((0, 0), (1, 0), (-1, -1))]
    at = torch.tensor([(column, row) for _, row, column in wanted], dtype=torch.long).reshape(-1, 2)
    found = blocks.numbers_of(at, torch.tensor([slide for slide, _, _ in wanted], dtype=torch.long))
    assert found.tolist() == [places.index(place) if place in places else -1 for place in wanted]


def test_sentinels_stand_in_both_corners_of_every_slide(slides: tuple[torch.Tensor, ...]) -> None:
    grid = grid_of(slides)
    marked = with_sentinels(grid)
    assert marked.cells[~marked.sentinel].equal(grid.cells)
    corners = marked.cells[marked.sentinel].reshape(-1, 2, 2)
    assert corners[:, 0].eq(0).all()
    assert corners[:, 1].equal(grid.extents - 1)
    assert marked.slide[marked.sentinel].tolist() == [number for number in range(len(slides)) for _ in range(2)]
    blocks, block = coarsened(marked, 2)
    assert set(blocks.sentinel.nonzero()[:, 0].tolist()) == set(block[marked.sentinel].tolist())


@pytest.mark.parametrize(
    ("cells", "lengths", "match"),
    [
        ([[0, 0], [1, 1], [0, 0]], (3,), "more than one patch"),
        ([[0, 0]], (2,), "length"),
        ([[0, 0], [2**40, 2**40]], (2,), "far apart"),
        ([[-(2**62), 0], [2**62, 0]], (2,), "far apart"),
    ],
)
def test_what_cannot_be_laid_out_is_refused(cells: list[list[int]], lengths: tuple[int, ...], match: str) -> None:
    with pytest.raises(BadInput, match=match):
        placed(torch.tensor(cells), lengths)


def test_the_same_cell_in_two_slides_is_two_cells() -> None:
    assert len(placed(torch.tensor([[0, 0], [0, 0]]), (1, 1)).keys.unique()) == 2
    assert len(placed(NONE, (0, 0))) == 0
