"""TransMIL: its published size, and its layers put together by hand."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from saccade.core.bags import Bags
from saccade.core.errors import BadInput
from saccade.models import create_model
from saccade.models.baselines.transmil import SquareConvolutions, raster_order, squared
from tests.models.parts.nystrom_by_hand import nystrom_by_hand
from tests.ops.sparse_grids import SLIDES, sparse

CLASSES = ("normal", "tumour")


def test_it_has_the_published_size() -> None:
    model = create_model("transmil", CLASSES)
    assert sum(parameter.numel() for parameter in model.parameters()) == 2_672_146
    assert [layer.landmarks for layer in model.aggregate.attend] == [256, 256]


def test_patches_are_put_into_raster_order() -> None:
    cells = torch.tensor([[3, 1], [0, 2], [5, -7], [1, 1], [2**52, -8]])
    assert raster_order(cells).tolist() == [4, 2, 3, 0, 1]
    assert raster_order(cells[:0]).tolist() == []


@given(count=st.integers(0, 10_000))
def test_the_square_is_the_least_with_room_and_the_first_patches_fill_it(count: int) -> None:
    side, more = squared(count)
    assert side * side == count + more
    assert more <= count
    assert max(0, side - 1) ** 2 < count or count == 0


def test_convolutions_are_added_place_by_place() -> None:
    layer, tokens = SquareConvolutions(2).double(), torch.randn(25, 2).double()
    wanted = tokens.clone()
    for convolution in layer.convolutions:
        weight, reach = convolution.weight[:, 0], convolution.kernel_size[0] // 2
        for place in range(25):
            wanted[place] += convolution.bias
            for down in range(-reach, reach + 1):
                for right in range(-reach, reach + 1):
                    row, column = place // 5 + down, place % 5 + right
                    if 0 <= row < 5 and 0 <= column < 5:
                        wanted[place] += weight[:, down + reach, right + reach] * tokens[5 * row + column]
    assert torch.allclose(layer(tokens), wanted, atol=1e-12)
    assert layer(tokens[:0]).shape == (0, 2)


def test_its_layers_follow_each_other_as_described() -> None:
    torch.manual_seed(0)
    model = create_model("transmil", CLASSES, in_features=6, width=8, heads=2).double().eval()
    encoder, cells, features = model.aggregate, sparse(5, 4, 0.7), 3 * torch.randn(14, 6).double()
    order = sorted(range(14), key=lambda patch: tuple(cells[patch].tolist()[::-1]))
    order += order[:2]  # 14 patches on 16 places
    x = torch.cat([encoder.token, model.read(features)[order]])
    x = x + nystrom_by_hand(encoder.attend[0], encoder.norms[0](x))[0]
    x = torch.cat([x[:1], encoder.between(x[1:])])
    gathered, attention = nystrom_by_hand(encoder.attend[1], encoder.norms[1](x))
    prediction = model(Bags(features, cells, (14,)))
    assert torch.allclose(prediction.logits[0], model.classify(encoder.norm((x + gathered)[0])), atol=1e-10)
    shares = torch.zeros(14).double()
    for place, patch in enumerate(order):
        shares[patch] += attention.mean(0)[0, 1 + place]
    weights = shares.clamp_min(0) / shares.clamp_min(0).sum()
    assert torch.allclose(prediction.sites.weights[0].double(), weights, atol=1e-6)


def test_what_lies_beside_what_matters_to_it() -> None:
    torch.manual_seed(0)
    model, cells = create_model("transmil", CLASSES, in_features=6, width=8, heads=2).eval(), SLIDES["blobs"][0]
    features = torch.randn(len(cells), 6)
    mirrored = cells * torch.tensor([-1, 1])
    assert not torch.allclose(
        model(Bags(features, cells, (len(cells),))).logits,
        model(Bags(features, mirrored, (len(cells),))).logits,
        atol=1e-5,
    )


def test_heads_must_share_the_width() -> None:
    with pytest.raises(BadInput, match="heads"):
        create_model("transmil", CLASSES, width=12, heads=8)
