"""Kaplan and Meier's curve against an example worked by hand and against its product written out."""

import numpy as np
import pytest

from saccade.evaluation.kaplan_meier import KaplanMeier


def test_an_example_worked_by_hand() -> None:
    """Seven cases; at 6 one event and one lost, who still counts among the five observed just before 6."""
    times = np.array([2.0, 4.0, 6.0, 6.0, 9.0, 9.0, 11.0])
    events = np.array([True, False, True, False, True, True, False])
    curve = KaplanMeier.of(times, events)
    assert curve.times.tolist() == [2, 4, 6, 9, 11]
    after_2, after_6 = 6 / 7, 6 / 7 * 4 / 5
    assert curve.survival == pytest.approx([after_2, after_2, after_6, after_6 * 1 / 3, after_6 * 1 / 3])
    assert curve.at(np.array([0.0, 1.9, 2.0, 5.0, 6.0, 100.0])) == pytest.approx(
        [1, 1, after_2, after_2, after_6, after_6 / 3]
    )
    assert curve.at_risk(np.array([0.0, 2.0, 2.1, 6.0, 9.0, 11.0, 11.1])).tolist() == [7, 7, 6, 5, 3, 1, 0]
    assert curve.lost.tolist() == [4, 6, 11]


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_product_over_the_times_of_events(seed: int) -> None:
    dice = np.random.default_rng(seed)
    times, events = dice.integers(0, 12, 50).astype(float), dice.random(50) < 0.6
    curve = KaplanMeier.of(times, events)
    for asked in np.arange(-0.5, 13, 0.5):
        expected = 1.0
        for moment in sorted({time for time, seen in zip(times, events, strict=True) if seen and time <= asked}):
            observed = sum(time >= moment for time in times)
            expected *= 1 - sum(events[times == moment]) / observed
        assert curve.at(np.array([asked]))[0] == pytest.approx(expected)


def test_without_losses_it_is_the_share_that_is_left() -> None:
    times = np.array([5.0, 1.0, 3.0, 3.0])
    curve = KaplanMeier.of(times, np.full(4, True))
    asked = np.linspace(0, 6, 25)
    assert curve.at(asked) == pytest.approx([(times > each).mean() for each in asked])


def test_of_nobody_nothing_is_drawn_and_nothing_happened() -> None:
    nobody = KaplanMeier.of(np.zeros(0), np.zeros(0, bool))
    assert nobody.at(np.array([3.0])).tolist() == [1] and nobody.at_risk(np.array([0.0])).tolist() == [0]
    assert nobody.times.tolist() == nobody.survival.tolist() == nobody.lost.tolist() == []


def test_where_all_are_lost_the_curve_stays_at_one() -> None:
    curve = KaplanMeier.of(np.array([2.0, 1.0, 2.0]), np.full(3, False))
    assert (curve.times.tolist(), curve.survival.tolist(), curve.lost.tolist()) == ([1, 2], [1, 1], [1, 2, 2])
    assert curve.at(np.array([0.0, 1.0, 9.0])).tolist() == [1, 1, 1]
    assert curve.at_risk(np.array([1.0, 1.5, 2.5])).tolist() == [3, 2, 0]
