"""Label maps: evaluating on another lab's classes.

A map is a table with the columns ``from,to``: what the other lab calls a class, and the model's name for it.
Several names may go to one class. An empty ``to`` leaves those images out, for classes the model never
learned. Names that are the model's own need no row.
"""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int

from saccade.core.errors import BadInput
from saccade.core.tables import load_table

LEFT_OUT = -1


def load_label_map(path: str | Path, classes: Sequence[str]) -> dict[str, str | None]:
    """Load a label map; ``None`` stands for labels to leave out.

    Args:
        path: A table with the columns ``from`` and ``to``.
        classes: The model's class names, which ``to`` must be among.

    Raises:
        BadInput: A missing file or column, a name mapped twice, or a ``to`` that the model does not know.
    """
    table = load_table(path)
    for problem in table.problems:
        raise BadInput(problem.message, problem.remedy, problem.source)
    if not {"from", "to"} <= set(table.columns):
        remedy = "give a label map the header from,to and one row per label"
        raise BadInput("the columns from and to are missing", remedy, str(table.source))
    mapping: dict[str, str | None] = {}
    for row in table.rows:
        name, target, place = row.cells["from"], row.cells["to"], table.place(row.line)
        if not name:
            raise BadInput("the cell from is empty", "name the label to map, or remove the row", place)
        if name in mapping:
            raise BadInput(f"{name!r} is mapped twice", "keep one of the rows", place)
        mapping[name] = _known(target, classes, place)
    return mapping


def map_labels(
    names: Sequence[str],
    classes: Sequence[str],
    mapping: Mapping[str, str | None] | None = None,
    source: str = "",
) -> Int[np.ndarray, " image"]:
    """Turn names into class numbers, ``LEFT_OUT`` (-1) where the map says so.

    A name in the map follows the map, even where it is also a class of the model.

    Args:
        names: Label of each image, in the other lab's words.
        classes: The model's class names.
        mapping: From names to classes; without one, names must be classes.
        source: Where the names are from, for the error.

    Raises:
        BadInput: Names neither in the map nor among the classes; all of them are listed.

    Example:
        >>> mapping = {"NEU": "neutrophil", "artefact": None}
        >>> map_labels(["NEU", "blast", "artefact"], ("neutrophil", "blast"), mapping)
        array([ 0,  1, -1])
    """
    numbers: dict[str | None, int] = {name: number for number, name in enumerate(classes)}
    for name, target in (mapping or {}).items():
        numbers[name] = LEFT_OUT if target is None else list(classes).index(target)
    unknown = sorted(set(names) - numbers.keys())
    if unknown:
        listed = ", ".join(map(repr, unknown))
        raise BadInput(
            f"the model does not know the labels {listed}; its classes are {', '.join(classes)}",
            "give a label map (--labels map.csv) with the columns from,to; an empty to leaves images out",
            source,
        )
    return np.array([numbers[name] for name in names], dtype=np.int64)


def _known(target: str, classes: Sequence[str], place: str) -> str | None:
    """The class a row names, or ``None`` for none."""
    if not target:
        return None
    if target not in classes:
        near = difflib.get_close_matches(target, classes, n=1)
        remedy = f"write {near[0]!r} if that was meant" if near else f"write one of {', '.join(classes)}"
        raise BadInput(f"the model has no class {target!r}", remedy, place)
    return target
