"""The classes of a slide's patches, as tiles for QuPath and as a table."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from saccade.core.files import write_csv
from saccade.explanation.tiles import MOST_TILES, short, tile, write_tiles

_FIRST = (160, 160, 160)
_COLOURS = ((213, 94, 0), (0, 114, 178), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233), (240, 228, 66))
"""Okabe and Ito's, told apart by the colour-blind; the first class, which is none of the others, is grey."""


def write_patch_geojson(
    path: Path | str,
    boxes: Float[np.ndarray, "patch 4"],
    probabilities: Float[np.ndarray, "patch class"],
    classes: Sequence[str],
    offset: tuple[int, int] = (0, 0),
    most: int = MOST_TILES,
) -> None:
    """Write a FeatureCollection of locked tiles, one per patch; its class is the most probable one.

    The probabilities are measurements, so that QuPath can draw a map of each. Of more than ``most`` patches those are
    written that are least probably of the first class.

    Args:
        path: The file.
        boxes: In base pixels, x0 y0 x1 y1.
        probabilities: Of each class.
        classes: Their names, what is none of the others first.
        offset: Corner x, y of the part of the slide that QuPath shows.
        most: Tiles that are written.
    """
    order = np.sort(np.argsort(probabilities[:, 0], kind="stable")[:most])
    note = f"Classes of patches: {', '.join(classes)}."
    if len(order) < len(boxes):
        note += f" The {len(order)} of {len(boxes)} patches least like {classes[0]!r}; all are in the table."
    moved = boxes[order] - np.array([*offset, *offset])
    write_tiles(path, note, _tiles(moved, probabilities[order], classes))


def write_patch_table(
    path: Path | str,
    boxes: Float[np.ndarray, "patch 4"],
    probabilities: Float[np.ndarray, "patch class"],
    classes: Sequence[str],
) -> None:
    """Write a row per patch, ``x0,y0,x1,y1`` in base pixels from the file's corner, its class, and ``p_<class>``.

    >>> write_patch_table("p.csv", np.array([[0.0, 0, 4, 4]]), np.array([[0.25, 0.75]]), ("normal", "tumour"))
    >>> Path("p.csv").read_text().splitlines()
    ['x0,y0,x1,y1,predicted,p_normal,p_tumour', '0,0,4,4,tumour,0.25,0.75']
    """
    columns = ("x0", "y0", "x1", "y1", "predicted", *(f"p_{name}" for name in classes))
    best = probabilities.argmax(axis=1).tolist()
    rows = (
        (*(f"{round(edge, 3):.12g}" for edge in box), classes[number], *(f"{value:.6g}" for value in values))
        for box, number, values in zip(boxes.tolist(), best, probabilities.tolist(), strict=True)
    )
    write_csv(path, columns, rows)


def _tiles(
    boxes: Float[np.ndarray, "patch 4"], probabilities: Float[np.ndarray, "patch class"], classes: Sequence[str]
) -> Iterator[dict[str, Any]]:
    best = probabilities.argmax(axis=1).tolist()
    for box, number, values in zip(boxes.tolist(), best, probabilities.tolist(), strict=True):
        colour = _FIRST if number == 0 else _COLOURS[(number - 1) % len(_COLOURS)]
        measured = {f"p({name})": short(value) for name, value in zip(classes, values, strict=True)}
        yield tile(box, classes[number], colour, measured)
