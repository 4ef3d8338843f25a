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
    ['read']
    """

    def __init__(self) -> None:
        self._seconds: dict[str, float] = defaultdict(float)
        self._lock = Lock()

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
        """All stages so far, rounded to a tenth of a millisecond."""
        with self._lock:
            return {stage: round(value, 4) for stage, value in self._seconds.items()}
