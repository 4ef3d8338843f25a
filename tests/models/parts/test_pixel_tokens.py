"""Tokens against the joint embedding written out: one linear layer over (x, y, Fourier, v)."""

import torch

from saccade.imaging.stack import Stack
from saccade.models.parts.pixel_tokens import PixelTokens
from saccade.ops.positions import pixel_positions


def test_the_split_first_layer_is_one_layer_over_position_and_value() -> None:
    torch.manual_seed(0)
    tokens = PixelTokens(channels=3, width=8, frequencies=2, layers=2).double()
    values = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    index = torch.tensor([[0, 7, 19], [3, 11, 2]])

    joint = torch.nn.Linear(2 + 8 + 3, 8).double()
    joint.weight.data = torch.cat([tokens.place.weight, tokens.value.weight], dim=1)
    joint.bias.data = tokens.place.bias.data
    places = pixel_positions(4, 5, 2).double()[index]
    pixels = values.flatten(2).transpose(1, 2)
    v = torch.stack([pixels[i, index[i]] for i in range(2)])
    expected = joint(torch.cat([places, v], dim=-1)).relu()
    expected = tokens.deeper[0](expected).relu()
    assert torch.allclose(tokens(Stack(values), index), expected, atol=1e-12)


def test_the_position_table_follows_the_size() -> None:
    tokens = PixelTokens(channels=1, width=4)
    index = torch.tensor([[0]])
    small = tokens(Stack(torch.zeros(1, 1, 2, 2)), index)
    tokens(Stack(torch.zeros(1, 1, 9, 9)), index)
    assert tokens(Stack(torch.zeros(1, 1, 2, 2)), index).equal(small)


def test_the_kept_table_follows_the_weights() -> None:
    tokens, stack, index = PixelTokens(channels=1, width=4), Stack(torch.zeros(1, 1, 3, 3)), torch.tensor([[4, 8]])
    with torch.no_grad():
        before = tokens(stack, index)
        tokens.place.bias += 1.0
        assert not tokens(stack, index).equal(before)
        tokens.load_state_dict({k: torch.zeros_like(v) for k, v in tokens.state_dict().items()})
        assert tokens(stack, index).abs().sum() == 0
    with torch.inference_mode():
        kept = tokens(stack, index)
    assert tokens(stack, index).equal(kept)
    tokens(stack, index).sum().backward()  # a table kept without a graph must not be used where one is needed
    assert tokens.place.weight.grad is not None
