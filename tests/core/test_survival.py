"""Bins of time, from the times of events."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.core.manifest import Row
from saccade.core.survival import TimeBins, bins_of, times_and_events

TIMES = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 500.0, 600.0])
EVENTS = np.array([True] * 8 + [False] * 2)


def test_each_bin_holds_as_many_events() -> None:
    bins = TimeBins.of(TIMES, EVENTS, 4)
    assert len(bins) == 4
    assert np.bincount(bins.numbers(TIMES[EVENTS])).tolist() == [2, 2, 2, 2]
    generator = np.random.default_rng(0)
    many, seen = generator.exponential(30, 1000), generator.random(1000) < 0.6
    counts = np.bincount(TimeBins.of(many, seen, 5).numbers(many[seen]))
    assert counts.max() - counts.min() <= 1


def test_the_lost_do_not_shift_the_bins_and_fall_into_the_open_one() -> None:
    with_lost, without = TimeBins.of(TIMES, EVENTS), TimeBins.of(TIMES[EVENTS], EVENTS[EVENTS])
    assert with_lost == without
    assert with_lost.numbers(TIMES)[-2:].tolist() == [3, 3]


def test_a_bin_begins_with_its_edge() -> None:
    bins = TimeBins((2.0, 5.0))
    assert bins.numbers(np.array([0.0, 1.999, 2.0, 4.999, 5.0, 1e9])).tolist() == [0, 0, 1, 1, 2, 2]
    assert bins.names == ("under 2", "2 to 5", "5 or more")
    assert len(set(TimeBins.of(TIMES, EVENTS, 4).names)) == 4


@pytest.mark.parametrize("count", [1, 9])
def test_too_many_bins_or_too_few_are_refused(count: int) -> None:
    with pytest.raises(BadInput, match="bins"):
        TimeBins.of(TIMES, EVENTS, count)


def test_events_all_at_one_time_or_none_make_no_bins() -> None:
    with pytest.raises(BadInput, match="1 different times"):
        TimeBins.of(np.full(6, 3.0), np.full(6, True), 2)
    with pytest.raises(BadInput, match="0 different times"):
        TimeBins.of(TIMES, np.full(10, False), 2)


def test_the_columns_of_a_manifest() -> None:
    rows = [
        Row(Path(f"{n}.svs"), "", time=float(t), event=bool(e), line=n + 2)
        for n, (t, e) in enumerate(zip(TIMES, EVENTS, strict=True))
    ]
    times, events = times_and_events(rows)
    assert times.tolist() == TIMES.tolist()
    assert events.tolist() == EVENTS.tolist()
    assert bins_of(rows, 4) == TimeBins.of(TIMES, EVENTS, 4)
    for wrong, match in (({"time": None}, "time is"), ({"event": None}, "event is"), ({"time": -1.0}, "before")):
        with pytest.raises(BadInput, match=match) as refused:
            times_and_events([*rows, replace(rows[0], **wrong)])
        assert "row 2" in str(refused.value)
