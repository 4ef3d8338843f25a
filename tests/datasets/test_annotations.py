"""Annotations: closed rings, classes with colours, the same file at every writing."""

import json
from pathlib import Path

import numpy as np

from saccade.datasets.annotations import Annotation, box_annotation, write_annotations

SQUARE = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], float)


def test_rings_are_closed_and_holes_kept(tmp_path: Path) -> None:
    ring = Annotation("tumour", (SQUARE, SQUARE / 2 + 2), {"area": 3.0})
    path = write_annotations(tmp_path / "a.geojson", [ring, box_annotation("fat", (1, 2, 3, 4))], "simulated")
    read = json.loads(path.read_text())
    assert read["type"] == "FeatureCollection" and read["description"] == "simulated"
    tumour, fat = read["features"]
    assert tumour["geometry"]["type"] == "Polygon"
    assert [len(line) for line in tumour["geometry"]["coordinates"]] == [5, 5]
    assert all(line[0] == line[-1] for line in tumour["geometry"]["coordinates"])
    assert tumour["properties"]["measurements"] == {"area": 3.0}
    assert fat["geometry"]["coordinates"] == [[[1, 2], [3, 2], [3, 4], [1, 4], [1, 2]]]
    names = [each["properties"]["classification"]["name"] for each in (tumour, fat)]
    colours = [each["properties"]["classification"]["color"] for each in (tumour, fat)]
    assert names == ["tumour", "fat"] and colours[0] != colours[1] and tumour["id"] != fat["id"]


def test_the_same_at_every_writing(tmp_path: Path) -> None:
    paths = [write_annotations(tmp_path / name, [Annotation("fat", (SQUARE,))]) for name in ("a.json", "b.json")]
    assert paths[0].read_bytes() == paths[1].read_bytes()
