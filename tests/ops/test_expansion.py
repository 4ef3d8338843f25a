"""Sub-pixel expansion against a loop over the children, and against a pixel shuffle of a full grid."""

import pytest
import torch
import torch.nn.functional as F

from saccade.ops.condensation import condensation_index
from saccade.ops.expansion import expand_sub_pixel
from tests.ops.sparse_grids import SLIDES, grid_of
from tests.ops.test_condensation import children_of

IN, OUT = 5, 3


@pytest.mark.parametrize("slides", SLIDES)
def test_every_child_takes_its_slots_share_of_its_parent(slides: str) -> None:
    grid = grid_of(SLIDES[slides])
    index = condensation_index(grid)
    values = torch.randn(len(index.grid), IN, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(4 * OUT, IN, dtype=torch.float64, requires_grad=True)
    found = expand_sub_pixel(values, weight, index)
    assert found.shape == (len(grid), OUT)
    if not len(grid):
        return
    rows: list[torch.Tensor] = [values[0]] * len(grid)
    for cell, family in enumerate(children_of(grid).values()):
        for child, row, column in family:
            rows[child] = torch.stack([weight[4 * out + 2 * row + column] @ values[cell] for out in range(OUT)])
    wanted = torch.stack(rows)
    assert torch.allclose(found, wanted, atol=1e-10, rtol=0)
    probe = torch.randn_like(wanted)
    ours, theirs = (torch.autograd.grad((each * probe).sum(), (values, weight)) for each in (found, wanted))
    assert all(torch.allclose(own, other, atol=1e-10, rtol=0) for own, other in zip(ours, theirs, strict=True))


def test_it_is_a_pixel_shuffle_where_every_cell_is_there() -> None:
    grid = grid_of((torch.cartesian_prod(torch.arange(12), torch.arange(12)),))
    index = condensation_index(grid)
    values, weight = torch.randn(len(index.grid), IN), torch.randn(4 * OUT, IN)
    canvas = torch.zeros(4 * OUT, *index.grid.extents[0].flip(0).tolist())
    canvas[:, index.grid.cells[:, 1], index.grid.cells[:, 0]] = (values @ weight.T).T
    shuffled = F.pixel_shuffle(canvas[None], 2)[0]
    wanted = shuffled[:, grid.cells[:, 1], grid.cells[:, 0]].T
    assert torch.allclose(expand_sub_pixel(values, weight, index), wanted, atol=1e-5)
