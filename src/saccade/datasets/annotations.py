"""Annotations of a slide as GeoJSON, in the dialect of QuPath: classified polygons in base pixels."""

import uuid
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from saccade.core.files import write_json

Ring = Float[np.ndarray, "_ 2"]


@dataclass(frozen=True, eq=False)
class Annotation:
    """A polygon of one class.

    Attributes:
        name: Of the class.
        rings: (x, y) in base pixels: the outer ring, then holes; not closed.
        measurements: Numbers shown beside it.
    """

    name: str
    rings: tuple[Ring, ...]
    measurements: dict[str, float] = field(default_factory=dict)


def box_annotation(name: str, box: Sequence[float], measurements: dict[str, float] | None = None) -> Annotation:
    """The box x0, y0, x1, y1 as an annotation.

    >>> box_annotation("basophil", (0, 0, 4, 2)).rings[0].tolist()
    [[0.0, 0.0], [4.0, 0.0], [4.0, 2.0], [0.0, 2.0]]
    """
    x0, y0, x1, y1 = box
    ring = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], float)
    return Annotation(name, (ring,), measurements or {})


def write_annotations(path: Path | str, annotations: Iterable[Annotation], note: str = "") -> Path:
    """Write annotations, whole or not at all; a note is kept under ``description``.

    >>> path = write_annotations("a.geojson", [box_annotation("basophil", (0, 0, 4, 2))], note="simulated")
    """
    path = Path(path)
    features = [_feature(number, each) for number, each in enumerate(annotations)]
    head = {"type": "FeatureCollection", **({"description": note} if note else {})}
    write_json(path, {**head, "features": features})
    return path


def _feature(number: int, annotation: Annotation) -> dict[str, Any]:
    rings = [np.round(np.concatenate([ring, ring[:1]]), 2).tolist() for ring in annotation.rings]
    properties: dict[str, Any] = {
        "objectType": "annotation",
        "isLocked": True,
        "classification": {"name": annotation.name, "color": _colour(annotation.name)},
    }
    if annotation.measurements:
        properties["measurements"] = annotation.measurements
    name = uuid.uuid5(uuid.NAMESPACE_OID, f"{number} {annotation.name} {rings[0][:2]}")  # the same at every writing
    geometry = {"type": "Polygon", "coordinates": rings}
    return {"type": "Feature", "id": str(name), "geometry": geometry, "properties": properties}


def _colour(name: str) -> list[int]:
    """A colour of its own for each class, the same everywhere."""
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    return [int(value) for value in generator.integers(40, 230, 3)]
