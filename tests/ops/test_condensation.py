"""Condensation against a loop over the children of every cell."""

import pytest
import torch
from torch import Tensor

from saccade.ops.condensation import condensation_index, condense_depthwise, condense_full, condense_side_by_side
from saccade.ops.slide_grid import SlideGrid
from tests.ops.sparse_grids import SLIDES, grid_of

IN, OUT = 5, 3


def children_of(grid: SlideGrid) -> dict[tuple[int, int, int], list[tuple[int, int, int]]]:
    """Child, row and column within the parent, of each (slide, row, column) above; parents in raster order."""
    families: dict[tuple[int, int, int], list[tuple[int, int, int]]] = {}
    for number, (slide, (column, row)) in enumerate(zip(grid.slide.tolist(), grid.cells.tolist(), strict=True)):
        families.setdefault((slide, row // 2, column // 2), []).append((number, row % 2, column % 2))
    return dict(sorted(families.items()))


def literal(values: Tensor, weight: Tensor, grid: SlideGrid, depthwise: bool) -> Tensor:
    rows = []
    for family in children_of(grid).values():
        total = torch.zeros(weight.shape[0], dtype=values.dtype)
        for child, row, column in family:
            if depthwise:
                total = total + weight[:, 0, row, column] * values[child] / len(family)
            else:
                total = total + weight[:, :, row, column] @ values[child]
        rows.append(total)
    return torch.stack(rows) if rows else values.new_zeros(0, weight.shape[0])


@pytest.mark.parametrize("slides", SLIDES)
@pytest.mark.parametrize("depthwise", [True, False])
def test_every_cell_is_what_a_loop_over_its_children_makes(slides: str, depthwise: bool) -> None:
    grid = grid_of(SLIDES[slides])
    index = condensation_index(grid)
    assert [(s, r, c) for s, (c, r) in zip(index.grid.slide.tolist(), index.grid.cells.tolist(), strict=True)] == list(
        children_of(grid)
    )
    values = torch.randn(len(grid), IN, dtype=torch.float64, requires_grad=True)
    weight = torch.randn((IN, 1, 2, 2) if depthwise else (OUT, IN, 2, 2), dtype=torch.float64, requires_grad=True)
    condense = condense_depthwise if depthwise else condense_full
    found, wanted = condense(values, weight, index), literal(values, weight, grid, depthwise)
    assert torch.allclose(found, wanted, atol=1e-10, rtol=0)
    if not len(grid):
        return
    probe = torch.randn_like(found)
    ours = torch.autograd.grad((found * probe).sum(), (values, weight))
    theirs = torch.autograd.grad((wanted * probe).sum(), (values, weight))
    assert all(torch.allclose(own, other, atol=1e-10, rtol=0) for own, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("slides", SLIDES)
def test_side_by_side_has_every_child_in_its_place_and_zeros_elsewhere(slides: str) -> None:
    grid = grid_of(SLIDES[slides])
    values = torch.randn(len(grid), IN, dtype=torch.float64, requires_grad=True)
    found = condense_side_by_side(values, condensation_index(grid))
    wanted = torch.zeros_like(found)
    for cell, family in enumerate(children_of(grid).values()):
        for child, row, column in family:
            start = (2 * row + column) * IN
            wanted[cell, start : start + IN] = values[child]
    assert found.equal(wanted)
    if len(grid):
        probe = torch.randn_like(found)
        ours, theirs = (torch.autograd.grad((each * probe).sum(), values)[0] for each in (found, wanted))
        assert ours.equal(theirs)


@pytest.mark.parametrize("slides", SLIDES)
def test_a_matrix_of_the_four_side_by_side_is_a_full_condensation(slides: str) -> None:
    grid = grid_of(SLIDES[slides])
    index = condensation_index(grid)
    values, weight = torch.randn(len(grid), IN).double(), torch.randn(OUT, IN, 2, 2).double()
    matrix = torch.cat([weight[:, :, slot // 2, slot % 2] for slot in range(4)], dim=1)
    found = condense_side_by_side(values, index) @ matrix.T
    assert torch.allclose(found, condense_full(values, weight, index), atol=1e-10, rtol=0)


def test_it_is_a_strided_convolution_where_every_cell_is_there() -> None:
    grid = grid_of((torch.cartesian_prod(torch.arange(12), torch.arange(12)),))
    index = condensation_index(grid)
    values, weight = torch.randn(len(grid), IN), torch.randn(OUT, IN, 2, 2)
    canvas = torch.zeros(IN, *grid.extents[0].flip(0).tolist())
    canvas[:, grid.cells[:, 1], grid.cells[:, 0]] = values.T
    wanted = torch.nn.functional.conv2d(canvas, weight, stride=2)
    columns, rows = index.grid.cells.unbind(1)
    assert torch.allclose(condense_full(values, weight, index), wanted[:, rows, columns].T, atol=1e-5)


def test_slides_condense_alone_as_together() -> None:
    slides = SLIDES["several"]
    together = condensation_index(grid_of(slides))
    values, weight = torch.randn(len(together.parent), IN), torch.randn(IN, 1, 2, 2)
    lengths = tuple(map(len, slides))
    alone = [
        condense_depthwise(own, weight, condensation_index(grid_of((cells,))))
        for cells, own in zip(slides, values.split(lengths), strict=True)
    ]
    assert torch.allclose(condense_depthwise(values, weight, together), torch.cat(alone), atol=1e-6)
