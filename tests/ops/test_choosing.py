"""The choice of sites, against sorting and counting."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from saccade.ops.choosing import best_beside, clamp_budget, random_sites, top_sites

sizes = st.integers(1, 60)


@given(candidates=sizes, budget=st.integers(-3, 80), seed=st.integers(0, 99))
def test_top_sites_are_the_head_of_a_full_sort(candidates: int, budget: int, seed: int) -> None:
    scores = torch.randn(3, candidates, generator=torch.Generator().manual_seed(seed))
    chosen = top_sites(scores, budget)
    expected = scores.sort(dim=1, descending=True).indices[:, : clamp_budget(budget, candidates)]
    assert chosen.sort(dim=1).values.equal(expected.sort(dim=1).values)


@given(candidates=sizes, budget=st.integers(1, 80), given_sites=st.integers(0, 60), seed=st.integers(0, 99))
def test_the_best_beside_some_are_the_best_of_the_others(
    candidates: int, budget: int, given_sites: int, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(2, candidates, generator=generator)
    kept = clamp_budget(budget, candidates)
    given_index = random_sites(scores, 1, generator)[:, :0]
    if min(given_sites, kept - 1) > 0:
        given_index = random_sites(scores, min(given_sites, kept - 1), generator)
    chosen = best_beside(scores, given_index, budget)
    for row, some, all_scores in zip(chosen.tolist(), given_index.tolist(), scores.tolist(), strict=True):
        others = sorted(set(range(candidates)) - set(some), key=lambda i: -all_scores[i])
        assert set(row) == set(some) | set(others[: kept - len(some)])
        assert len(row) == kept


def test_every_candidate_is_drawn_equally_often() -> None:
    generator = torch.Generator().manual_seed(0)
    drawn = random_sites(torch.zeros(20_000, 5), 2, generator)
    share = torch.bincount(drawn.flatten(), minlength=5) / 20_000
    assert share.tolist() == pytest.approx([0.4] * 5, abs=0.02)
