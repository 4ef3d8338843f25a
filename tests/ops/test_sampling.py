"""Draws against their probabilities, by counting and by enumeration."""

from itertools import permutations

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.ops import sampling
from saccade.ops.sampling import (
    draw_distinct_sites,
    draw_sites,
    draw_sites_by_log,
    spread_sites,
    spread_sites_by_log,
)

P = torch.tensor([0.4, 0.0, 0.3, 0.2, 0.1])


def in_one_sum(p: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """The plain way: one cumulative sum over the whole map."""
    cumulative = p.double().cumsum(1)
    total = cumulative[:, -1:]
    found = torch.searchsorted(cumulative, places * total, right=True)
    return torch.minimum(found, torch.searchsorted(cumulative, total.contiguous()))


def with_all_noise(log_p: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """The plain way: noise for the whole batch at once."""
    uniform = torch.rand(log_p.shape, generator=generator, dtype=torch.float64)
    noise = -torch.log(-torch.log(uniform.clamp(1e-300, 1 - 1e-16)))
    return (log_p.double() + noise).topk(count, dim=1).indices


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


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


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    stretch=st.integers(1, 9),
    cells=st.integers(3, 40),
    rows=st.integers(1, 3),
    zeros=st.integers(0, 2),
    seed=st.integers(0, 99),
)
@example(stretch=4, cells=16, rows=2, zeros=0, seed=-1)  # equal cells: every place falls on an edge or a middle
def test_stretches_draw_what_one_sum_draws(
    monkeypatch: pytest.MonkeyPatch, stretch: int, cells: int, rows: int, zeros: int, seed: int
) -> None:
    p = torch.rand(rows, cells, generator=seeded(abs(seed))).pow(6) if seed >= 0 else torch.full((rows, cells), 0.1)
    p[:, cells - zeros :] = 0
    even = ((torch.arange(12).double() + 0.5) / 12).expand(rows, -1)
    expected = in_one_sum(p, even)
    drawn = in_one_sum(p, torch.rand(rows, 30, generator=seeded(1), dtype=torch.float64))
    distinct = with_all_noise(p.log(), cells - zeros, seeded(2))
    by_log = in_one_sum(p.log().exp(), even)
    monkeypatch.setattr(sampling, "_STRETCH", stretch)
    assert spread_sites(p, 12).equal(expected)
    assert draw_sites(p, 30, seeded(1)).equal(drawn)
    assert draw_distinct_sites(p.log(), cells - zeros, seeded(2)).equal(distinct)
    assert spread_sites_by_log(p.log(), 12).equal(by_log)


def test_a_place_at_the_very_end_is_the_last_cell_with_probability(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "_STRETCH", 2)
    p = torch.tensor([[0.5, 0.1, 0.4, 0.0, 0.0, 0.0, 0.0]])
    assert sampling._sites_at(p, torch.ones(1, 1, dtype=torch.float64)).tolist() == [[2]]


def test_logarithms_give_the_draws_of_their_probabilities() -> None:
    log_p = torch.randn(2, 3000).log_softmax(1)
    assert draw_sites_by_log(log_p, 50, seeded(3)).equal(draw_sites(log_p.exp(), 50, seeded(3)))
    assert spread_sites_by_log(log_p, 50).equal(spread_sites(log_p.exp(), 50))
