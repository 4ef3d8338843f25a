"""Tokens against the joint embedding written out: one linear layer over (x, y, Fourier, v, features)."""

import pytest
import torch

from saccade.imaging.stack import Stack
from saccade.models.parts.pixel_look import Glance
from saccade.models.parts.pixel_tokens import PixelTokens
from saccade.ops.positions import pixel_positions

BLIND = Glance(torch.zeros(1, 1))


@pytest.mark.parametrize(("site", "features"), [(1, 0), (2, 0), (1, 5), (2, 5), (4, 5)])
def test_the_split_first_layer_is_one_layer_over_everything(site: int, features: int) -> None:
    torch.manual_seed(0)
    high, wide = 8, 12
    rows, columns = high // site, wide // site
    tokens = PixelTokens(3, width=8, frequencies=2, layers=2, site=site, features=features).double()
    values = torch.randn(2, 3, high, wide, dtype=torch.float64)
    seen = torch.randn(2, 5, high // 4, wide // 4, dtype=torch.float64)
    index = torch.randint(rows * columns, (2, 3))

    joint = torch.nn.Linear(2 + 8 + 3 * site**2 + features, 8).double()
    joint.weight.data = torch.cat([tokens.place.weight, tokens.value.weight], dim=1)
    joint.bias.data = tokens.place.bias.data
    table = pixel_positions(rows, columns, 2).double()
    for image in range(2):
        for place in range(3):
            row, column = divmod(int(index[image, place]), columns)
            y, x = row * site, column * site
            block = values[image, :, y : y + site, x : x + site].flatten()
            around = seen[image, :features, y // 4, x // 4]
            expected = joint(torch.cat([table[row * columns + column], block, around])).relu()
            expected = tokens.deeper[0](expected).relu()
            made = tokens(Stack(values), index, Glance(torch.zeros(2, 1), seen, 4))[image, place]
            assert torch.allclose(made, expected, atol=1e-12)


def test_the_position_table_follows_the_size() -> None:
    tokens, index = PixelTokens(channels=1, width=4), torch.tensor([[0]])
    small = tokens(Stack(torch.zeros(1, 1, 2, 2)), index, BLIND)
    tokens(Stack(torch.zeros(1, 1, 9, 9)), index, BLIND)
    assert tokens(Stack(torch.zeros(1, 1, 2, 2)), index, BLIND).equal(small)


def test_the_kept_table_follows_the_weights() -> None:
    tokens, stack, index = PixelTokens(channels=1, width=4), Stack(torch.zeros(1, 1, 3, 3)), torch.tensor([[4, 8]])
    with torch.no_grad():
        before = tokens(stack, index, BLIND)
        tokens.place.bias += 1.0
        assert not tokens(stack, index, BLIND).equal(before)
        tokens.load_state_dict({k: torch.zeros_like(v) for k, v in tokens.state_dict().items()})
        assert tokens(stack, index, BLIND).abs().sum() == 0
    with torch.inference_mode():
        kept = tokens(stack, index, BLIND)
    assert tokens(stack, index, BLIND).equal(kept)
    tokens(stack, index, BLIND).sum().backward()  # a table kept without a graph must not be used where one is needed
    assert tokens.place.weight.grad is not None
