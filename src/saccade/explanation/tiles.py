"""Patches as GeoJSON for QuPath: locked tiles, each with a class, a colour and measurements.

QuPath crops a slide to its scanned part and counts from there; who makes tiles takes that corner off
(``features.qupath``).
"""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from saccade.core.files import atomic_path

MOST_TILES = 100_000
"""What is written where a slide has more: QuPath slows down beyond."""

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "saccade:explanation")


def write_tiles(path: Path | str, note: str, tiles: Iterable[Mapping[str, Any]]) -> None:
    """Write a FeatureCollection with a description, whole or not at all; the same tiles, the same bytes."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(f'{{"type":"FeatureCollection","description":{json.dumps(note)},"features":[\n')
        for number, feature in enumerate(tiles):
            file.write(",\n" * (number > 0) + json.dumps(feature, separators=(",", ":"), allow_nan=False))
        file.write("\n]}\n")


def tile(box: Sequence[float], name: str, colour: Sequence[int], measurements: Mapping[str, float]) -> dict[str, Any]:
    """One patch.

    >>> made = tile([0.0, 0.0, 4.0, 4.0], "tumour", [213, 94, 0], {"tumour": 0.25})
    >>> made["geometry"]["coordinates"], made["properties"]["classification"]["name"]
    ([[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]], 'tumour')

    Args:
        box: x0 y0 x1 y1 as QuPath counts.
        name: Of its class.
        colour: Of its class, in 8 bits.
        measurements: Numbers to keep with it.
    """
    ring = _ring(box)
    return {
        "type": "Feature",
        "id": str(uuid.uuid5(_NAMESPACE, json.dumps(ring))),
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {
            "objectType": "tile",
            "isLocked": True,
            "classification": {"name": name, "color": list(colour)},
            "measurements": dict(measurements),
        },
    }


def short(value: float) -> float:
    """Six digits, which is more than anybody needs.

    >>> short(1 / 3)
    0.333333
    """
    return float(f"{value:.6g}")


def _ring(box: Sequence[float]) -> list[list[float | int]]:
    """A closed ring; whole numbers stay whole."""
    x0, y0, x1, y1 = (int(edge) if edge == int(edge) else round(edge, 3) for edge in box)
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]
