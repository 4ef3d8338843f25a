"""The table of predicted risks: one CSV row per slide, written as results come and named only when it is whole."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from saccade.core.files import AddRow, atomic_table
from saccade.core.manifest import Row
from saccade.inference.survival_predictor import SurvivalResult


class SurvivalTable:
    """Writes results as rows ``path,risk,s_<bin>…,error``; ``s_`` is the probability that the event comes later.

    Where the truth is known, ``time``, ``event`` and ``case_id`` come before the error.
    """

    def __init__(self, add: AddRow, bins: Sequence[str], known: bool) -> None:
        self._add, self._bins, self._known = add, bins, known
        truth = ("time", "event", "case_id") if known else ()
        self._add(("path", "risk", *(f"s_{name}" for name in bins), *truth, "error"))

    def add(self, result: SurvivalResult, row: Row | None = None) -> None:
        """Append a row; what the table says of the slide stands in for the result's own name."""
        numbers = [""] * (len(self._bins) + 1)
        if result.prediction is not None:
            numbers = [f"{value:.6g}" for value in (result.risk, *result.survival.values())]
        truth: tuple[str, ...] = ()
        if self._known:
            assert row is not None and row.time is not None
            truth = (f"{row.time:.12g}", str(int(bool(row.event))), row.case_id)
        self._add((row.name if row else result.name, *numbers, *truth, result.error))


@contextmanager
def survival_table(path: Path | str, bins: Sequence[str], known: bool = False) -> Iterator[SurvivalTable]:
    """Open a table to add results to; an existing file is replaced once the new one is whole.

    Args:
        path: The CSV file.
        bins: Names of the bins of time.
        known: Whether rows come with their true time and event.
    """
    with atomic_table(path) as add:
        yield SurvivalTable(add, bins, known)
