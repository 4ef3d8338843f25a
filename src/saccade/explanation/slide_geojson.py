"""The patches of a slide as GeoJSON for QuPath: a tile each, coloured by weight, with its numbers as measurements.

QuPath crops a slide to its scanned part (``openslide.bounds-x`` and ``-y``, as MRXS files have) and counts from there;
``offset`` is that corner and is taken off, so that the tiles lie where they belong.
"""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from saccade.core.files import atomic_path
from saccade.explanation.slide_sites import SlideSites
from saccade.imaging.slide_drawing import weight_colours

MOST_TILES = 100_000
"""The heaviest are written where a slide has more: QuPath slows down beyond."""

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "saccade:explanation")
_LEVELS = (1.0, 4.0, 16.0)  # equal shares; as on the key of the map
_NAMES = ("weight below 1x", "weight 1x to 4x", "weight 4x to 16x", "weight from 16x")
_BELOW = [150, 150, 150]


def write_slide_geojson(
    path: Path | str, sites: SlideSites, target: str, offset: tuple[int, int] = (0, 0), most: int = MOST_TILES
) -> None:
    """Write a FeatureCollection of locked tiles, whole or not at all; the same patches, the same bytes.

    Each tile has its level of weight as its class and as measurements: ``weight`` (summing to one over the slide),
    ``weight, equal shares`` (times the number of patches), ``weight, percentile``, ``rank``, and the evidence for the
    class in log-odds.

    Args:
        path: The file.
        sites: The patches.
        target: Name of the class that the evidence is about.
        offset: Corner x, y of the part of the slide that QuPath shows (see ``features.qupath``).
        most: Tiles that are written, the heaviest of all.
    """
    kept = min(most, len(sites))
    evidence = f", and their evidence for {target!r} in log-odds, estimated" if sites.has_evidence else ""
    note = f"Weights of patches{evidence}. 1x: all patches alike."
    if kept < len(sites):
        note += f" The heaviest {kept} of {len(sites)} patches; all are in the table."
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(f'{{"type":"FeatureCollection","description":{json.dumps(note)},"features":[\n')
        for number, feature in enumerate(_features(sites, target, offset, kept)):
            file.write(",\n" * (number > 0) + json.dumps(feature, separators=(",", ":"), allow_nan=False))
        file.write("\n]}\n")


def _features(sites: SlideSites, target: str, offset: tuple[int, int], kept: int) -> Iterator[dict[str, Any]]:
    levels = np.searchsorted(_LEVELS, sites.shares, side="right").tolist()
    weights, shares, percentiles, evidence = (
        values.tolist() for values in (sites.weights, sites.shares, sites.percentiles, sites.evidence)
    )
    colours = [_BELOW, *weight_colours(np.array(_LEVELS) * 2).tolist()]
    boxes = sites.boxes - np.array([*offset, *offset])
    for rank, site in enumerate(sites.order[:kept].tolist(), start=1):
        ring = _ring(boxes[site].tolist())
        level = levels[site]
        measurements = {
            "weight": _short(weights[site]),
            "weight, equal shares": _short(shares[site]),
            "weight, percentile": _short(percentiles[site]),
            "rank": rank,
            **({f"evidence for {target}": _short(evidence[site])} if sites.has_evidence else {}),
        }
        properties = {
            "objectType": "tile",
            "isLocked": True,
            "classification": {"name": _NAMES[level], "color": colours[level]},
            "measurements": measurements,
        }
        geometry = {"type": "Polygon", "coordinates": [ring]}
        name = str(uuid.uuid5(_NAMESPACE, json.dumps(ring)))
        yield {"type": "Feature", "id": name, "geometry": geometry, "properties": properties}


def _ring(box: list[float]) -> list[list[float | int]]:
    """A closed ring; whole numbers stay whole."""
    x0, y0, x1, y1 = (int(edge) if edge == int(edge) else round(edge, 3) for edge in box)
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]


def _short(value: float) -> float:
    return float(f"{value:.6g}")
