"""The folder a training leaves behind, as an object: its model, recipe, history and split."""

import csv
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from saccade.core.errors import BadInput
from saccade.core.manifest import PARTS, part_of
from saccade.core.splits import load_splits
from saccade.core.tables import load_table
from saccade.models.packaging import Package, load_model


@dataclass(frozen=True, eq=False)
class Run:
    """What a run folder holds, each part opened when it is first asked for.

    A folder with a model alone (from the hub, say) is a run too: its recipe, history and splits are empty.
    """

    folder: Path

    @classmethod
    def open(cls, folder: Path | str) -> "Run":
        """Open a run folder and its model.

        Raises:
            BadInput: There is no model in it, or it is damaged.
        """
        run = cls(Path(folder))
        _ = run.package
        return run

    @property
    def report(self) -> Path:
        """Where the report is."""
        return self.folder / "report.html"

    @cached_property
    def package(self) -> Package:
        """The model, in evaluation mode on the CPU, and its preprocessing."""
        return load_model(self.folder)

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """The resolved recipe as plain values."""
        path = self.folder / "recipe.yaml"
        if not path.is_file():
            return {}
        try:
            recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise BadInput(f"is not valid YAML ({error})", "restore it from the training", str(path)) from error
        return recipe if isinstance(recipe, dict) else {}

    @cached_property
    def history(self) -> list[dict[str, float]]:
        """One row of numbers per epoch; a cell that is empty or no number is NaN."""
        return _numbers(self.folder / "history.csv")

    @cached_property
    def budgets(self) -> list[dict[str, float]]:
        """One row per share of the pixels that a search for the budget tried; none where there was no search."""
        return _numbers(self.folder / "budgets.csv")

    @cached_property
    def splits(self) -> dict[str, str]:
        """The part (train, val or test) of each image by its name in the data set."""
        path = self.folder / "splits.csv"
        return load_splits(path) if path.is_file() else {}

    @cached_property
    def cases(self) -> dict[str, str]:
        """The part of each case, as far as cases are known."""
        path = self.folder / "splits.csv"
        return _load_cases(path) if path.is_file() else {}

    @property
    def trained_on(self) -> Path | None:
        """Where the data was that the run was trained on."""
        path = self.recipe.get("data", {}).get("path")
        return Path(path) if path else None


def _load_cases(path: Path) -> dict[str, str]:
    """The part of each case in a ``splits.csv``; of a case in several, the one that was learned from most."""
    table = load_table(path)
    known = [row for row in table.rows if row.cells.get("case_id")]
    parts = [(row.cells["case_id"], part_of(row.cells.get("split", ""), table.place(row.line))) for row in known]
    return {case: part for wanted in reversed(PARTS) for case, part in parts if part == wanted}


def _numbers(path: Path) -> list[dict[str, float]]:
    """The rows of a table of numbers; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [{name: _number(text) for name, text in row.items()} for row in csv.DictReader(file)]


def _number(text: Any) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        return math.nan
