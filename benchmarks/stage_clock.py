"""Time of the stages of a study that is stopped and gone on with."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from saccade.core.files import write_json


class Clock:
    """Seconds of each stage, on the clock and of the processor, kept in a file.

    The latter are all threads' of this process, and what the stage would take on one idle core. What was stopped midway
    and is done again counts once.

    Args:
        path: The file, of this run or an earlier one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds: dict[str, dict[str, float]] = json.loads(path.read_text()) if path.is_file() else {}
        self._step, self._start = "", _now()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what is done inside."""
        start = _now()
        yield
        self._add(name, start)

    def told(self, line: str) -> None:
        """A step of the cross-validation ends and another begins: its trainings and tests count for their model."""
        self.ended()
        print(time.strftime("%H:%M:%S"), line, flush=True)
        if line.startswith("training "):
            self._step = line.split("/")[1]
        elif ": testing" in line:
            self._step = line.split(", ")[1].partition(":")[0]

    def ended(self) -> None:
        """The last step has ended."""
        if self._step:
            self._add(self._step, self._start)
        self._step, self._start = "", _now()

    def _add(self, name: str, start: tuple[float, float]) -> None:
        before = self.seconds.get(name, {"clock": 0.0, "processor": 0.0})
        passed = (now - then for now, then in zip(_now(), start, strict=True))
        self.seconds[name] = {key: round(before[key] + more, 2) for key, more in zip(before, passed, strict=True)}
        write_json(self.path, self.seconds)


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()
