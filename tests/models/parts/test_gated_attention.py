"""Gated attention against its equation, written out patch by patch."""

import math

import torch

from saccade.models.parts.gated_attention import GatedAttention


def scored(attention: GatedAttention, patch: list[float]) -> float:
    """Ilse et al. 2018, equation 9, before the softmax."""
    total = attention.score.bias.item()
    for k, w in enumerate(attention.score.weight[0].tolist()):
        content, gate = (
            sum(a * b for a, b in zip(layer.weight[k].tolist(), patch, strict=True)) + layer.bias[k].item()
            for layer in (attention.content, attention.gate)
        )
        total += w * math.tanh(content) / (1 + math.exp(-gate))
    return total


def test_it_is_its_equation() -> None:
    torch.manual_seed(0)
    attention, tokens = GatedAttention(5, 4).double(), torch.randn(7, 5, dtype=torch.float64) * 2
    scores = [scored(attention, patch) for patch in tokens.tolist()]
    total = sum(math.exp(score) for score in scores)
    weights = torch.tensor([math.exp(score) / total for score in scores], dtype=torch.float64)
    pooled = attention(tokens, torch.zeros(7, 2, dtype=torch.long))
    assert torch.allclose(attention.scores(tokens), torch.tensor(scores, dtype=torch.float64), atol=1e-12)
    assert torch.allclose(pooled.weights, weights, atol=1e-12)
    assert torch.allclose(pooled.summary, (weights[:, None] * tokens).sum(0), atol=1e-12)


def test_no_patches_come_to_zeros() -> None:
    pooled = GatedAttention(5, 4)(torch.zeros(0, 5), torch.zeros(0, 2, dtype=torch.long))
    assert (pooled.summary.tolist(), pooled.weights.tolist()) == ([0] * 5, [])


def test_both_branches_are_dropped_out_while_training() -> None:
    torch.manual_seed(0)
    attention, tokens = GatedAttention(5, 1000, dropout=0.5), torch.randn(1, 5)
    with torch.no_grad():
        attention.score.weight.fill_(1)
        attention.score.bias.zero_()
        attention.content.bias.fill_(100)  # a tanh of 1
        attention.gate.bias.fill_(100)
    assert float(attention.eval().scores(tokens)) == 1000
    kept = float(attention.train().scores(tokens)) / 1000  # a quarter of the products is left, four times as large
    assert 0.8 < kept < 1.2
    assert kept != 1
