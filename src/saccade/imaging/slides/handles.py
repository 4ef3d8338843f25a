"""Open slide files of a process, a few at a time: the one that was used longest ago makes room."""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from saccade.imaging.slides.processes import PerProcess
from saccade.imaging.slides.reader import SlideReader

MAX_HANDLES = 16
"""Slides that stay open in a process; each holds one or more file descriptors, of which systems allow 256 to 1024."""

MAX_HELD = 2**29
"""Bytes that open slides may keep in memory between them; one alone may keep more."""


class Handles:
    """At most ``limit`` open readers by their path, that keep at most ``MAX_HELD`` bytes.

    A reader that makes room is not closed but let go, so that a thread still reading with it can finish; it closes
    with the last reference.
    """

    def __init__(self, limit: int = MAX_HANDLES) -> None:
        self.limit = limit
        self._open: OrderedDict[Path, SlideReader] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, path: Path) -> bool:
        return path in self._open

    def reader(self, path: Path, opened: Callable[[Path], SlideReader]) -> SlideReader:
        """The reader of a path; ``opened`` makes one where there is none. Two threads may open one file twice."""
        with self._lock:
            if path in self._open:
                self._open.move_to_end(path)
                return self._open[path]
        self.keep(path, reader := opened(path))
        return reader

    def keep(self, path: Path, reader: SlideReader) -> None:
        """Keep this reader for a path, in place of any other."""
        with self._lock:
            self._open[path] = reader
            self._open.move_to_end(path)
            while len(self._open) > self.limit or (len(self._open) > 1 and self._held() > MAX_HELD):
                self._open.popitem(last=False)

    def drop(self, path: Path) -> None:
        """Let the reader of a path go, if there is one."""
        with self._lock:
            self._open.pop(path, None)

    def _held(self) -> int:
        return sum(reader.held for reader in self._open.values())


HANDLES = PerProcess(Handles)
"""The handles of this process."""
