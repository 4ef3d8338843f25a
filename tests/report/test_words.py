"""Numbers as they are written."""

import pytest

from saccade.evaluation.intervals import Interval
from saccade.report.words import amount, number_interval, percent, percent_interval


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (7, "7"),
        (999, "999"),
        (999.7, "1.00 k"),
        (9_999, "10.0 k"),
        (61_234, "61.2 k"),
        (99_960, "100 k"),
        (999_700, "1.00 M"),
        (1.23e9, "1.23 G"),
        (5e12, "5.00 T"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_amount(value: float | None, text: str) -> None:
    assert amount(value) == text


def test_amount_with_a_unit() -> None:
    assert amount(81_000_000, "B") == "81.0 MB"
    assert amount(12, "B") == "12 B"


def test_intervals_and_their_absence() -> None:
    assert percent(float("nan")) == percent(None) == "–"
    assert percent_interval(Interval(0.5, None, None)) == "50.0 %"
    assert percent_interval(Interval(None, None, None)) == percent_interval(None) == "–"
    assert number_interval(Interval(-0.1, -0.2, 0.05)) == "-0.100 (-0.200 to 0.050)"
    assert number_interval(None) == "–"
