"""The rows of a bench on disk: their form, what they are rows of, and whether they still belong together.

A row tells by which version of saccade it was made, with which recipe and on which data, so that a bench that goes on
does not put figures of different things side by side.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator

import saccade
from saccade.core.errors import BadInput
from saccade.training.recipe import Recipe, dotted

Key = tuple[str, int | None, str, tuple[str, ...]]
"""What a row is of: model, seed, data, changes."""

_PLACES = ("path", "features")  # of the section data: where it lies, which its fingerprint does not depend on
_ALIKE = 1e-4  # shares of the pixels that differ by less are one: a site of a small image is ten times as much
_REMEDY = "choose another --out"


class _Form(BaseModel):
    """Values are what they are, and whatever else is there stays."""

    model_config = ConfigDict(extra="allow", strict=True)


class _Interval(_Form):
    value: float | None
    low: float | None = None
    high: float | None = None


class _Network(_Form):
    classes: list[str]
    options: dict[str, Any]
    shape: list[int]


class _Row(_Form):
    """What the bench, its table and its picture need of a row: a cost, or the network whose cost is to be measured."""

    model: str
    seed: int | None
    data: str
    changes: list[str] = []
    accuracy: _Interval | None
    parameters: int
    pixels_read_fraction: float | None
    pixels_looked_fraction: float | None
    network: _Network | None = None
    flops_per_image: float | None = None
    images_per_second: dict[str, float] | None = None
    peak_memory_bytes: int | None = None
    right: list[int] = []
    cases: list[str] = []

    @model_validator(mode="after")
    def _whole(self) -> "_Row":
        if self.network is None and (self.flops_per_image is None or not self.images_per_second):
            raise ValueError("has neither a cost nor a network")
        if len(self.right) != len(self.cases):
            raise ValueError("does not tell the case of each image")
        return self


def load_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of an earlier bench; none where there is no file.

    Raises:
        BadInput: The file holds something else, or a row that lacks what the bench needs of it.
    """
    if not path.exists():
        return []
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"cannot be continued ({error})", _REMEDY, str(path)) from error
    try:
        TypeAdapter(list[_Row]).validate_python(rows)
    except ValidationError as error:
        raise BadInput(f"holds no rows of a bench ({_first(error)})", _REMEDY, str(path)) from error
    return rows


def key_of(row: Mapping[str, Any]) -> Key:
    """What a row is of.

    >>> key_of({"model": "tiny-cnn", "seed": 0, "data": "cells"})
    ('tiny-cnn', 0, 'cells', ())
    """
    return row["model"], row["seed"], row["data"], tuple(row.get("changes", ()))


def reads_otherwise(row: Mapping[str, Any], share: float | None) -> bool:
    """Whether a row is of a control that reads another share of the pixels than the method came to read.

    >>> row = {"recipe": {"budget": {"learn": False, "share": 0.15}}, "pixels_read_fraction": 0.15}
    >>> reads_otherwise(row, 0.12), reads_otherwise(row, 0.15), reads_otherwise(row, None)
    (True, False, False)

    Args:
        row: Of any model, with its recipe.
        share: What the method reads; ``None`` where it has no row.
    """
    budget = row["recipe"].get("budget") or {}
    return share is not None and "share" in budget and abs(row["pixels_read_fraction"] - share) > _ALIKE


def recipe_words(recipe: Recipe) -> dict[str, Any]:
    """A recipe as it stands in a row: everything but where the data lies."""
    words = json.loads(json.dumps(recipe.as_dict()))
    words["data"] = {name: value for name, value in words["data"].items() if name not in _PLACES}
    return words


def check_rows(
    rows: Sequence[Mapping[str, Any]], title: str, data: str, recipes: Mapping[Key, Recipe], path: Path
) -> None:
    """Refuse to go on beside rows that are of something else.

    Args:
        rows: Those that are there; of other data sets they are left alone.
        title: What the data is called.
        data: Its fingerprint.
        recipes: What is asked for now, and its recipe.
        path: The file of the rows.

    Raises:
        BadInput: A row of this name was made on other data or by another version, or one that is asked for again has
            another recipe.
    """
    for row in rows:
        if row["data"] != title:
            continue
        seed = "" if row["seed"] is None else f", seed {row['seed']},"
        who = f"the row of {row['model']}{seed}"
        if not {"saccade", "fingerprint", "recipe"} <= row.keys() or row["saccade"] != saccade.__version__:
            version = row.get("saccade") or "an earlier one"
            raise BadInput(f"{who} is of another version of saccade ({version})", _REMEDY, str(path))
        if row["fingerprint"] != data:
            raise BadInput(
                f"{who} is of other data than {title} holds now", f"{_REMEDY}, or restore the data", str(path)
            )
        recipe = recipes.get(key_of(row))
        if recipe is not None and (changed := _changed(row["recipe"], recipe_words(recipe))):
            raise BadInput(f"{who} has another recipe ({changed})", _REMEDY, str(path))


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The first key in which two recipes differ, with both values; nothing where they are alike.

    Not counted is the share of a control: it is what the method came to read, and the fixed one where that took no
    part. One that is asked for stands among the changes, by which rows are told apart anyway.
    """
    mine, theirs = dotted(before), dotted(now)
    for key in sorted((mine.keys() | theirs.keys()) - {"budget.share"}):
        if key not in mine or key not in theirs or mine[key] != theirs[key]:
            return f"{key}: {mine.get(key)} there, {theirs.get(key)} now"
    return ""


def _first(error: ValidationError) -> str:
    """What is wrong first: the row, its key and why."""
    found = error.errors()[0]
    row, *keys = found["loc"] or ("",)
    place = f"row {row + 1}" if isinstance(row, int) else "the file"
    message = found["msg"].removeprefix("Value error, ")
    return f"{', '.join([place, '.'.join(map(str, keys))]) if keys else place}: {message[:1].lower()}{message[1:]}"
