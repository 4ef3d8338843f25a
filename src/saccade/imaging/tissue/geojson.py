"""Tissue as GeoJSON, as QuPath writes and reads it: one annotation per piece, holes and all, in base pixels.

QuPath crops a slide to its scanned part (``openslide.bounds-x`` and ``-y``) and counts from there; ``offset`` is that
corner, taken off when writing and put back when loading.
"""

import json
import uuid
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from saccade.core.errors import BadInput
from saccade.core.files import claimed_path
from saccade.imaging.tissue.outlines import Outline, Ring, fill_outlines
from saccade.imaging.tissue.tissue import Tissue

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "saccade:tissue")
_CLASS = {"name": "Tissue", "color": [0, 158, 115]}
_REMEDY = "export the annotations from QuPath as GeoJSON (File > Export objects)"


def write_tissue(path: Path | str, tissue: Tissue, offset: tuple[int, int] = (0, 0)) -> None:
    """Write a FeatureCollection of annotations of class *Tissue*, whole or not at all; the same tissue, the same bytes.

    Args:
        path: The file.
        tissue: Its outlines follow the mask's pixels, so that loading them gives the same mask.
        offset: Corner x, y of the part of the slide that QuPath shows.
    """
    features = [_feature(outline.moved(-offset[0], -offset[1])) for outline in tissue.polygons()]
    lines = ",\n".join(json.dumps(feature, separators=(",", ":")) for feature in features)
    with claimed_path(path) as temporary:
        temporary.write_text(f'{{"type":"FeatureCollection","features":[\n{lines}\n]}}\n', "utf-8")


def read_tissue(
    path: Path | str, width: int, height: int, downsample: float, mpp: float, offset: tuple[int, int] = (0, 0)
) -> Tissue:
    """Load areas as a mask: a FeatureCollection, a list of features, one feature or a bare geometry.

    Every Polygon and MultiPolygon counts, whatever its class; points and lines enclose nothing and are passed over.

    Args:
        path: The file.
        width: Of the slide in base pixels.
        height: Of the slide in base pixels.
        downsample: Base pixels along the side of a pixel of the mask to make.
        mpp: Micrometres per base pixel.
        offset: Corner x, y of the part of the slide that QuPath shows.

    Raises:
        BadInput: Naming the file: it is missing, no GeoJSON, or holds no area.
    """
    outlines = [outline.scaled(1 / downsample) for outline in load_outlines(path, offset=offset)]
    if not outlines:
        raise BadInput("holds no polygon", _REMEDY, str(path))
    rows, columns = (max(1, int(np.ceil(length / downsample))) for length in (height, width))
    return Tissue(fill_outlines(outlines, rows, columns), downsample, mpp, "given")


def load_outlines(
    path: Path | str, classes: Collection[str] | None = None, offset: tuple[int, int] = (0, 0)
) -> list[Outline]:
    """Load areas as outlines in base pixels: all of a file, or those of some classes; there may be none.

    Args:
        path: The file.
        classes: Names of classifications, in any case of letters; features without one are then passed over, bare
            geometries never.
        offset: Corner x, y of the part of the slide that QuPath shows.

    Raises:
        BadInput: Naming the file: it is missing or no GeoJSON.
    """
    wanted = None if classes is None else {name.casefold() for name in classes}
    parts = (part for part in _features(_loaded(path)) if wanted is None or _is_of(part, wanted))
    return [outline.moved(*offset) for part in parts for outline in _areas(part, str(path))]


def _is_of(part: Any, wanted: Collection[str]) -> bool:
    """Whether a feature is of one of some classes; a bare geometry cannot say, and is."""
    is_feature = isinstance(part, dict) and part.get("type") == "Feature"
    return not is_feature or _class_name(part).casefold() in wanted


