"""Events of an event camera, and their pictures: two counts per pixel over a window of time or of events.

An event says that one pixel became darker or brighter by a set step at one moment. A recording has no frames; binned
over a window it becomes an image of two channels, how often each pixel became darker (channel 0, OFF) and brighter
(channel 1, ON): the channel is the event's polarity.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64, Shaped, UInt8, UInt16

from saccade.core.errors import BadInput

LARGEST_SIDE = 8192
"""Most pixels along a side of a sensor. Today's have 1,280; a damaged file may claim 65,535, an image of gigabytes."""

_SAVE_AGAIN = "record or convert it again"


@dataclass(frozen=True, eq=False)
class Events:
    """A recording, in the order of time; ``make_events`` checks what comes from outside.

    Attributes:
        x: Column of each event.
        y: Row of each event, downwards.
        t: Microseconds, never falling.
        p: Polarity: 0 darker (OFF), 1 brighter (ON).
        height: Rows of the sensor.
        width: Columns of the sensor.
    """

    x: UInt16[np.ndarray, " event"]
    y: UInt16[np.ndarray, " event"]
    t: Int64[np.ndarray, " event"]
    p: UInt8[np.ndarray, " event"]
    height: int
    width: int

    def __len__(self) -> int:
        return len(self.t)


def make_events(
    x: Shaped[np.ndarray, " event"],
    y: Shaped[np.ndarray, " event"],
    t: Shaped[np.ndarray, " event"],
    p: Shaped[np.ndarray, " event"],
    sensor: tuple[int, int] | None = None,
    source: str = "the events",
) -> Events:
    """Events from arrays of one's own, checked: 13 bytes each.

    >>> one = np.array([3]), np.array([1]), np.array([250]), np.array([-1])
    >>> events = make_events(*one)
    >>> events.height, events.width, events.p.tolist()
    (2, 4, [0])

    Args:
        x: Columns; whole numbers of any type.
        y: Rows; likewise.
        t: Microseconds; likewise.
        p: 0 and 1, -1 and +1, or false and true.
        sensor: Height and width; as large as the largest y and x ask for where not given.
        source: Named in errors.

    Raises:
        BadInput: There are no events, other kinds of numbers, places outside the sensor, or times that fall.
    """
    if not len(t):
        raise BadInput("holds no events", _SAVE_AGAIN, source)
    for name, values in (("x", x), ("y", y), ("t", t)):
        _check_whole(name, values, source)
    height, width = sensor if sensor is not None else (int(y.max()) + 1, int(x.max()) + 1)
    if not 0 < height <= LARGEST_SIDE or not 0 < width <= LARGEST_SIDE:
        message = f"tells of a sensor of {width} x {height} pixels, beyond {LARGEST_SIDE} a side"
        raise BadInput(message, _SAVE_AGAIN, source)
    for name, values, length in (("x", x, width), ("y", y, height)):
        if values.min() < 0 or values.max() >= length:
            message = f"{name} runs from {values.min()} to {values.max()}, outside a sensor of {width} x {height}"
            raise BadInput(message, "correct the sensor's size, or remove these events", source)
    if not (t[1:] >= t[:-1]).all():  # not by differences, which wrap around in unsigned numbers
        at = int(np.argmax(t[1:] < t[:-1])) + 1
        raise BadInput(f"time falls from {t[at - 1]} to {t[at]} at event {at}", "sort the events by t", source)
    if t[0] < 0 or int(t[-1]) > np.iinfo(np.int64).max:
        raise BadInput(f"time runs from {t[0]} to {t[-1]} µs", "count microseconds from 0", source)
    return Events(
        x.astype(np.uint16), y.astype(np.uint16), t.astype(np.int64), _polarity(p, source), int(height), int(width)
    )


def bin_events(events: Events, window: slice = slice(None)) -> Float32[np.ndarray, "height width 2"]:
    """Count the events of a window at each pixel: channel 0 those that darken (OFF), channel 1 that brighten (ON).

    Cost: O(events of the window + pixels), in time and in memory.

    Args:
        events: The recording.
        window: Which of its events, as ``windows_by_time`` and ``windows_by_count`` give; all where not given.
    """
    x, y, p = (values[window].astype(np.int64) for values in (events.x, events.y, events.p))
    counts = np.bincount((y * events.width + x) * 2 + p, minlength=events.height * events.width * 2)
    return counts.reshape(events.height, events.width, 2).astype(np.float32)


def windows_by_time(events: Events, microseconds: int) -> Sequence[slice]:
    """Windows of equal time from the first event on; those without an event are left out.

    Raises:
        BadInput: The time is not above zero.
    """
    if microseconds < 1:
        raise BadInput(f"a window of {microseconds} µs has no length", "give at least 1 µs")
    number = (events.t - events.t[:1]) // microseconds
    edges = np.flatnonzero(np.diff(number)) + 1
    return [slice(*pair) for pair in zip([0, *edges.tolist()], [*edges.tolist(), len(events)], strict=True)]


def windows_by_count(events: Events, count: int) -> Sequence[slice]:
    """Windows of equally many events; what is left at the end, fewer than a window, is left out.

    Raises:
        BadInput: The count is not above zero.
    """
    if count < 1:
        raise BadInput(f"a window of {count} events is empty", "give at least 1")
    return [slice(start, start + count) for start in range(0, len(events) - count + 1, count)]


def _check_whole(name: str, values: np.ndarray, source: str) -> None:
    """Refuse what is no whole number; what it stands for would be a guess."""
    if values.dtype.kind not in "iu":
        unit = "microseconds (seconds times 1e6)" if name == "t" else "pixels"
        raise BadInput(f"{name} holds {values.dtype} values", f"save {name} as whole {unit}", source)


def _polarity(p: np.ndarray, source: str) -> np.ndarray:
    """Polarity as 0 and 1."""
    low, high = p.min(), p.max()
    if p.dtype.kind not in "biu" or low < -1 or high > 1 or (low < 0 and (p == 0).any()):
        message = f"polarity p holds {p.dtype} values from {low} to {high}"
        raise BadInput(message, "save it as 0 and 1, or as -1 and +1, in whole numbers", source)
    return (p > 0).astype(np.uint8)
