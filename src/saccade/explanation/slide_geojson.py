"""The patches of a slide as GeoJSON for QuPath: a tile each, coloured by weight, with its numbers as measurements.

QuPath crops a slide to its scanned part (``openslide.bounds-x`` and ``-y``, as MRXS files have) and counts from there;
``offset`` is that corner and is taken off, so that the tiles lie where they belong.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from saccade.explanation.slide_sites import SlideSites
from saccade.explanation.tiles import MOST_TILES, short, tile, write_tiles
from saccade.imaging.slide_drawing import weight_colours

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
    write_tiles(path, note, _features(sites, target, offset, kept))


def _features(sites: SlideSites, target: str, offset: tuple[int, int], kept: int) -> Iterator[dict[str, Any]]:
    levels = np.searchsorted(_LEVELS, sites.shares, side="right").tolist()
    weights, shares, percentiles, evidence = (
        values.tolist() for values in (sites.weights, sites.shares, sites.percentiles, sites.evidence)
    )
    colours = [_BELOW, *weight_colours(np.array(_LEVELS) * 2).tolist()]
    boxes = sites.boxes - np.array([*offset, *offset])
    for rank, site in enumerate(sites.order[:kept].tolist(), start=1):
        level = levels[site]
        measurements = {
            "weight": short(weights[site]),
            "weight, equal shares": short(shares[site]),
            "weight, percentile": short(percentiles[site]),
            "rank": rank,
            **({f"evidence for {target}": short(evidence[site])} if sites.has_evidence else {}),
        }
        yield tile(boxes[site].tolist(), _NAMES[level], colours[level], measurements)
