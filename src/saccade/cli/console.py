"""What the verbs print with: lines, tables and progress, on a terminal or in a log."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

Progress = Callable[[int, int], None]
"""Told how many of how many are done."""

_LOG_WIDTH = 160  # columns where there is no terminal to ask
_SECONDS_BETWEEN_LINES = 10.0


def say(line: str) -> None:
    """Print a line of what was done."""
    typer.echo(line)


def warn(line: str) -> None:
    """Print a line about something that went wrong without stopping the work."""
    typer.echo(line, err=True)


def show_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], title: str = "", right: Sequence[str] = ()
) -> None:
    """Print a table; the columns named in ``right`` are aligned to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else _LOG_WIDTH).print(table)


def with_interval(found: Mapping[str, float | None], form: str = ".3f") -> str:
    """A figure of ``metrics.json`` in words, with its interval where it has one.

    >>> with_interval({"value": 0.71, "low": 0.6, "high": 0.8}), with_interval({"value": 0.5, "low": None}, ".1%")
    ('0.710 (0.600 to 0.800)', '50.0%')
    >>> with_interval({"value": None, "low": None, "high": None})
    'not defined'

    Args:
        found: ``value``, ``low`` and ``high``; ``None`` where it is not defined.
        form: How numbers are written.
    """
    if found["value"] is None:
        return "not defined"
    bounds = "" if found["low"] is None else f" ({found['low']:{form}} to {found['high']:{form}})"
    return f"{found['value']:{form}}{bounds}"


@contextmanager
def progress(what: str) -> Iterator[Progress]:
    """Show progress on the standard error stream: a bar on a terminal, else a line every ten seconds.

    The bar goes away as soon as all is done, so that what the same block does next can show a bar of its own.
    """
    if not sys.stderr.isatty():
        yield _lines(what)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _closing(bar, bar.add_task(what, total=None))


def _closing(bar: "Bar", task: "TaskID") -> Progress:
    def tell(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total)
        if done >= total:
            bar.stop()

    return tell


def _lines(what: str) -> Progress:
    last = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            warn(f"{what}: {done} of {total}")

    return tell
