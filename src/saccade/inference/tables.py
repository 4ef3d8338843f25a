"""The predictions table: one CSV row per image, written as the results come and named only when it is whole."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from saccade.core.files import AddRow, atomic_table
from saccade.inference.result import Result


class PredictionTable:
    """Writes results as rows ``path,predicted,p_<class>…,pixels_read_fraction,pixels_looked_fraction,error``.

    What nobody counted is an empty cell. Where the truth is known, ``label`` and ``case_id`` come before the fractions.
    """

    def __init__(self, add: AddRow, classes: Sequence[str], labelled: bool) -> None:
        self._add, self._classes, self._labelled = add, classes, labelled
        truth = ("label", "case_id") if labelled else ()
        fractions = ("pixels_read_fraction", "pixels_looked_fraction")
        self._add(("path", "predicted", *(f"p_{name}" for name in classes), *truth, *fractions, "error"))

    def add(self, result: Result, label: str = "", case_id: str = "", path: str = "") -> None:
        """Append a row; ``path`` stands in for the result's own name."""
        truth = (label, case_id) if self._labelled else ()
        values: tuple[str, ...] = ("",) * (len(self._classes) + 2)
        if result.prediction is not None:
            cost = result.prediction.cost
            numbers = (*result.prediction.probabilities[0], cost.pixels_read_fraction, cost.pixels_looked_fraction)
            values = tuple("" if math.isnan(number) else f"{float(number):.6g}" for number in numbers)
        chances, fractions = values[:-2], values[-2:]
        self._add((path or result.name, result.label, *chances, *truth, *fractions, result.error))


@contextmanager
def prediction_table(path: Path | str, classes: Sequence[str], labelled: bool = False) -> Iterator[PredictionTable]:
    """Open a table to add results to; an existing file is replaced once the new one is whole.

    Args:
        path: The CSV file.
        classes: Names of the classes.
        labelled: Whether rows come with their true label and case.
    """
    with atomic_table(path) as add:
        yield PredictionTable(add, classes, labelled)
