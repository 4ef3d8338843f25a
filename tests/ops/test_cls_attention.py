"""Folded attention against the textbook's, in value and in every gradient."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.ops.cls_attention import cls_attention, cls_attention_plain


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

    value, weights = cls_attention(*inputs)
    plain_value, plain_weights = cls_attention_plain(*inputs)
    assert torch.allclose(value, plain_value, atol=1e-12)
    assert torch.allclose(weights, plain_weights, atol=1e-12)

    probe = torch.randn(value.shape, generator=generator, dtype=torch.float64)
    gradients = torch.autograd.grad((value * probe).sum() + weights.square().sum(), inputs)
    plain = torch.autograd.grad((plain_value * probe).sum() + plain_weights.square().sum(), inputs)
    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(gradients, plain, strict=True))


def test_weights_sum_to_one_over_sites_and_self() -> None:
    weight = torch.randn(2, 3, 6)
    _, weights = cls_attention(torch.randn(4, 2, 3), torch.randn(4, 7, 6), torch.randn(4, 6), weight, weight)
    assert weights.shape == (4, 2, 8)
    assert torch.allclose(weights.sum(-1), torch.ones(4, 2))
