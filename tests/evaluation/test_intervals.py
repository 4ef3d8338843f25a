"""The case bootstrap against its definition, and intervals against simulations with a known truth."""

import numpy as np
import pytest
from scipy.stats import norm

from saccade.evaluation import intervals
from saccade.evaluation.comparison import paired_difference
from saccade.evaluation.intervals import FEWEST, CaseBootstrap, Interval, percentile_interval, wilson_interval


def drawn(bootstrap: CaseBootstrap) -> np.ndarray:
    return np.concatenate(list(bootstrap.blocks()), axis=1)


def test_every_resample_draws_as_many_cases_as_there_are() -> None:
    bootstrap = CaseBootstrap.of(["b", "a", "a", "c"], resamples=50, seed=1)
    weights = drawn(bootstrap)
    assert bootstrap.index.tolist() == [1, 0, 0, 2]
    assert weights.shape == (3, 50)
    assert (weights.sum(axis=0) == 3).all()
    assert (weights == weights.round()).all()
    assert len(np.unique(weights, axis=1)) > 1


def test_draws_are_those_of_the_definition() -> None:
    """A resample's weights count how often each case was drawn, with replacement and equal chances."""
    weights = drawn(CaseBootstrap.of([f"{i:02}" for i in range(20)], resamples=30, seed=7))
    rows = np.random.default_rng(7).integers(0, 20, size=(30, 20))
    expected = np.stack([np.bincount(row, minlength=20) for row in rows], axis=1)
    np.testing.assert_array_equal(weights, expected)


def test_draws_do_not_depend_on_the_block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    bootstrap = CaseBootstrap.of([str(i) for i in range(31)], resamples=101, seed=3)
    whole = drawn(bootstrap)
    monkeypatch.setattr(intervals, "_BLOCK_ELEMENTS", 31 * 7)
    assert len(list(bootstrap.blocks())) == 15
    np.testing.assert_array_equal(drawn(bootstrap), whole)


def test_same_seed_same_draws_other_seed_others() -> None:
    cases = [str(i) for i in range(9)]
    first, again = drawn(CaseBootstrap.of(cases, 20, 0)), drawn(CaseBootstrap.of(cases, 20, 0))
    np.testing.assert_array_equal(first, again)
    assert (first != drawn(CaseBootstrap.of(cases, 20, 1))).any()


def test_percentiles_of_what_is_defined() -> None:
    samples = np.append(np.arange(101) / 100, [np.nan, np.nan])
    interval = percentile_interval(0.5, samples, cases=5)
    assert interval.as_dict() == pytest.approx({"value": 0.5, "low": 0.025, "high": 0.975})


@pytest.mark.parametrize(
    ("value", "samples", "cases", "expected"),
    [
        (np.nan, np.array([0.5]), 4, Interval(None, None, None)),
        (0.5, np.array([np.nan]), 4, Interval(0.5, None, None)),
        (0.5, np.array([0.5, 0.5]), 1, Interval(0.5, None, None)),
        (1.0, np.array([1.0, 1.0]), 4, Interval(1.0, None, None)),
    ],
)
def test_what_is_not_defined_has_no_interval(value: float, samples: np.ndarray, cases: int, expected: Interval) -> None:
    assert percentile_interval(value, samples, cases) == expected


@pytest.mark.parametrize(("share", "cases"), [(1.0, 2), (1.0, 40), (0.0, 7), (0.25, 4)])
def test_a_share_on_which_all_cases_agree_has_the_bounds_of_the_score_test(share: float, cases: int) -> None:
    """Wilson's bounds are where the share lies 1.96 standard errors of the bound away: the test's own definition."""
    interval = percentile_interval(share, np.full(9, share), cases, share_of=cases)
    assert interval.low is not None and interval.high is not None
    assert 0 <= interval.low <= share <= interval.high <= 1 and interval.low < interval.high
    for bound in {interval.low, interval.high} - {0.0, 1.0}:
        error = np.sqrt(bound * (1 - bound) / cases)
        assert abs(share - bound) / error == pytest.approx(norm.ppf(0.975))


def test_the_bound_of_a_share_of_one_has_a_short_closed_form() -> None:
    square = norm.ppf(0.975) ** 2
    interval = percentile_interval(1.0, np.ones(5), 90, share_of=40)
    assert interval.as_dict() == pytest.approx({"value": 1.0, "low": 40 / (40 + square), "high": 1.0})


def test_rounding_is_no_spread() -> None:
    samples = 0.1 + np.array([0, 1, -1, 2]) * 1e-17 + np.array([0, 0, 2e-16, 0])
    assert percentile_interval(0.1, samples, 4) == Interval(0.1, None, None)


def test_a_share_with_spread_is_left_to_the_resamples() -> None:
    samples = np.append(np.ones(30), np.full(10, 0.9))
    plain = percentile_interval(0.97, samples, 5)
    assert percentile_interval(0.97, samples, 5, share_of=5) == plain == Interval(0.97, 0.9, 1.0)


@pytest.mark.parametrize(("cases", "share_of"), [(4, 4), (40, 4), (2, 2)])
def test_few_cases_have_too_few_mixtures_to_draw(cases: int, share_of: int) -> None:
    """A share of few has Wilson's interval, whatever the resamples; other figures of few have none."""
    samples = np.append(np.ones(30), np.full(10, 0.5))
    assert percentile_interval(0.75, samples, cases, share_of) == wilson_interval(0.75, share_of)
    assert (percentile_interval(0.75, samples, cases).low is None) == (cases < FEWEST)


def test_nothing_to_draw_from_is_an_error() -> None:
    with pytest.raises(ValueError, match="no cases"):
        CaseBootstrap.of([])
    with pytest.raises(ValueError, match="at least 1"):
        CaseBootstrap.of(["a"], resamples=0)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    generator = np.random.default_rng(0)
    cases, wrong, truth, covered = [str(i) for i in range(150)], np.zeros(150), 0.8, 0
    for trial in range(400):
        right = generator.random(150) < truth
        interval = paired_difference(right, wrong, cases, resamples=300, seed=trial)
        assert interval.low is not None and interval.high is not None
        covered += interval.low <= truth <= interval.high
    assert 0.91 <= covered / 400 <= 0.98


def test_images_of_one_case_do_not_count_as_evidence_of_their_own() -> None:
    """Ten copies of each case leave the interval where it was; taken for cases they would shrink it by √10."""
    generator = np.random.default_rng(0)
    right = generator.random(100) < 0.7
    copies, nothing = np.repeat(right, 10), np.zeros(1000)
    cases = np.repeat([f"{i:03}" for i in range(100)], 10)
    once = paired_difference(right, nothing[:100], cases[::10], resamples=2000)
    by_case = paired_difference(copies, nothing, cases, resamples=2000)
    by_image = paired_difference(copies, nothing, [f"{i:04}" for i in range(1000)], resamples=2000)
    assert by_case.as_dict() == pytest.approx(once.as_dict())
    assert by_case.low is not None and by_case.high is not None
    assert by_image.low is not None and by_image.high is not None
    ratio = (by_case.high - by_case.low) / (by_image.high - by_image.low)
    assert ratio == pytest.approx(10**0.5, rel=0.15)
