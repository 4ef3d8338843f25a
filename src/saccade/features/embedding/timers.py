"""Where a slide's time goes: seconds per stage, added up over threads."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class Timers:
    """Seconds by stage. Stages of several threads overlap, so their sum may exceed what passed on the clock.

    >>> timers = Timers()
    >>> with timers("read"):
    ...     pass
    >>> sorted(timers.seconds())
    ['read', 'wall']
    """

    def __init__(self) -> None:
        self._seconds: dict[str, float] = defaultdict(float)
        self._lock, self._start = Lock(), time.perf_counter()

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Count the time of a block."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            with self._lock:
                self._seconds[stage] += spent

    def seconds(self) -> dict[str, float]:
        """All stages so far, and ``wall``, what has passed since the start; rounded to a tenth of a millisecond."""
        wall = time.perf_counter() - self._start
        return {stage: round(value, 4) for stage, value in {**self._seconds, "wall": wall}.items()}
