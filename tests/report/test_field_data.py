"""Field examples and rows of runs from plain values."""

from saccade.evaluation.intervals import Interval
from saccade.report.field_data import RunRow
from tests.report.miniature import field_examples


def test_examples_know_whether_they_are_right() -> None:
    assert [one.right for one in field_examples()] == [True, False, True]


def test_a_run_from_its_metrics() -> None:
    metrics = {
        "accuracy": {"value": 0.5, "low": 0.4, "high": 0.6},
        "cost": {"pixels_read_fraction": 0.02, "pixels_looked_fraction": 0.04, "parameters": 1},
    }
    row = RunRow.of("a", metrics, {"patch": 50, "budget": 20, "factor": 5})
    assert row == RunRow("a", 50, 20, Interval(0.5, 0.4, 0.6), 0.02, 0.04)
    bare = {"accuracy": {"value": 0.5, "low": None, "high": None}}
    assert RunRow.of("b", bare, {}) == RunRow("b", None, None, Interval(0.5, None, None))
