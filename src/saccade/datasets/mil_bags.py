"""The classic bags of multiple-instance learning, as a table: Musk, Elephant, Fox, Tiger.

Dietterich, Lathrop, Lozano-Pérez, "Solving the multiple instance problem with axis-parallel rectangles", Artificial
Intelligence 89, 1997 (Musk); Andrews, Tsochantaridis, Hofmann, "Support vector machines for multiple-instance
learning", NeurIPS 2002 (the three of images). One row per instance, without a header: the label of its bag, the number
of its bag, then its features. The instances have no places.
"""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import torch

from saccade.core.bags import Bags
from saccade.core.errors import BadInput

_LEAST_COLUMNS = 3


@dataclass(frozen=True, eq=False)
class MilBags:
    """Bags with their classes.

    Attributes:
        bags: The instances, bag by bag. Their cells are a row, in the file's order, for want of places: SPAN needs
            places, so these are for models that take a bag as a set.
        names: Of each bag, as the file numbers it.
        classes: The labels that occur, in the order of their numbers.
        labels: Of each bag, as its place among the classes.
    """

    bags: Bags
    names: tuple[str, ...]
    classes: tuple[str, ...]
    labels: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.names)


@dataclass
class _Growing:
    """A bag as its rows come in; they need not follow each other."""

    label: int
    row: int
    instances: list[list[float]]


def load_mil_bags(path: Path | str) -> MilBags:
    """Load a table of classic bags.

    >>> _ = Path("three.csv").write_text(chr(10).join(["1,b7,0.5,2", "0,b9,1,1", "1,b7,3,4"]))
    >>> three = load_mil_bags("three.csv")
    >>> three.names, three.classes, three.labels, three.bags.lengths
    (('b7', 'b9'), ('0', '1'), (1, 0), (2, 1))
    >>> three.bags[0].features.tolist(), three.bags[0].cells.tolist()
    ([[0.5, 2.0], [3.0, 4.0]], [[0, 0], [1, 0]])

    Raises:
        BadInput: Naming the file and the row: missing, empty, a row of another length, what is no number, or a bag
            with two labels.
    """
    path = Path(path)
    found: dict[str, _Growing] = {}
    columns = 0
    for number, cells in _rows(path):
        columns = columns or len(cells)
        source = f"{path}, row {number}"
        if len(cells) != columns or columns < _LEAST_COLUMNS:
            message = f"has {len(cells)} columns, not {max(columns, _LEAST_COLUMNS)}"
            raise BadInput(message, "write a label, a bag and its features in every row", source)
        label, name = _label(cells[0], source), cells[1].strip()
        bag = found.setdefault(name, _Growing(label, number, []))
        if bag.label != label:
            message = f"gives bag {name!r} the label {label}, row {bag.row} the label {bag.label}"
            raise BadInput(message, "give all rows of a bag one label", source)
        bag.instances.append([_number(cell, column, source) for column, cell in enumerate(cells[2:], 3)])
    if not found:
        raise BadInput("the table is empty", "give rows of label, bag, features", str(path))
    return _bagged(found)


def _bagged(found: dict[str, _Growing]) -> MilBags:
    labels = sorted({bag.label for bag in found.values()})
    features = torch.tensor([instance for bag in found.values() for instance in bag.instances])
    lengths = tuple(len(bag.instances) for bag in found.values())
    column = torch.cat([torch.arange(length) for length in lengths])
    bags = Bags(features, torch.stack([column, torch.zeros_like(column)], dim=1), lengths)
    numbers = tuple(labels.index(bag.label) for bag in found.values())
    return MilBags(bags, tuple(found), tuple(map(str, labels)), numbers)


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """The rows with something in them, and their numbers."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return [(number, row) for number, row in enumerate(csv.reader(text.splitlines(), strict=True), 1) if row]
    except FileNotFoundError:
        raise BadInput("there is no such file", "check the path", str(path)) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"is no CSV table ({error})", "give rows of label, bag, features", str(path)) from error


def _label(cell: str, source: str) -> int:
    value = _number(cell, 1, source)
    if value != int(value):
        raise BadInput(f"{cell.strip()!r} in column 1 is no label", "give labels as whole numbers", source)
    return int(value)


def _number(cell: str, column: int, source: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        remedy = "give numbers from the first row on, without a header"
        raise BadInput(f"{cell.strip()!r} in column {column} is no number", remedy, source)
    return value
