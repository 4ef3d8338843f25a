"""Seconds of the stages of a study that is stopped and gone on with."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from saccade.core.files import write_json


class Clock:
    """Seconds of each stage, kept in a file; what was stopped midway and is done again counts once.

    Args:
        path: The file, of this run or an earlier one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds: dict[str, float] = json.loads(path.read_text()) if path.is_file() else {}
        self._step, self._start = "", 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what is done inside."""
        start = time.perf_counter()
        yield
        self._add(name, time.perf_counter() - start)

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
            self._add(self._step, time.perf_counter() - self._start)
        self._step, self._start = "", time.perf_counter()

    def _add(self, name: str, seconds: float) -> None:
        self.seconds[name] = round(self.seconds.get(name, 0.0) + seconds, 2)
        write_json(self.path, self.seconds)