def read_classified(path: Path | str) -> list[tuple[str, Outline]]:
    """Every area with the name of its class, in base pixels as the file counts them; empty where it has none.

    Of a class that QuPath derived from others the names are joined, as it shows them: ``Tumour: Necrosis``.

    Args:
        path: GeoJSON as ``read_tissue`` takes it.

    Raises:
        BadInput: Naming the file: it is missing, or no GeoJSON.
    """
    source = str(path)
    return [(_class_name(part), outline) for part in _features(_loaded(path)) for outline in _areas(part, source)]


def _features(value: Any) -> Iterator[Any]:
    """The features of a piece of GeoJSON, or itself where it has none."""
    if isinstance(value, dict) and value.get("type") == "FeatureCollection":
        value = value.get("features") or []
    if isinstance(value, list):
        for part in value:
            yield from _features(part)
    else:
        yield value


def _class_name(feature: Any) -> str:
    """The name of a feature's class, whichever version of QuPath wrote it."""
    properties = feature.get("properties") if isinstance(feature, dict) else None
    classification = properties.get("classification") if isinstance(properties, dict) else None
    if isinstance(classification, str):
        return classification
    if not isinstance(classification, dict):
        return ""
    names = classification.get("names")
    return str(classification.get("name") or ": ".join(map(str, names if isinstance(names, list) else [])))


def _feature(outline: Outline) -> dict[str, Any]:
    rings = [_closed(ring) for ring in (outline.outer, *outline.holes)]
    return {
        "type": "Feature",
        "id": str(uuid.uuid5(_NAMESPACE, json.dumps(rings))),
        "geometry": {"type": "Polygon", "coordinates": rings},
        "properties": {"objectType": "annotation", "classification": _CLASS},
    }


def _closed(ring: Ring) -> list[list[float]]:
    """Corners with the first repeated; whole numbers stay whole."""
    rounded = np.round(np.concatenate([ring, ring[:1]]), 3)
    return (rounded.astype(np.int64) if (rounded == np.rint(rounded)).all() else rounded).tolist()


def _loaded(path: Path | str) -> Any:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise BadInput("there is no such file", "check the path", str(path)) from None
    except OSError as error:
        raise BadInput(f"cannot be opened ({error.strerror})", "check its permissions", str(path)) from error
    except (ValueError, RecursionError) as error:  # JSON and UTF-8 alike
        raise BadInput(f"is no JSON ({error})", _REMEDY, str(path)) from error


def _areas(value: Any, source: str) -> Iterator[Outline]:
    """Every polygon in a piece of GeoJSON."""
    if isinstance(value, list):
        for part in value:
            yield from _areas(part, source)
        return
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "FeatureCollection":
        yield from _areas(value.get("features") or [], source)
    elif kind == "Feature":
        if value.get("geometry"):
            yield from _areas(value["geometry"], source)
    elif kind == "GeometryCollection":
        yield from _areas(value.get("geometries") or [], source)
    elif kind in ("Polygon", "MultiPolygon"):
        rings = value.get("coordinates")
        polygons = [rings] if kind == "Polygon" else rings
        for polygon in polygons if isinstance(polygons, list) else [polygons]:
            yield _outline(polygon, source)
    elif kind not in ("Point", "MultiPoint", "LineString", "MultiLineString"):
        raise BadInput(f"is no GeoJSON: {str(value)[:60]!r} has no known type", _REMEDY, source)


def _outline(rings: Any, source: str) -> Outline:
    """A polygon's rings, as numbers."""
    if not isinstance(rings, Sequence) or not rings:
        raise BadInput("a polygon has no coordinates", _REMEDY, source)
    outer, *holes = (_ring(ring, source) for ring in rings)
    return Outline(outer, tuple(holes))


def _ring(points: Any, source: str) -> Ring:
    try:
        ring = np.array([point[:2] for point in points], np.float64)
    except (TypeError, ValueError, KeyError):
        ring = np.empty((0, 2))
    if ring.shape[1:] != (2,) or len(ring) < 3 or not np.isfinite(ring).all():
        raise BadInput("a polygon's ring is no list of three or more points x, y", _REMEDY, source)
    return ring[:-1] if (ring[0] == ring[-1]).all() else ring
