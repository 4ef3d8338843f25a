"""Down and up a level, written out."""

import torch

from saccade.models.parts.unet_levels import Ascent, Descent
from saccade.ops.condensation import condensation_index
from tests.ops.sparse_grids import SLIDES, grid_of
from tests.ops.test_condensation import literal

WIDTH, WIDE = 4, 8


def test_down_is_a_full_condensation_normalised_after() -> None:
    grid = grid_of(SLIDES["several"])
    made, values = Descent(WIDTH, WIDE).double(), torch.randn(len(grid), WIDTH).double()
    tokens = torch.randn(6, 3, WIDTH).double()
    cells, after = made(values, tokens, condensation_index(grid))
    assert torch.allclose(cells, made.norm(literal(values, made.weight, grid, depthwise=False)), atol=1e-10)
    assert after.equal(tokens @ made.tokens.weight.T + made.tokens.bias)


def test_up_gives_exactly_the_children_that_were_there() -> None:
    grid = grid_of(SLIDES["several"])
    index = condensation_index(grid)
    made, values = Ascent(WIDE, WIDTH), torch.randn(len(index.grid), WIDE)
    torch.nn.init.normal_(made.weight)
    cells, after = made(values, torch.zeros(6, 3, WIDE), index)
    expanded = (values @ made.weight.T).view(-1, WIDTH, 4)
    wanted = torch.stack([expanded[parent, :, slot] for parent, slot in zip(index.parent, index.slot, strict=True)])
    assert torch.allclose(cells, made.norm(wanted), atol=1e-5)
    assert after.shape == (6, 3, WIDTH)


def test_all_children_of_a_cell_begin_alike() -> None:
    grid = grid_of((torch.cartesian_prod(torch.arange(8), torch.arange(8)),))
    index = condensation_index(grid)
    cells, _ = Ascent(WIDE, WIDTH)(torch.randn(len(index.grid), WIDE), torch.zeros(1, 3, WIDE), index)
    first = torch.stack([cells[index.parent == cell][0] for cell in range(len(index.grid))])
    assert torch.allclose(cells, first[index.parent], atol=1e-6)
    assert not torch.allclose(first[0], first[1], atol=1e-2)
