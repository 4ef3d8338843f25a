"""When layers sweep, and that a layer is the same whether it does or not."""

import pytest
import torch
from torch import nn

from saccade.core.bags import Bags
from saccade.models import create_model
from saccade.models.parts import condensations, refinement, span_encoder
from saccade.models.parts.span_pyramid import Compatibility
from saccade.models.parts.sweeping import rows_of, sweeps
from tests.ops.sparse_grids import SLIDES


def test_sweeps_are_for_full_precision() -> None:
    assert sweeps(torch.zeros(1, 2))
    with torch.autocast("cpu", torch.bfloat16):
        assert not sweeps(torch.zeros(1, 2))


def test_a_norm_as_two_rows() -> None:
    norm = nn.LayerNorm(3)
    assert rows_of(norm).equal(torch.stack([norm.weight, norm.bias]))


@pytest.mark.parametrize("compatibility", ["correct", "released"])
@pytest.mark.parametrize("slides", ["several", "scattered", "blobs", "one"])
def test_the_whole_model_is_the_same_plainly(
    slides: str, compatibility: Compatibility, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = create_model("span", ("a", "b"), in_features=64, width=12, heads=2, compatibility=compatibility).double()
    cells = SLIDES[slides]
    features = torch.randn(sum(map(len, cells)), 64, dtype=torch.float64, requires_grad=True)
    bags = Bags(features, torch.cat(cells), tuple(map(len, cells)))
    inputs = [features, *model.parameters()]

    def run() -> tuple[torch.Tensor, ...]:
        prediction = model.eval()(bags)
        grads = torch.autograd.grad((prediction.logits**2).sum(), inputs, materialize_grads=True, allow_unused=True)
        return prediction.logits, prediction.sites.weights.double(), *grads

    swept = run()
    for module in (condensations, refinement, span_encoder):
        monkeypatch.setattr(module, "sweeps", lambda cells: False)
    for own, other in zip(swept, run(), strict=True):
        assert torch.allclose(own, other, atol=1e-6 if own is swept[1] else 1e-10, rtol=1e-10)
