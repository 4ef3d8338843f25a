"""The table of segmented slides: one CSV row each, written as results come and named only when it is whole."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from jaxtyping import Int

from saccade.core.files import AddRow, atomic_table
from saccade.core.manifest import Row
from saccade.inference.segmentation_predictor import SegmentationResult

Counts = Int[np.ndarray, "true predicted"]
"""Labelled patches by true and predicted class."""


class SegmentationTable:
    """Writes results as rows ``path,patches,share_<class>…,error``; shares are of the patches of tissue.

    Where annotations are known, ``labelled`` (patches with a true class), ``true_<class>`` and ``predicted_<class>``
    (shares of these), ``dice`` (mean over the classes but the first) and ``case_id`` come before the error.
    """

    def __init__(self, add: AddRow, classes: Sequence[str], known: bool) -> None:
        self._add, self._classes, self._known = add, classes, known
        shares = (f"share_{name}" for name in classes)
        self._add(("path", "patches", *shares, *(self._truth_columns() if known else ()), "error"))

    def add(
        self,
        result: SegmentationResult,
        row: Row | None = None,
        counts: Int[np.ndarray, "true predicted"] | None = None,
    ) -> None:
        """Append a row; without counts the slide could not be opened."""
        patches = "" if result.error else str(len(result.boxes))
        shares = [shown(share) for share in result.shares.values()] or [""] * len(self._classes)
        truth: list[str] = []
        if self._known:
            assert row is not None
            cells = [""] * (2 * len(self._classes) + 2) if counts is None else _compared(counts)
            truth = [*cells, row.case_id]
        self._add((row.name if row else result.name, patches, *shares, *truth, result.error))

    def _truth_columns(self) -> tuple[str, ...]:
        both = (f"{kind}_{name}" for kind in ("true", "predicted") for name in self._classes)
        return ("labelled", *both, "dice", "case_id")


def _compared(counts: Counts) -> list[str]:
    """The cells of a slide that has an annotation."""
    total = int(counts.sum())
    if not total:
        return ["0", *[""] * (2 * len(counts) + 1)]
    right, either = counts.diagonal(), counts.sum(1) + counts.sum(0)
    dice = [2 * one / both for one, both in zip(right[1:], either[1:], strict=True) if both]
    shares = [*(counts.sum(1) / total), *(counts.sum(0) / total)]
    return [str(total), *(shown(share) for share in shares), shown(sum(dice) / len(dice)) if dice else ""]


def shown(value: float) -> str:
    """A number for the table; unknown is an empty cell."""
    return "" if math.isnan(value) else f"{value:.6g}"


@contextmanager
def segmentation_table(path: Path | str, classes: Sequence[str], known: bool = False) -> Iterator[SegmentationTable]:
    """Open a table to add results to; an existing file is replaced once the new one is whole.

    Args:
        path: The CSV file.
        classes: Names of the classes, what is none of the others first.
        known: Whether rows come with what was annotated.
    """
    with atomic_table(path) as add:
        yield SegmentationTable(add, classes, known)
