"""Composed fields on disk: images, the manifest that lists them and the boxes that are their truth.

``manifest.csv`` (path, label, case_id, split) is loaded like any other; ``boxes.csv`` beside it has one row for each
thing pasted: path, x0, y0, x1, y1, label and kind (needle, distractor or decoy).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np

from saccade.core.errors import BadInput
from saccade.core.files import new_folder, write_bytes, write_csv
from saccade.core.tables import TableRow, load_table
from saccade.datasets.composers.fields import KINDS, Field, Kind, MarkedBox

BOXES_NAME = "boxes.csv"
BOX_COLUMNS = ("path", "x0", "y0", "x1", "y1", "label", "kind")
_KIND_OF: dict[str, Kind] = {kind: kind for kind in KINDS}
_FASTEST = [cv2.IMWRITE_PNG_COMPRESSION, 1]


def write_fields(
    folder: Path | str,
    fields: Iterable[Field],
    total: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
    quality: int | None = None,
) -> Path:
    """Write fields with their manifest and boxes; returns the manifest's path.

    Args:
        folder: New or empty.
        fields: Taken one at a time.
        total: How many there will be, for ``progress``.
        progress: Told how many of how many fields are written.
        quality: Of JPEG, 1 to 100; lossless PNG where not given.

    Raises:
        BadInput: The folder holds something already.
    """
    folder = new_folder(folder)
    rows: list[tuple[str, ...]] = []
    boxes: list[tuple[str | int, ...]] = []
    suffix, options = (".png", _FASTEST) if quality is None else (".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality])
    for done, each in enumerate(fields, 1):
        path = f"images/{each.name}{suffix}"
        pixels = each.image[..., ::-1] if each.image.shape[2] == 3 else each.image
        write_bytes(folder / path, cv2.imencode(suffix, pixels, options)[1].tobytes())
        rows.append((path, each.label, each.case_id, each.part))
        boxes += [(path, *marked.box, marked.label, marked.kind) for marked in each.boxes]
        progress(done, total)
    write_csv(folder / BOXES_NAME, BOX_COLUMNS, boxes)
    manifest = folder / "manifest.csv"
    write_csv(manifest, ("path", "label", "case_id", "split"), rows)
    return manifest


def load_boxes(path: Path | str) -> dict[str, tuple[MarkedBox, ...]]:
    """Load the boxes beside a manifest, by the name of the image; give the folder, the manifest or the table.

    Raises:
        BadInput: Naming the row: a number is none, a box is empty, a kind is unknown.
    """
    path = Path(path)
    if path.name != BOXES_NAME:
        path = (path if path.is_dir() else path.parent) / BOXES_NAME
    table = load_table(path)
    missing = [column for column in BOX_COLUMNS if column not in table.columns]
    if missing:
        raise BadInput(f"has no column {missing[0]}", f"name the columns {', '.join(BOX_COLUMNS)}", str(path))
    found: dict[str, list[MarkedBox]] = defaultdict(list)
    for row in table.rows:
        found[row.cells["path"]].append(_marked_box(row, table.place(row.line)))
    return {name: tuple(boxes) for name, boxes in found.items()}


def load_needles(path: Path | str) -> dict[str, np.ndarray]:
    """The needles' boxes of each image, (box, 4) as x0, y0, x1, y1 in base pixels; see ``load_boxes``."""
    return {
        name: np.array([marked.box for marked in boxes if marked.kind == "needle"], int).reshape(-1, 4)
        for name, boxes in load_boxes(path).items()
    }


def _marked_box(row: TableRow, place: str) -> MarkedBox:
    try:
        x0, y0, x1, y1 = (int(row.cells[name]) for name in ("x0", "y0", "x1", "y1"))
    except ValueError:
        raise BadInput("a corner of the box is no whole number", "write base pixels", place) from None
    if x0 >= x1 or y0 >= y1:
        raise BadInput(f"the box {x0},{y0},{x1},{y1} is empty", "write x0 < x1 and y0 < y1", place)
    if row.cells["kind"] not in _KIND_OF:
        raise BadInput(f"{row.cells['kind']!r} is no kind of box", f"write {', '.join(KINDS)}", place)
    return MarkedBox((x0, y0, x1, y1), row.cells["label"], _KIND_OF[row.cells["kind"]])
