"""Truth boxes: where in each field lies what gives it its label, as a table beside the manifest.

``boxes.csv`` has the columns ``path,x0,y0,x1,y1[,label,kind]``: paths as in the manifest, relative to the table;
corners in base pixels, ``x1`` and ``y1`` exclusive; several rows for a field with several boxes. Of the kinds, needles
are the truth, and a box without a kind is one; distractors and decoys lie there to mislead.
"""

import math
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from saccade.core.errors import BadInput, raise_first
from saccade.core.manifest import Manifest
from saccade.core.tables import Table, TableRow, load_table

BOXES_NAME = "boxes.csv"
Kind = Literal["needle", "distractor", "decoy"]

_CORNERS = ("x0", "y0", "x1", "y1")


@dataclass(frozen=True)
class TruthBox:
    """A box in base pixels, ``x1`` and ``y1`` exclusive, with what lies in it where that is known."""

    x0: float
    y0: float
    x1: float
    y1: float
    label: str = ""
    kind: Kind = "needle"


def load_boxes(path: Path | str) -> dict[str, tuple[TruthBox, ...]]:
    r"""Load the boxes of each field, by its path relative to the table, with forward slashes.

    >>> folder = Path("fields"); folder.mkdir(); (folder / "a.png").touch()
    >>> _ = (folder / "boxes.csv").write_text("path,x0,y0,x1,y1\na.png,2,3,12,13\n")
    >>> load_boxes(folder / "boxes.csv")
    {'a.png': (TruthBox(x0=2.0, y0=3.0, x1=12.0, y1=13.0, label='', kind='needle'),)}

    Raises:
        BadInput: A column is missing; or, naming the row: a file is not there, a corner is no number, a box is empty,
            or a kind is unknown.
    """
    table = load_table(path)
    raise_first(table.problems)
    missing = next((name for name in ("path", *_CORNERS) if name not in table.columns), "")
    if missing:
        raise BadInput(f"has no column {missing}", f"name the columns path,{','.join(_CORNERS)}", str(path))
    found: dict[str, list[TruthBox]] = defaultdict(list)
    for row in table.rows:
        found[_image_name(table, row)].append(_truth_box(row, table.place(row.line)))
    return {name: tuple(boxes) for name, boxes in found.items()}


def boxes_beside(manifest: Manifest) -> dict[str, tuple[TruthBox, ...]] | None:
    """The boxes beside a manifest, by the names of its rows; ``None`` where there is no such table."""
    folder = manifest.source if manifest.source.is_dir() else manifest.source.parent
    path = folder / BOXES_NAME
    return load_boxes(path) if path.is_file() else None


def needles_by_file(manifest: Manifest) -> dict[Path, Float[Tensor, "box 4"]] | None:
    """The needles of each file of a manifest, by its full path; ``None`` where there is no table of boxes."""
    boxes = boxes_beside(manifest)
    if boxes is None:
        return None
    return {row.path.resolve(): needles_of(boxes.get(row.name, ())) for row in manifest.rows if not row.member}


def needles_of(boxes: Sequence[TruthBox]) -> Float[Tensor, "box 4"]:
    """The boxes that are the truth.

    >>> needles_of([TruthBox(1, 2, 3, 4), TruthBox(5, 6, 7, 8, "a", "decoy")]).tolist()
    [[1.0, 2.0, 3.0, 4.0]]
    """
    needles = [(box.x0, box.y0, box.x1, box.y1) for box in boxes if box.kind == "needle"]
    return torch.tensor(needles, dtype=torch.float32).reshape(-1, 4)


def padded_needles(names: Sequence[str], boxes: Mapping[str, Sequence[TruthBox]]) -> Float[Tensor, "image box 4"]:
    """The needles of several images; rows of NaN where an image has fewer than others."""
    return padded([needles_of(boxes.get(name, ())) for name in names])


def padded(found: Sequence[Float[Tensor, "_ 4"]]) -> Float[Tensor, "image box 4"]:
    """Boxes of several images as one tensor; rows of NaN where an image has fewer than others.

    >>> padded([torch.ones(1, 4), torch.ones(0, 4)]).isnan().all(-1).tolist()
    [[False], [True]]
    """
    most = max((len(each) for each in found), default=0)
    filled = torch.full((len(found), most, 4), torch.nan)
    for row, each in enumerate(found):
        filled[row, : len(each)] = each
    return filled


def _image_name(table: Table, row: TableRow) -> str:
    """The image a row is about, as the manifest calls it."""
    text, place = row.cells["path"], table.place(row.line)
    folder = table.source.parent
    plain = text if os.path.isfile(folder / text) else text.replace("\\", "/")
    if not text or not os.path.isfile(folder / plain):
        raise BadInput(f"there is no file {text!r}", "correct the path, which is relative to the table", place)
    return Path(os.path.relpath(folder / plain, folder)).as_posix()


def _truth_box(row: TableRow, place: str) -> TruthBox:
    """The box of a row."""
    x0, y0, x1, y1 = (_corner(row.cells[name], name, place) for name in _CORNERS)
    if x0 >= x1 or y0 >= y1:
        raise BadInput(f"the box {x0:g},{y0:g},{x1:g},{y1:g} is empty", "write x0 < x1 and y0 < y1", place)
    text = row.cells.get("kind", "") or "needle"
    kind = next((known for known in get_args(Kind) if known == text), None)
    if kind is None:
        raise BadInput(f"{text!r} is no kind of box", f"write {', '.join(get_args(Kind))}", place)
    return TruthBox(x0, y0, x1, y1, row.cells.get("label", ""), kind)


def _corner(text: str, name: str, place: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadInput(f"{name} {text!r} is not a number", "write base pixels", place)
    return value
