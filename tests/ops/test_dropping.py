"""Masks drawn from a seed: the right share, no pattern, the same again."""

import torch

from saccade.ops.dropping import kept, rounded, seeded


def test_the_share_is_what_was_asked_for() -> None:
    for rate in (0.05, 0.3, 0.5, 0.999):
        gone = ~kept((1000, 1003), rate, seeded(1, "cpu"))
        assert abs(float(gone.double().mean()) - rounded(rate)) < 5 * (rate * (1 - rate) / gone.numel()) ** 0.5
        assert abs(rounded(rate) - rate) <= 2**-17


def test_none_and_all() -> None:
    assert kept((5, 77), 0.0, seeded(0, "cpu")).all()
    assert not kept((5, 77), 1.0, seeded(0, "cpu")).any()
    assert kept((0, 3), 0.5, seeded(0, "cpu")).shape == (0, 3)


def test_all_quarters_of_a_word_are_drawn_alike_and_alone() -> None:
    drawn = kept((100_000, 4), 0.5, seeded(2, "cpu")).double()
    assert torch.allclose(drawn.mean(0), torch.full((4,), 0.5).double(), atol=0.01)
    assert torch.allclose(torch.cov(drawn.T), 0.25 * torch.eye(4).double(), atol=0.01)


def test_a_seed_brings_the_same_back() -> None:
    first, again, other = (kept((50, 9), 0.5, seeded(seed, "cpu")) for seed in (3, 3, 4))
    assert first.equal(again)
    assert not first.equal(other)
