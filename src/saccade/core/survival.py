"""Survival as classification: time is cut into bins, and who was lost from sight counts up to then.

Bins are cut where the events of the training part fall, so that each holds about as many; the last is open.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from saccade.core.errors import BadInput
from saccade.core.manifest import Row


@dataclass(frozen=True)
class TimeBins:
    """Times cut into bins: bin j holds ``edges[j − 1] ≤ time < edges[j]``, the first from 0 on, the last without end.

    >>> bins = TimeBins.of(np.array([2.0, 4.0, 6.0, 8.0, 90.0]), np.array([True, True, True, True, False]), count=2)
    >>> bins.edges, bins.names, bins.numbers(np.array([0.0, 5.0, 90.0])).tolist()
    ((5.0,), ('under 5', '5 or more'), [0, 1, 1])

    Attributes:
        edges: Where a bin ends and the next begins; one less than there are bins, rising.
    """

    edges: tuple[float, ...]

    @classmethod
    def of(cls, times: Float[np.ndarray, " case"], events: Bool[np.ndarray, " case"], count: int = 4) -> "TimeBins":
        """Quantiles of the times at which an event was seen; times of the lost would shift them. Four as published.

        Args:
            times: Until the event, or until the case was lost from sight; of the training part alone.
            events: Whether the event was seen.
            count: Bins to make.

        Raises:
            BadInput: Fewer than two bins, or too few different times for as many.
        """
        if count < 2:
            raise BadInput(f"{count} bins of time tell nothing apart", "ask for at least two")
        seen = times[events]
        edges = np.quantile(seen, np.arange(1, count) / count) if len(seen) else np.zeros(count - 1)
        held = np.bincount(np.searchsorted(edges, seen, side="right"), minlength=count)
        if (held == 0).any() or (np.diff(edges) <= 0).any():
            message = f"{len(np.unique(seen))} different times of events make no {count} bins"
            raise BadInput(message, "ask for fewer bins (data.bins), or train on more cases with an event")
        return cls(tuple(float(edge) for edge in edges))

    def __len__(self) -> int:
        return len(self.edges) + 1

    @property
    def names(self) -> tuple[str, ...]:
        """What each bin is called; the classes of a model of survival."""
        between = [f"{low:g} to {high:g}" for low, high in zip(self.edges, self.edges[1:], strict=False)]
        return (f"under {self.edges[0]:g}", *between, f"{self.edges[-1]:g} or more")

    def numbers(self, times: Float[np.ndarray, " case"]) -> Int[np.ndarray, " case"]:
        """The bin of each time."""
        return np.searchsorted(np.array(self.edges), times, side="right")


def times_and_events(rows: Iterable[Row]) -> tuple[Float[np.ndarray, " row"], Bool[np.ndarray, " row"]]:
    """The columns ``time`` and ``event`` of a manifest.

    Raises:
        BadInput: For the first row that lacks one of them, or whose time is negative.
    """
    rows = list(rows)
    for row in rows:
        _check(row)
    return np.array([row.time for row in rows], float), np.array([row.event for row in rows], bool)


def bins_of(rows: Sequence[Row], count: int = 4) -> TimeBins:
    """The bins that some rows, those of the training part, make."""
    return TimeBins.of(*times_and_events(rows), count)


def _check(row: Row) -> None:
    if row.time is None or row.event is None:
        missing = "time" if row.time is None else "event"
        remedy = "fill in time and event, 1 where the event was seen and 0 where the case was lost from sight"
        raise BadInput(f"the {missing} is missing", remedy, row.place)
    if row.time < 0:
        raise BadInput(f"time {row.time:g} lies before the beginning", "count from the start of observation", row.place)
