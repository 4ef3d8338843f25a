"""Events are counted, windowed and checked as plain loops would."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.imaging.events import Events, bin_events, make_events, windows_by_count, windows_by_time


def recording(count: int = 500, height: int = 12, width: int = 17, seed: int = 0) -> Events:
    dice = np.random.default_rng(seed)
    return make_events(
        dice.integers(0, width, count),
        dice.integers(0, height, count),
        np.sort(dice.integers(0, 4000, count)),
        dice.integers(0, 2, count),
        (height, width),
    )


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(0, 30), st.integers(0, 60))
def test_counts_are_those_of_a_loop(seed: int, count: int, start: int, length: int) -> None:
    events, window = recording(count, 3, 5, seed), slice(start, start + length)
    expected = np.zeros((3, 5, 2))
    for x, y, p in zip(events.x[window], events.y[window], events.p[window], strict=True):
        expected[y, x, p] += 1
    counts = bin_events(events, window)
    assert counts.dtype == np.float32
    np.testing.assert_array_equal(counts, expected)


def test_off_comes_first() -> None:
    zeros = np.zeros(3, int)
    counts = bin_events(make_events(zeros, zeros, zeros, np.array([1, 1, -1])))
    assert counts.tolist() == [[[1, 2]]]


@given(st.integers(0, 2**32 - 1), st.integers(1, 5000))
def test_windows_of_time_are_those_of_a_loop(seed: int, microseconds: int) -> None:
    events = recording(80, seed=seed)
    expected: dict[int, list[int]] = {}
    for index, t in enumerate(events.t.tolist()):
        expected.setdefault((t - int(events.t[0])) // microseconds, []).append(index)
    windows = windows_by_time(events, microseconds)
    assert [list(range(window.start, window.stop)) for window in windows] == list(expected.values())
    total = sum(bin_events(events, window) for window in windows)
    np.testing.assert_array_equal(total, bin_events(events))


def test_a_long_silence_costs_nothing() -> None:
    zeros = np.zeros(3, int)
    events = make_events(zeros, zeros, np.array([0, 5, 2**60]), zeros)
    assert windows_by_time(events, 10) == [slice(0, 2), slice(2, 3)]


def test_windows_of_equally_many_events() -> None:
    events = recording(10)
    assert windows_by_count(events, 4) == [slice(0, 4), slice(4, 8)]
    assert windows_by_count(events, 5) == [slice(0, 5), slice(5, 10)]
    assert windows_by_count(events, 11) == []


def test_windows_without_length() -> None:
    with pytest.raises(BadInput, match="no length"):
        windows_by_time(recording(), 0)
    with pytest.raises(BadInput, match="empty"):
        windows_by_count(recording(), 0)


@pytest.mark.parametrize("values", [np.array([False, True]), np.array([0, 1], np.int8), np.array([-1, 1], np.int16)])
def test_polarities(values: np.ndarray) -> None:
    zeros = np.zeros(2, np.uint16)
    assert make_events(zeros, zeros, zeros, values).p.tolist() == [0, 1]


def test_the_sensor_is_as_large_as_the_events_ask_for() -> None:
    events = make_events(np.array([4, 0]), np.array([1, 2]), np.array([0, 0]), np.array([0, 1]))
    assert (events.height, events.width) == (3, 5)


ZEROS, RISING = np.zeros(3, int), np.arange(3)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"t": np.array([0, 5, 4])}, "time falls from 5 to 4 at event 2. Sort the events by t"),
        ({"t": np.array([0, 5, 4], np.uint64)}, "time falls from 5 to 4"),
        ({"t": np.array([-1, 0, 1])}, "time runs from -1 to 1 µs. Count"),
        ({"t": np.array([0, 1, 2**64 - 1], np.uint64)}, "time runs from 0 to"),
        ({"t": np.array([0.0, 0.1, 0.2])}, "whole microseconds"),
        ({"x": np.array([0.5, 1, 2])}, "Save x as whole pixels"),
        ({"x": np.array([-1, 1, 2])}, "x runs from -1 to 2"),
        ({"y": np.array([0, 1, 9])}, "outside a sensor of 4 x 4"),
        ({"p": np.array([0, 1, 2])}, "from 0 to 2"),
        ({"p": np.array([-1, 0, 1])}, "as -1 and"),
        ({"p": np.array([0.0, 1, 1])}, "whole numbers"),
        ({"sensor": (0, 4)}, "sensor of 4 x 0"),
        ({"sensor": None, "x": np.array([0, 1, 65535])}, "beyond 8192"),
        (dict.fromkeys("xytp", ZEROS[:0]), "holds no events"),
    ],
)
def test_what_cannot_be(changed: dict, said: str) -> None:
    given = {"x": RISING, "y": RISING, "t": RISING, "p": ZEROS, "sensor": (4, 4), **changed}
    with pytest.raises(BadInput, match=said) as caught:
        make_events(**given, source="a.npy")
    assert str(caught.value).startswith("a.npy: ")
