"""A class for each patch of a slide: from outlines drawn in QuPath, or from a table.

A patch has the class whose outlines cover the largest part of it, if that is at least a fifth (Wu et al., arXiv
2406.09333); else the first of the classes, which stands for what is none of the others. What an outline covers of a
patch is exact, not counted in pixels: with the outline's sides as functions ``y(x)``, it is the sum over the sides of
``± ∫ clamp(y(x), y₀, y₁) dx`` between ``x₀`` and ``x₁`` of the patch, which has a closed form.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from saccade.core.errors import BadInput
from saccade.core.tables import Table, load_table
from saccade.imaging.tissue.geojson import read_classified
from saccade.imaging.tissue.outlines import Outline, Ring, signed_area

OVERLAP = 0.2
"""Part of a patch that a class must cover, as published."""

_PAIRS = 2**20  # of sides and patches at a time: some 100 MB
_FLAT = 1e-3  # base pixels between a side's ends below which it is taken for level
_REMEDY = "name it among the classes, or among those to ignore"


def labels_from_outlines(
    path: Path | str,
    boxes: Float[np.ndarray, "patch 4"],
    classes: Sequence[str],
    overlap: float = OVERLAP,
    offset: tuple[int, int] = (0, 0),
    ignored: Sequence[str] = (),
) -> Int[np.ndarray, " patch"]:
    """The class of each patch by what outlines cover of it.

    Outlines of one class are taken not to overlap each other; where they do, what they cover counts twice. Cost:
    O(sides · patches within the bounding box) of each outline.

    Args:
        path: GeoJSON, as QuPath exports it; the class of an outline is its classification's name.
        boxes: Of the patches, x0 y0 x1 y1 in base pixels.
        classes: Their names; the first is that of patches without any other.
        overlap: Part of a patch that a class must cover.
        offset: Corner x, y of the part of the slide that QuPath shows.
        ignored: Names of outlines that say nothing about the patches, such as of tissue.

    Raises:
        BadInput: The file is none of GeoJSON, or holds an outline whose name is not known.
    """
    covered = np.zeros((len(boxes), len(classes)))
    for name, outline in read_classified(path):
        if name in ignored:
            continue
        if name not in classes:
            raise BadInput(f"an outline is called {name!r}, which is no class", _REMEDY, str(path))
        if name != classes[0]:
            covered[:, list(classes).index(name)] += covered_parts(outline.moved(*offset), boxes)
    best = covered.argmax(axis=1)
    return np.where(covered.max(axis=1) >= overlap - 1e-9, best, 0)  # what is a fifth but for rounding counts


def labels_from_table(
    path: Path | str, boxes: Float[np.ndarray, "patch 4"], classes: Sequence[str]
) -> Int[np.ndarray, " patch"]:
    """The class of each patch from a table ``x,y,label``; −1 where it has no row.

    Args:
        path: The table; x and y are the upper left corner of a patch in base pixels.
        boxes: Of the patches, x0 y0 x1 y1 in base pixels.
        classes: Their names.

    Raises:
        BadInput: A column, a number or a class is missing or unknown, a patch has two rows, or no row is of any patch.
    """
    table = load_table(path)
    told = _told(table, {name: number for number, name in enumerate(classes)})
    corners = [(int(x), int(y)) for x, y in np.rint(boxes[:, :2])]
    if told and not any(corner in told for corner in corners) and corners:
        remedy = "give the upper left corners of the patches in base pixels of the finest level"
        raise BadInput(f"none of its {len(told)} rows is of a patch of this slide", remedy, str(path))
    return np.array([told.get(corner, -1) for corner in corners], np.int64)


def covered_parts(outline: Outline, boxes: Float[np.ndarray, "patch 4"]) -> Float[np.ndarray, " patch"]:
    """Which part of each box lies within an outline, without its holes.

    >>> half = Outline(np.array([[0.0, 0.0], [5.0, 0.0], [5.0, 10.0], [0.0, 10.0]]))
    >>> covered_parts(half, np.array([[0.0, 0.0, 10.0, 10.0], [20.0, 0.0, 30.0, 10.0]])).tolist()
    [0.5, 0.0]
    """
    low, high = outline.outer.min(axis=0), outline.outer.max(axis=0)
    near = np.flatnonzero(((boxes[:, :2] < high) & (boxes[:, 2:] > low)).all(axis=1))
    covered = np.zeros(len(boxes))
    covered[near] = _enclosed(outline.outer, boxes[near]) - sum(_enclosed(hole, boxes[near]) for hole in outline.holes)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return (covered / areas).clip(0, 1)


def _told(table: Table, numbers: dict[str, int]) -> dict[tuple[int, int], int]:
    """The class of each corner that a table names."""
    missing = {"x", "y", "label"} - set(table.columns)
    if missing:
        found = ", ".join(table.columns)
        raise BadInput(f"has no column {sorted(missing)[0]!r} (found: {found})", "write x,y,label", str(table.source))
    told: dict[tuple[int, int], int] = {}
    for row in table.rows:
        place = table.place(row.line)
        try:
            corner = (round(float(row.cells["x"])), round(float(row.cells["y"])))
        except (ValueError, OverflowError):
            raise BadInput("x or y is not a number", "write base pixels", place) from None
        label = row.cells["label"]
        if label not in numbers:
            raise BadInput(f"label {label!r} is no class", f"write one of {', '.join(numbers)}", place)
        if corner in told:
            raise BadInput(f"the patch at {corner[0]}, {corner[1]} has a row already", "keep one of the two", place)
        told[corner] = numbers[label]
    return told


def _enclosed(ring: Ring, boxes: Float[np.ndarray, "patch 4"]) -> Float[np.ndarray, " patch"]:
    """Area that a ring and each box share."""
    ring = ring[:-1] if len(ring) > 1 and (ring[0] == ring[-1]).all() else ring
    ends = np.roll(ring, -1, axis=0)
    steep = ring[:, 0] != ends[:, 0]  # upright sides bound nothing from below or above
    starts, ends = ring[steep], ends[steep]
    total = np.zeros(len(boxes))
    step = max(1, _PAIRS // max(1, len(starts)))
    for first in range(0, len(boxes), step):
        total[first : first + step] = _below(starts, ends, boxes[first : first + step]).sum(axis=1)
    return total if signed_area(ring) < 0 else -total


def _below(
    starts: Float[np.ndarray, "side 2"], ends: Float[np.ndarray, "side 2"], boxes: Float[np.ndarray, "patch 4"]
) -> Float[np.ndarray, "patch side"]:
    """Area of each box on one side of each side, negative where the side runs to the left."""
    x0, y0, x1, y1 = (column[:, None] for column in boxes.T)
    slope = (ends[:, 1] - starts[:, 1]) / (ends[:, 0] - starts[:, 0])
    left, right = np.minimum(starts[:, 0], ends[:, 0]), np.maximum(starts[:, 0], ends[:, 0])
    left, right = np.maximum(left, x0), np.minimum(right, x1)
    low, high = (starts[:, 1] + slope * (edge - starts[:, 0]) - y0 for edge in (left, right))
    tall, rise = y1 - y0, high - low
    level = np.abs(rise) < _FLAT
    mean = (_integral(high, tall) - _integral(low, tall)) / np.where(level, 1, rise)
    mean = np.where(level, ((low + high) / 2).clip(0, tall), mean)
    return np.sign(ends[:, 0] - starts[:, 0]) * mean * (right - left).clip(0)


def _integral(height: Float[np.ndarray, "patch side"], tall: Float[np.ndarray, "patch 1"]) -> np.ndarray:
    """Of ``clamp(h, 0, tall)`` from 0 up to a height."""
    inside = height.clip(0, tall)
    return inside**2 / 2 + tall * (height - tall).clip(0)
