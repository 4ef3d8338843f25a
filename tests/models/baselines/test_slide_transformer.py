"""The plain transformer against PyTorch's own layers with the same weights."""

import pytest
import torch
from torch import nn

from saccade.core.bags import Bags
from saccade.core.errors import BadInput
from saccade.models import create_model

CLASSES = ("normal", "tumour")
CELLS = torch.stack([torch.arange(11), torch.zeros(11, dtype=torch.long)], dim=1)


def test_its_size() -> None:
    model = create_model("slide-transformer", CLASSES)
    layer = 2 * 512 + 3 * 512**2 + 512**2 + 512 + 2 * 512 + 2 * 2 * 512**2 + 2 * 512 + 512
    assert (
        sum(each.numel() for each in model.parameters()) == 1024 * 512 + 512 + 512 + 2 * layer + 2 * 512 + 512 * 2 + 2
    )


def theirs(width: int, heads: int, layer: nn.Module) -> nn.TransformerEncoderLayer:
    """PyTorch's layer with the weights of ours."""
    other = nn.TransformerEncoderLayer(width, heads, 2 * width, 0.0, "gelu", batch_first=True, norm_first=True).double()
    state = layer.state_dict()
    names = {
        "norm1": "norm",
        "norm2": "hidden.0",
        "linear1": "hidden.1",
        "linear2": "hidden.4",
        "self_attn.out_proj": "out",
    }
    new = {f"{a}.{kind}": state[f"{b}.{kind}"] for a, b in names.items() for kind in ("weight", "bias")}
    new |= {
        "self_attn.in_proj_weight": state["project.weight"],
        "self_attn.in_proj_bias": torch.zeros(3 * width).double(),
    }
    other.load_state_dict(new)
    return other


def test_it_is_pytorchs_transformer() -> None:
    torch.manual_seed(0)
    model = create_model("slide-transformer", CLASSES, in_features=6, width=8, heads=2, layers=3).double().eval()
    features, encoder = torch.randn(11, 6).double(), model.aggregate
    tokens = torch.cat([encoder.token, model.read(features)])[None]
    for layer in encoder.layers:
        before, other = tokens, theirs(8, 2, layer)
        tokens = other(tokens)
    wanted = model.classify(encoder.norm(tokens[0, 0]))
    prediction = model(Bags(features, CELLS, (11,)))
    assert torch.allclose(prediction.logits[0], wanted, atol=1e-12)
    normed = other.norm1(before)
    attention = other.self_attn(normed, normed, normed, need_weights=True)[1][0, 0, 1:]
    assert torch.allclose(prediction.sites.weights[0].double(), attention / attention.sum(), atol=1e-6)


def test_places_do_not_matter_to_it() -> None:
    torch.manual_seed(0)
    model, features = create_model("slide-transformer", CLASSES, in_features=6, width=8).eval(), torch.randn(11, 6)
    assert model(Bags(features, CELLS, (11,))).logits.equal(model(Bags(features, CELLS.flip(0), (11,))).logits)


def test_width_and_heads_follow_the_features_unless_set() -> None:
    assert [layer.heads for layer in create_model("slide-transformer", CLASSES, in_features=256).aggregate.layers] == [
        2,
        2,
    ]
    with pytest.raises(BadInput, match="heads"):
        create_model("slide-transformer", CLASSES, width=10, heads=3)
