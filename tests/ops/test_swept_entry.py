"""Entering and condensing in sweeps, against the plain operators."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from saccade.ops import swept_entry as module
from saccade.ops.condensation import condensation_index, condense_depthwise
from saccade.ops.swept_entry import condensed, entered
from tests.ops.sparse_grids import SLIDES, grid_of


def drawn(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, requires_grad=True)


@pytest.fixture(params=[3, 1000], autouse=True)
def rows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROWS", request.param)


@pytest.mark.parametrize("extra", [0, 2])
def test_patches_are_projected_to_their_cells(extra: int) -> None:
    features, weight, place = drawn(10, 4), drawn(3, 4), torch.randperm(10 + extra)[:10]
    found = entered(features, weight, place, 10 + extra)
    wanted = torch.zeros(10 + extra, 3, dtype=torch.float64).index_copy(0, place, features @ weight.T)
    assert torch.allclose(found, wanted, atol=1e-12)
    grad = torch.randn_like(found)
    ours, theirs = (torch.autograd.grad(each, (features, weight), grad) for each in (found, wanted))
    assert all(torch.allclose(own, other, atol=1e-12) for own, other in zip(ours, theirs, strict=True))


def test_what_enters_is_dropped_as_its_gradient_is() -> None:
    features, weight, place = drawn(10, 4), drawn(3, 4), torch.randperm(10)

    def seeded(*given: Tensor) -> Tensor:
        torch.manual_seed(3)
        return entered(*given, place, 10, dropout=0.4)

    assert torch.autograd.gradcheck(seeded, (features, weight))
    whole = (features @ weight.T)[place.argsort()]
    gone = seeded(features, weight) == 0
    assert 0 < int(gone.sum()) < 30
    assert torch.allclose(seeded(features, weight)[~gone], whole[~gone] / 0.6, rtol=1e-4)  # to 1/65536


@pytest.mark.parametrize("slides", SLIDES)
def test_condensed_is_the_plain_condensation_of_normalised_cells(slides: str) -> None:
    grid = grid_of(SLIDES[slides])
    index = condensation_index(grid)
    values, norm, weight = drawn(len(grid), 5), drawn(2, 5), drawn(5, 1, 2, 2)
    found = condensed(values, norm, weight, index)
    wanted = condense_depthwise(F.layer_norm(values, (5,), norm[0], norm[1]), weight, index)
    assert torch.allclose(found, wanted, atol=1e-10)
    grad = torch.randn_like(found)
    ours, theirs = (torch.autograd.grad(each, (values, norm, weight), grad) for each in (found, wanted))
    assert all(torch.allclose(own, other, atol=1e-10) for own, other in zip(ours, theirs, strict=True))
