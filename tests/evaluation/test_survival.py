"""The concordance index against a loop over all pairs, and its interval against slides drawn by hand."""

import numpy as np
import pytest

from saccade.evaluation.intervals import CaseBootstrap, Interval
from saccade.evaluation.survival import concordance, concordance_interval


def enumerated(times: np.ndarray, events: np.ndarray, risks: np.ndarray) -> float | None:
    right = known = 0.0
    for i in range(len(times)):
        for j in range(i + 1, len(times)):
            if times[i] == times[j] and events[i] == events[j]:
                continue
            first, second = (i, j) if (times[i], not events[i]) < (times[j], not events[j]) else (j, i)
            if not events[first]:
                continue
            known += 1
            right += 1.0 if risks[first] > risks[second] else 0.5 if risks[first] == risks[second] else 0.0
    return right / known if known else None


def drawn(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times and risks with many ties."""
    generator = np.random.default_rng(seed)
    times, risks = (generator.integers(0, 8, count).astype(float) for _ in range(2))
    return times, generator.random(count) < 0.6, risks


@pytest.mark.parametrize("count", [0, 1, 2, 5, 40, 700])
@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_share_of_pairs_in_the_right_order(count: int, seed: int) -> None:
    found, wanted = concordance(*drawn(count, seed)), enumerated(*drawn(count, seed))
    assert found == (wanted if wanted is None else pytest.approx(wanted))


def test_the_best_the_worst_and_none_at_all() -> None:
    times, seen = np.arange(6.0), np.full(6, True)
    assert concordance(times, seen, -times) == 1
    assert concordance(times, seen, times) == 0
    assert concordance(times, seen, np.zeros(6)) == 0.5
    assert concordance(times, ~seen, times) is None


def test_only_the_order_of_the_risks_counts() -> None:
    times, events, risks = drawn(60, 1)
    assert concordance(times, events, np.exp(risks) - 100) == concordance(times, events, risks)


def test_a_resample_is_the_index_of_the_slides_it_drew() -> None:
    times, events, risks = drawn(25, 2)
    cases = np.array([f"case {number % 9}" for number in range(25)])
    bootstrap = CaseBootstrap.of(cases, resamples=40, seed=3)
    samples = []
    for weights in bootstrap.blocks():
        for column in weights.T.astype(int):
            rows = np.repeat(np.arange(25), column[bootstrap.index])
            samples.append(enumerated(times[rows], events[rows], risks[rows]))
    interval = concordance_interval(times, events, risks, bootstrap)
    low, high = np.percentile([np.nan if sample is None else sample for sample in samples], [2.5, 97.5])
    assert interval.value == pytest.approx(enumerated(times, events, risks))
    assert (interval.low, interval.high) == (pytest.approx(low), pytest.approx(high))
    assert interval.low < interval.high


def test_where_every_order_is_right_there_are_no_bounds() -> None:
    times, seen = np.arange(1.0, 9.0), np.ones(8, dtype=bool)
    bootstrap = CaseBootstrap.of([str(number) for number in range(8)], resamples=30)
    assert concordance_interval(times, seen, -times, bootstrap) == Interval(1.0, None, None)


def test_without_an_event_there_is_no_interval() -> None:
    times, events, risks = drawn(10, 0)
    bootstrap = CaseBootstrap.of([str(number) for number in range(10)], resamples=10)
    assert concordance_interval(times, events & False, risks, bootstrap).as_dict() == {
        "value": None,
        "low": None,
        "high": None,
    }
