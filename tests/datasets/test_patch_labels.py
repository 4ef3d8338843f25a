"""Patches labelled by outlines whose overlap is known, and by tables."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.datasets.annotations import Annotation, box_annotation, write_annotations
from saccade.datasets.patch_labels import covered_parts, labels_from_outlines, labels_from_table
from saccade.imaging.tissue.outlines import Outline, fill_outlines

CLASSES = ("normal", "tumour", "necrosis")
SIDE = 100


def grid(columns: int, rows: int, side: float = SIDE, start: tuple[float, float] = (0, 0)) -> np.ndarray:
    x, y = (values.ravel() for values in np.meshgrid(np.arange(columns), np.arange(rows)))
    corners = np.stack([x, y], axis=1) * side + np.array(start)
    return np.concatenate([corners, corners + side], axis=1).astype(float)


def star(generator: np.random.Generator, corners: int, middle: float, reach: float) -> np.ndarray:
    """A ring around a point, never nearer to it than 0.29 of its reach where it has 30 corners or more."""
    angles = (np.arange(corners) + 0.8 * generator.random(corners)) / corners * 2 * math.pi
    radii = reach * (0.3 + 0.7 * generator.random(corners))
    return middle + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_boxes_triangles_and_holes() -> None:
    boxes = grid(2, 1)
    square = np.array([[50.0, 20], [150, 20], [150, 60], [50, 60]])
    assert covered_parts(Outline(square), boxes).tolist() == pytest.approx([0.2, 0.2])
    triangle = np.array([[0.0, 0], [200, 0], [0, 100]])
    assert covered_parts(Outline(triangle), boxes).tolist() == pytest.approx([0.75, 0.25])
    hole = np.array([[60.0, 30], [140, 30], [140, 50], [60, 50]])
    assert covered_parts(Outline(square, (hole,)), boxes).tolist() == pytest.approx([0.12, 0.12])
    diamond = np.array([[50.0, 0], [100, 50], [50, 100], [0, 50]])
    assert covered_parts(Outline(diamond), boxes).tolist() == pytest.approx([0.5, 0])


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize("start", [(0, 0), (-13.5, 7.25), (90_000.0, 120_000.0)])
def test_the_way_round_and_the_place_do_not_matter(turn: int, start: tuple[float, float]) -> None:
    ring = star(np.random.default_rng(0), 40, 250, 240)
    found = covered_parts(Outline((ring + np.array(start))[::turn]), grid(5, 5, start=start))
    assert found == pytest.approx(covered_parts(Outline(ring), grid(5, 5)), abs=1e-6)
    assert found.sum() * SIDE**2 == pytest.approx(Outline(ring).area, rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_what_a_fine_raster_counts(seed: int) -> None:
    generator = np.random.default_rng(seed)
    ring, hole = star(generator, 30, 200, 190), star(generator, 12, 200, 50)
    outline, fine = Outline(ring, (hole,) if seed % 2 else ()), 8
    mask = fill_outlines([outline.scaled(fine)], 400 * fine, 400 * fine)
    wanted = mask.reshape(4, SIDE * fine, 4, SIDE * fine).mean(axis=(1, 3)).ravel()
    assert covered_parts(outline, grid(4, 4)) == pytest.approx(wanted, abs=2e-3)


def test_what_lies_in_the_chunks_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = star(np.random.default_rng(1), 50, 250, 240)
    whole = covered_parts(Outline(ring), grid(5, 5))
    monkeypatch.setattr("saccade.datasets.patch_labels._PAIRS", 60)
    assert covered_parts(Outline(ring), grid(5, 5)) == pytest.approx(whole, abs=1e-12)


def test_a_patch_has_the_class_that_covers_most_of_it_and_at_least_a_fifth(tmp_path: Path) -> None:
    shapes = [
        box_annotation("tumour", (0, 0, 20, 100)),  # a fifth of the first patch
        box_annotation("tumour", (100, 0, 119, 100)),  # less of the second
        box_annotation("tumour", (200, 0, 240, 100)),  # two fifths of the third, but
        box_annotation("necrosis", (240, 0, 300, 100)),  # three fifths are something else
        box_annotation("normal", (300, 0, 400, 100)),
    ]
    path = write_annotations(tmp_path / "a.geojson", shapes)
    assert labels_from_outlines(path, grid(5, 1), CLASSES).tolist() == [1, 0, 2, 0, 0]
    assert labels_from_outlines(path, grid(5, 1), CLASSES, overlap=0.5).tolist() == [0, 0, 2, 0, 0]
    assert labels_from_outlines(path, grid(5, 1), CLASSES, offset=(100, 0)).tolist() == [0, 1, 0, 2, 0]
    assert labels_from_outlines(path, np.zeros((0, 4)), CLASSES).tolist() == []


def test_parts_of_one_class_add_up_and_holes_are_left_out(tmp_path: Path) -> None:
    ring, hole = (np.array([[0.0, 0], [end, 0], [end, end], [0, end]]) for end in (100, 95))
    shapes = [
        box_annotation("tumour", (100, 0, 112, 100)),
        box_annotation("tumour", (150, 0, 162, 100)),
        Annotation("tumour", (ring, hole)),
    ]
    path = write_annotations(tmp_path / "a.geojson", shapes)
    assert labels_from_outlines(path, grid(2, 1), CLASSES).tolist() == [0, 1]


def test_an_unknown_name_is_told_unless_ignored(tmp_path: Path) -> None:
    shapes = [box_annotation("tissue", (0, 0, 500, 500)), box_annotation("tumour", (0, 0, 100, 100))]
    path = write_annotations(tmp_path / "a.geojson", shapes)
    with pytest.raises(BadInput, match="tissue"):
        labels_from_outlines(path, grid(2, 1), CLASSES)
    assert labels_from_outlines(path, grid(2, 1), CLASSES, ignored=("tissue",)).tolist() == [1, 0]


def test_multipolygons_have_one_class(tmp_path: Path) -> None:
    boxes = [[[[x, 0], [x + 50, 0], [x + 50, 100], [x, 100], [x, 0]]] for x in (0, 200)]
    feature = {
        "type": "Feature",
        "geometry": {"type": "MultiPolygon", "coordinates": boxes},
        "properties": {"classification": {"name": "tumour"}},
    }
    (tmp_path / "a.geojson").write_text(json.dumps(feature))
    assert labels_from_outlines(tmp_path / "a.geojson", grid(3, 1), CLASSES).tolist() == [1, 0, 1]


def test_a_table_labels_the_patches_it_names(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x;y;label\n100;0;tumour\n0;0.2;normal\n9000;0;tumour\n")
    assert labels_from_table(tmp_path / "a.csv", grid(3, 1), CLASSES).tolist() == [0, 1, -1]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("x,y\n0,0\n", "no column 'label'"),
        ("x,y,label\nleft,0,normal\n", "not a number"),
        ("x,y,label\n0,0,other\n", "'other' is no class"),
        ("x,y,label\n0,0,normal\n0,0,tumour\n", "row already"),
        ("x,y,label\n7,7,normal\n", "none of its 1 rows"),
    ],
)
def test_a_wrong_table_is_one_line(tmp_path: Path, text: str, match: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(BadInput, match=match):
        labels_from_table(tmp_path / "a.csv", grid(3, 1), CLASSES)
