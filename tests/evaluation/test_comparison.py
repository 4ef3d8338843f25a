"""Paired comparisons against resamples copied out one by one, and the cases with a known answer."""

import numpy as np
import pytest

from saccade.evaluation.comparison import Difference, paired_difference
from saccade.evaluation.intervals import CaseBootstrap


@pytest.fixture
def cases() -> np.ndarray:
    return np.array([f"case {i}" for i in np.random.default_rng(2).integers(0, 25, 80)])


def test_accuracy_against_resamples_copied_out(cases: np.ndarray) -> None:
    generator = np.random.default_rng(0)
    a, b = generator.random((2, 80)) < np.array([[0.9], [0.75]])
    bootstrap, samples = CaseBootstrap.of(cases, 200, 4), []
    for column in np.concatenate(list(bootstrap.blocks()), axis=1).T.astype(int):
        copies = np.repeat(np.arange(80), column[bootstrap.index])
        samples.append(a[copies].mean() - b[copies].mean())
    difference = paired_difference(a, b, cases, resamples=200, seed=4)
    assert difference.value == pytest.approx(a.mean() - b.mean())
    assert [difference.low, difference.high] == pytest.approx(np.percentile(samples, [2.5, 97.5]).tolist())
    smaller = min(np.sum(np.array(samples) <= 1e-12), np.sum(np.array(samples) >= -1e-12))
    assert difference.p == pytest.approx(2 * (1 + smaller) / 201)


def test_seeds_are_averaged(cases: np.ndarray) -> None:
    seeds = np.random.default_rng(0).random((3, 80)) < 0.8
    b = np.zeros(80)
    averaged = paired_difference(seeds, b, cases, resamples=100)
    assert averaged.as_dict() == pytest.approx(paired_difference(seeds.mean(0), b, cases, resamples=100).as_dict())
    assert averaged.value == pytest.approx(seeds.mean())


def test_a_model_against_itself_differs_by_nothing(cases: np.ndarray) -> None:
    right = np.random.default_rng(0).random((3, 80)) < 0.8
    # The same three trainings in another order: equal up to rounding, which is no spread.
    assert paired_difference(right, right[::-1], cases, resamples=500) == Difference(0.0, None, None, None)


def test_a_gain_on_every_case_has_neither_bounds_nor_p() -> None:
    """Two cases won say little; that all resamples of them agree would give the smallest p there is."""
    assert paired_difference(np.ones(2), np.zeros(2), ["a", "b"]) == Difference(1.0, None, None, None)


def test_swapping_the_models_turns_the_sign(cases: np.ndarray) -> None:
    a, b = np.random.default_rng(5).random((2, 80)) < 0.8
    forward, backward = paired_difference(a, b, cases), paired_difference(b, a, cases)
    assert backward.value == -forward.value and backward.p == forward.p
    assert forward.low is not None and forward.high is not None
    assert [backward.low, backward.high] == pytest.approx([-forward.high, -forward.low])


def test_a_clear_gain_excludes_zero_and_pairing_finds_a_small_one() -> None:
    """A gain on 12 of 400 images, hidden in the spread of either model alone."""
    generator = np.random.default_rng(0)
    b = generator.random(400) < 0.8
    a = b.copy()
    a[np.flatnonzero(~b)[:12]] = True
    names = [f"{i:03}" for i in range(400)]
    paired = paired_difference(a, b, names)
    alone = paired_difference(a, np.full(400, b.mean()), names)
    assert paired.low is not None and paired.low > 0 and paired.p is not None and paired.p < 0.01
    assert alone.low is not None and alone.low < 0


def test_without_a_difference_p_is_seldom_small() -> None:
    generator = np.random.default_rng(0)
    names = [f"{i:03}" for i in range(120)]
    small = 0
    for trial in range(200):
        a, b = generator.random((2, 120)) < 0.7
        p = paired_difference(a, b, names, resamples=300, seed=trial).p
        small += p is not None and p < 0.05
    assert small <= 20  # 10 expected


def test_shuffling_the_images_changes_nothing(cases: np.ndarray) -> None:
    a, b = np.random.default_rng(5).random((2, 80)) < 0.8
    order = np.random.default_rng(6).permutation(80)
    shuffled = paired_difference(a[order], b[order], cases[order])
    assert shuffled.as_dict() == pytest.approx(paired_difference(a, b, cases).as_dict())


def test_one_case_has_a_value_only() -> None:
    a, b = np.array([1, 1]), np.array([1, 0])
    assert paired_difference(a, b, ["p", "p"]) == Difference(0.5, None, None, None)


def test_arrays_that_do_not_fit_together() -> None:
    with pytest.raises(ValueError, match="each of 3 images"):
        paired_difference(np.ones(2), np.ones(2), ["a", "b", "c"])
