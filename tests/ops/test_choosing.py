"""The choice of sites, against sorting and counting."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from saccade.ops.choosing import clamp_budget, random_sites, top_and_random_sites, top_sites

sizes = st.integers(1, 60)


@given(candidates=sizes, budget=st.integers(-3, 80), seed=st.integers(0, 99))
def test_top_sites_are_the_head_of_a_full_sort(candidates: int, budget: int, seed: int) -> None:
    scores = torch.randn(3, candidates, generator=torch.Generator().manual_seed(seed))
    chosen = top_sites(scores, budget)
    expected = scores.sort(dim=1, descending=True).indices[:, : clamp_budget(budget, candidates)]
    assert chosen.sort(dim=1).values.equal(expected.sort(dim=1).values)


@given(candidates=sizes, budget=st.integers(1, 80), share=st.floats(0, 1), seed=st.integers(0, 99))
def test_exploring_keeps_the_budget_and_the_best(
    candidates: int, budget: int, share: float, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(2, candidates, generator=generator)
    chosen = top_and_random_sites(scores, budget, share, generator)
    kept = clamp_budget(budget, candidates)
    assert chosen.shape == (2, kept)
    assert all(len(set(row)) == kept for row in chosen.tolist())
    best = scores.argmax(dim=1)
    assert (chosen == best[:, None]).any(dim=1).all()


def test_exploring_leaves_the_stated_share_to_chance() -> None:
    scores = torch.arange(1000.0).expand(1, -1)
    chosen = top_and_random_sites(scores, 100, 0.1, torch.Generator().manual_seed(0))
    assert int((chosen >= 900).sum()) in range(90, 101)
    assert int((chosen >= 910).sum()) == 90


def test_every_candidate_is_drawn_equally_often() -> None:
    generator = torch.Generator().manual_seed(0)
    drawn = random_sites(torch.zeros(20_000, 5), 2, generator)
    share = torch.bincount(drawn.flatten(), minlength=5) / 20_000
    assert share.tolist() == pytest.approx([0.4] * 5, abs=0.02)
