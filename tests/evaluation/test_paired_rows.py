"""Rows of a bench are compared only where they were tested on the same images, with the same kind of recipe."""

from typing import Any

import numpy as np
import pytest

from saccade.evaluation.comparison import paired_difference
from saccade.evaluation.intervals import Interval
from saccade.evaluation.paired_rows import mean_accuracy, paired_lines

CASES = [f"p{number}" for number in range(40)]
GENERATOR = np.random.default_rng(0)


def row(model: str, seed: int | None, share: float, changes: tuple[str, ...] = ()) -> dict[str, Any]:
    right = (GENERATOR.random(len(CASES)) < share).astype(int).tolist()
    return {"model": model, "seed": seed, "changes": list(changes), "right": right, "cases": CASES}


def test_the_first_is_set_against_each_other_over_common_seeds() -> None:
    ours, theirs = [row("ours", seed, 0.9) for seed in (0, 1, 2)], [row("theirs", seed, 0.5) for seed in (0, 1)]
    (line,) = paired_lines([*ours, *theirs])
    found = paired_difference(*(np.array([one["right"] for one in ones[:2]]) for ones in (ours, theirs)), CASES)
    assert found.low is not None and found.high is not None
    figures = [100 * each for each in (found.value, found.low, found.high)]
    assert line == "ours less theirs: {:+.1f} points ({:+.1f} to {:+.1f}), 2 seeds".format(*figures)


@pytest.mark.parametrize(
    "other",
    [
        {"seed": None, "right": None},
        {"changes": ["training.epochs=4"]},
        {"cases": CASES[::-1]},
        {"seed": 7},
    ],
    ids=["not trained", "a quick look", "other images", "no common seed"],
)
def test_what_cannot_be_compared_is_passed_over(other: dict[str, Any]) -> None:
    assert paired_lines([row("ours", 0, 0.9), {**row("theirs", 0, 0.5), **other}]) == []


def test_accuracy_is_that_of_one_seed_or_the_mean_of_several() -> None:
    one = {**row("ours", 0, 0.9), "accuracy": {"value": 0.9, "low": 0.8, "high": 1.0}}
    other = {**row("ours", 1, 0.5), "accuracy": {"value": 0.5, "low": 0.4, "high": 0.6}}
    assert mean_accuracy([one]) == Interval(0.9, 0.8, 1.0)
    found, right = mean_accuracy([one, other]), np.array([one["right"], other["right"]])
    assert found.value == pytest.approx(right.mean())
    assert found.low is not None and found.high is not None and found.low < right.mean() < found.high
    for without in ({"right": []}, {"cases": CASES[::-1]}):
        assert mean_accuracy([one, {**other, **without}]) == Interval(0.7, None, None)


def test_too_few_cases_are_said_to_be() -> None:
    few = {"cases": ["a", "b", "c", "d"], "right": [1, 1, 1, 0]}
    ours, theirs = {**row("ours", 0, 1), **few}, {**row("theirs", 0, 1), **few, "right": [1, 0, 0, 0]}
    assert paired_lines([ours, theirs]) == ["ours less theirs: +50.0 points (too few cases for an interval), 1 seed"]


def test_no_rows_are_no_lines() -> None:
    assert paired_lines([]) == []
