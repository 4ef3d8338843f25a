"""Report data: cost rows from plain values, means over cases."""

import numpy as np
import pytest

from saccade.evaluation.intervals import Interval, wilson_interval
from saccade.report.data import CostRow, OverImages
from tests.report.miniature import examples


def over(values: list[float], cases: list[str]) -> OverImages[list[float]]:
    return OverImages(values, np.zeros(len(values), dtype=np.int64), ("a",), cases)


def test_cost_of_the_largest_batch_and_of_metrics_json() -> None:
    bench = CostRow.of("m", {"images_per_second": {"1": 7.0, "256": 90.0, "32": 60.0}, "parameters": 5, "seed": 1})
    assert (bench.images_per_second, bench.parameters, bench.accuracy) == (90.0, 5, None)
    plain = CostRow.of("m", {"images_per_second": 3.0, "accuracy": {"value": 0.5, "low": 0.4, "high": 0.6}})
    assert (plain.images_per_second, plain.accuracy) == (3.0, Interval(0.5, 0.4, 0.6))
    assert CostRow.of("m", {"images_per_second": {}}) == CostRow("m")


def test_mean_leaves_out_what_is_not_defined() -> None:
    one = over([], list("abcdefg"))
    mean = one.mean(np.array([1.0, np.nan, 3.0, 1.0, 3.0, 2.0, 100.0]), among=np.arange(7) < 6)
    assert mean.value == 2 and mean.low is not None and mean.high is not None
    assert 1 <= mean.low < 2 < mean.high <= 3
    assert one.mean(np.full(7, np.nan)) == Interval(None, None, None)


def test_mean_resamples_cases_not_images() -> None:
    values = np.array([0.0] * 60 + [1.0] * 60)
    together = over([], [case for case in "abcdef" for _ in range(20)]).mean(values)
    apart = over([], [str(i) for i in range(120)]).mean(values)
    assert together.value == apart.value == 0.5
    assert (together.low, together.high) == pytest.approx((1 / 6, 5 / 6))
    assert apart.low == pytest.approx(0.4, abs=0.03)
    assert over([], ["a"] * 120).mean(values) == Interval(0.5, None, None)


def test_shares_on_which_all_cases_agree_have_a_bound_and_other_means_none() -> None:
    one = over([], ["a", "a", "b", "c"])
    assert one.share(np.ones(4)) == wilson_interval(1.0, 3)
    assert one.share(np.ones(4), np.array([True, True, True, False])) == wilson_interval(1.0, 2)
    assert one.mean(np.ones(4)) == Interval(1.0, None, None)
    spread, more = np.array([1.0, 0.0, 1.0, 1.0, 1.0]), over([], list("abcde"))
    assert more.share(spread) == more.mean(spread) != Interval(0.8, None, None)
    assert one.share(spread[:4]) == wilson_interval(0.75, 3), "of few cases, whatever the resamples"
    assert one.mean(spread[:4]) == Interval(0.75, None, None)


def test_examples_know_whether_they_are_right() -> None:
    assert [one.right for one in examples()] == [True, False, True]
