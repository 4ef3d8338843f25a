"""Draws against their probabilities, by counting and by enumeration."""

from itertools import permutations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.ops.sampling import draw_distinct_sites, draw_sites, spread_sites

P = torch.tensor([0.4, 0.0, 0.3, 0.2, 0.1])


def test_draws_follow_their_probabilities() -> None:
    drawn = draw_sites(P.expand(2, -1), 40_000, torch.Generator().manual_seed(0))
    share = torch.bincount(drawn.flatten(), minlength=5) / drawn.numel()
    assert share.tolist() == pytest.approx(P.tolist(), abs=0.01)
    assert share[1] == 0


def test_distinct_draws_have_the_probability_of_their_order() -> None:
    """Every ordered pair, against the product of its conditional probabilities."""
    p = torch.tensor([0.5, 0.3, 0.2])
    drawn = draw_distinct_sites(p.log().expand(60_000, -1), 2, torch.Generator().manual_seed(0))
    for first, second in permutations(range(3), 2):
        expected = p[first] * p[second] / (1 - p[first])
        found = ((drawn[:, 0] == first) & (drawn[:, 1] == second)).float().mean()
        assert float(found) == pytest.approx(float(expected), abs=0.01)


@given(cells=st.integers(1, 200), count=st.integers(1, 50), seed=st.integers(0, 50))
def test_even_draws_come_as_often_as_their_probability_says(cells: int, count: int, seed: int) -> None:
    p = torch.rand(1, cells, generator=torch.Generator().manual_seed(seed)).pow(4).double()
    p = p / p.sum()
    drawn = spread_sites(p, count)[0]
    assert drawn.equal(drawn.sort().values)
    share = torch.bincount(drawn, minlength=cells)
    assert ((share - count * p[0]).abs() <= 1 + 1e-9).all()


@given(seed=st.integers(0, 50), zeros=st.integers(0, 6))
def test_a_cell_without_probability_is_never_drawn(seed: int, zeros: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    p = torch.rand(3, 8, generator=generator)
    p[:, 7 - zeros + 1 :] = 0  # the end of the cumulative sum is flat there
    p[:, 0] = 0
    for drawn in (draw_sites(p, 64, generator), spread_sites(p, 64)):
        assert (p.gather(1, drawn) > 0).all()
    assert (p.gather(1, draw_distinct_sites(p.log(), 7 - zeros, generator)) > 0).all()


def test_more_cells_than_multinomial_takes() -> None:
    """A slide's overview: 2^24 cells and more."""
    p = torch.zeros(1, 2**24 + 10)
    p[0, 2**24 + 5] = 1.0
    assert draw_sites(p, 2).tolist() == [[2**24 + 5] * 2]


def test_too_many_distinct_draws() -> None:
    with pytest.raises(BadInput, match="5 different sites were asked for, but only 4 can be drawn"):
        draw_distinct_sites(P.log()[None], 5)
