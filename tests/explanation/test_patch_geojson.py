"""Classes of patches for QuPath: the most probable one, by QuPath's count, with every probability."""

import csv
import json
from pathlib import Path

import numpy as np

from saccade.datasets.patch_labels import labels_from_outlines
from saccade.explanation.patch_geojson import write_patch_geojson, write_patch_table

CLASSES = ("normal", "stroma", "tumour")
BOXES = np.array([[0, 0, 8, 8], [8, 0, 16, 8], [0, 8, 8, 16]], float)
CHANCES = np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.2, 0.3, 0.5]])


def test_tiles_have_class_and_probabilities(tmp_path: Path) -> None:
    write_patch_geojson(tmp_path / "out" / "s.geojson", BOXES, CHANCES, CLASSES)
    features = json.loads((tmp_path / "out" / "s.geojson").read_text())["features"]
    assert [each["properties"]["classification"]["name"] for each in features] == list(CLASSES)
    assert len({tuple(each["properties"]["classification"]["color"]) for each in features}) == 3
    assert features[1]["properties"]["measurements"] == {"p(normal)": 0.1, "p(stroma)": 0.8, "p(tumour)": 0.1}


def test_the_map_comes_back_as_labels(tmp_path: Path) -> None:
    """What is written with an offset is what annotations with that offset would be."""
    write_patch_geojson(tmp_path / "s.geojson", BOXES + 100, CHANCES, CLASSES, offset=(90, 95))
    found = labels_from_outlines(tmp_path / "s.geojson", BOXES + 100, CLASSES, offset=(90, 95))
    assert found.tolist() == [0, 1, 2]


def test_the_least_like_the_first_class_are_kept(tmp_path: Path) -> None:
    write_patch_geojson(tmp_path / "s.geojson", BOXES, CHANCES, CLASSES, most=2)
    held = json.loads((tmp_path / "s.geojson").read_text())
    assert [each["properties"]["classification"]["name"] for each in held["features"]] == ["stroma", "tumour"]
    assert "2 of 3 patches least like 'normal'" in held["description"]


def test_the_table_has_all_patches(tmp_path: Path) -> None:
    write_patch_table(tmp_path / "s.csv", BOXES, CHANCES, CLASSES)
    rows = list(csv.DictReader((tmp_path / "s.csv").open()))
    assert [row["predicted"] for row in rows] == list(CLASSES)
    assert [rows[2][name] for name in ("x0", "y0", "x1", "y1", "p_tumour")] == ["0", "8", "8", "16", "0.5"]
