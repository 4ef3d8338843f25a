"""Fusions against what they say they are."""

import pytest
import torch

from saccade.models.parts.patch_fusion import MeanFusion, VoteFusion, WeightFusion, mixture

LOGITS = torch.randn(4, 5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2


@pytest.mark.parametrize("fusion", [MeanFusion(), WeightFusion()])
def test_a_mixture_of_probabilities(fusion: MeanFusion | WeightFusion) -> None:
    drawn = torch.randn(4, 5, dtype=torch.float64)
    weights = fusion.weights(drawn)
    a = drawn.exp() if isinstance(fusion, WeightFusion) else torch.ones_like(drawn)
    share = a / a.sum(1, keepdim=True)
    assert torch.allclose(weights, share)
    wanted = (share[..., None] * LOGITS.softmax(-1)).sum(1)
    assert torch.allclose(fusion(LOGITS, weights).exp(), wanted)


def test_votes_decide_and_the_mean_breaks_ties() -> None:
    fusion = VoteFusion().eval()
    sure, unsure = [9.0, 0.0, 0.0], [0.0, 0.1, 0.0]
    fused = fusion(torch.tensor([[sure, unsure, unsure]]), torch.full((1, 3), 1 / 3))
    assert int(fused.argmax()) == 1  # two votes outdo one that is surer
    assert float(fused.exp().sum()) == pytest.approx(1)
    tie = fusion(torch.tensor([[sure, unsure]]), torch.full((1, 2), 0.5))
    assert int(tie.argmax()) == 0
    assert tie.isfinite().all()


@pytest.mark.parametrize("patches", range(1, 8))
def test_the_most_votes_always_win(patches: int) -> None:
    logits = torch.randn(500, patches, 3) * 3
    fused = VoteFusion().eval()(logits, torch.full((500, patches), 1 / patches))
    votes = torch.nn.functional.one_hot(logits.argmax(-1), 3).sum(1)
    winner = fused.argmax(1)
    assert votes.gather(1, winner[:, None])[:, 0].equal(votes.amax(1))
    assert torch.allclose(fused.exp().sum(1), torch.ones(500), atol=1e-5)


def test_votes_are_trained_by_the_mean() -> None:
    weights = torch.full((4, 5), 0.2, dtype=torch.float64)
    assert VoteFusion().train()(LOGITS, weights).equal(mixture(LOGITS, weights))
