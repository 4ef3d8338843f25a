"""Folded attention against the textbook's, in value and in every gradient."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.ops.cls_attention import biased, cls_attention, cls_attention_plain


@settings(deadline=None)
@given(
    batch=st.integers(1, 3),
    sites=st.integers(0, 9),
    heads=st.integers(1, 3),
    dim=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_folding_changes_nothing(batch: int, sites: int, heads: int, dim: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    width = heads * dim
    shapes = [(batch, heads, dim), (batch, sites, width), (batch, width)] + 2 * [(heads, dim, width)]
    shapes += [(batch, sites)] if seed % 2 else []  # with a bias of the sites, and without
    inputs = [torch.randn(s, generator=generator, dtype=torch.float64, requires_grad=True) for s in shapes]

    value, scores = cls_attention(*inputs)
    plain_value, plain_scores = cls_attention_plain(*inputs)
    assert torch.allclose(value, plain_value, atol=1e-12)
    assert torch.allclose(scores, plain_scores, atol=1e-12)

    probe = torch.randn(value.shape, generator=generator, dtype=torch.float64)
    gradients = torch.autograd.grad((value * probe).sum() + scores.square().sum(), inputs)
    plain = torch.autograd.grad((plain_value * probe).sum() + plain_scores.square().sum(), inputs)
    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(gradients, plain, strict=True))


def test_a_large_bias_takes_its_site_and_leaves_the_scores_alone() -> None:
    key, value = torch.randn(2, 3, 6), torch.randn(2, 3, 6)
    query, tokens, own, bias = torch.randn(4, 2, 3), torch.randn(4, 7, 6), torch.randn(4, 6), torch.zeros(4, 7)
    bias[:, 2] = 60.0
    found, scores = cls_attention(query, tokens, own, key, value, bias)
    assert torch.allclose(found, torch.einsum("bt,hdt->bhd", tokens[:, 2], value), atol=1e-5)
    assert scores.shape == (4, 2, 8)
    assert scores.equal(cls_attention(query, tokens, own, key, value)[1])
    assert biased(scores, bias)[:, :, 7].equal(scores[:, :, 7]), "its own score has no bias"
