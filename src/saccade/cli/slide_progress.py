"""Progress over slides, of which each has patches: two bars on a terminal, else a line per slide."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saccade.cli.console import say, warn

if TYPE_CHECKING:
    from saccade.features.embedding.job import Item
    from saccade.features.embedding.state import SlideState


class SlideProgress:
    """Told of slides that begin and end; a slide without a bag gets its line at once, on the error stream.

    Args:
        total: Slides to come.
        bar: Where there is a terminal.
    """

    def __init__(self, total: int, bar: Any = None) -> None:
        self.total, self.bar, self.ended = total, bar, 0
        self._slides, self._patches = (bar.add_task(name, total=total) for name in ("slides", "")) if bar else (0, 0)

    def begin(self, item: "Item") -> Callable[[int, int], None]:
        """A slide's patches are about to be read; returns whom to tell of them."""
        if self.bar is None:
            return lambda done, total: None
        self.bar.reset(self._patches, description=item.slide.name)
        return lambda done, total: self.bar.update(self._patches, completed=done, total=total)

    def end(self, state: "SlideState") -> None:
        """A slide is done with, whatever became of it."""
        self.ended += 1
        if not state.finished:
            named = Path(state.slide).name in state.error  # most errors name the file
            warn(f"{state.status}: {state.error if named else f'{state.slide}: {state.error}'}")
        elif self.bar is None:
            speed = f"{state.patches or 0} patches in {state.seconds.get('wall', 0):.1f} s"
            say(f"{self.ended}/{self.total} {state.slide}: {state.status}, {speed}")
        if self.bar is not None:
            self.bar.update(self._slides, completed=self.ended)


@contextmanager
def slide_progress(total: int) -> Iterator[SlideProgress]:
    """Show progress while the block runs."""
    if not sys.stderr.isatty() or total == 0:
        yield SlideProgress(total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        yield SlideProgress(total, bar)
