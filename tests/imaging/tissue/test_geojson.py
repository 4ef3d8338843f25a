"""Tissue goes to QuPath and comes back the same; what QuPath and others write is understood or refused in one line."""

import json
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.imaging.tissue.geojson import load_outlines, read_classified, read_tissue, write_tissue
from saccade.imaging.tissue.tissue import Tissue

SQUARE = [[10, 10], [30, 10], [30, 20], [10, 20], [10, 10]]
HOLE = [[12, 12], [16, 12], [16, 16], [12, 16], [12, 12]]


def made(shape: tuple[int, int] = (40, 60), seed: int = 0, downsample: float = 31.7) -> Tissue:
    return Tissue(np.random.default_rng(seed).random(shape) < 0.6, downsample, 0.25)


def load(path: Path, value: Any, **changes: Any) -> Tissue:
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return read_tissue(path, **({"width": 40, "height": 30, "downsample": 1.0, "mpp": 0.5} | changes))


def back(path: Path, tissue: Tissue, offset: tuple[int, int] = (0, 0)) -> np.ndarray:
    rows, columns = tissue.mask.shape
    width, height = int(columns * tissue.downsample), int(rows * tissue.downsample)
    return read_tissue(path, width, height, tissue.downsample, tissue.mpp, offset).mask


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 12), st.integers(1, 12), st.sampled_from([1.0, 16.0, 31.7, 4.000123]), st.integers(0, 2**32 - 1))
def test_there_and_back(tmp_path: Path, height: int, width: int, downsample: float, seed: int) -> None:
    tissue = made((height, width), seed, downsample)
    path = tmp_path / "round.geojson"
    write_tissue(path, tissue, (-7, 3000))
    if tissue.mask.any():
        assert (back(path, tissue, (-7, 3000)) == tissue.mask).all()
    else:
        with pytest.raises(BadInput, match="holds no polygon"):
            back(path, tissue)


def test_at_another_scale(tmp_path: Path) -> None:
    """Read on a grid twice as fine: every pixel becomes four."""
    tissue = made(downsample=32.0)
    write_tissue(tmp_path / "a.geojson", tissue)
    fine = read_tissue(tmp_path / "a.geojson", 60 * 32, 40 * 32, 16.0, 0.25)
    assert (fine.mask == tissue.mask.repeat(2, 0).repeat(2, 1)).all()


def test_as_qupath_wants_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.geojson"
    write_tissue(path, made(downsample=16.0), offset=(100, 200))
    first = path.read_bytes()
    collection = json.loads(first)
    assert collection["type"] == "FeatureCollection"
    for feature in collection["features"]:
        assert feature["type"] == "Feature"
        assert uuid.UUID(feature["id"]).version == 5
        assert feature["properties"]["objectType"] == "annotation"
        assert feature["properties"]["classification"]["name"] == "Tissue"
        assert feature["geometry"]["type"] == "Polygon"
        for ring in feature["geometry"]["coordinates"]:
            assert ring[0] == ring[-1] and len(ring) >= 5
            assert all((x + 100) % 16 == 0 == (y + 200) % 16 and isinstance(x, int) for x, y in ring)
    assert len({feature["id"] for feature in collection["features"]}) == len(collection["features"])
    write_tissue(path, made(downsample=16.0), offset=(100, 200))
    assert path.read_bytes() == first, "the same tissue, the same bytes"


POLYGON = {"type": "Polygon", "coordinates": [SQUARE, HOLE]}
FEATURE = {"type": "Feature", "geometry": POLYGON, "properties": {"objectType": "annotation"}}
POINT = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [3, 3]}, "properties": {}}


@pytest.mark.parametrize(
    "value",
    [
        POLYGON,
        FEATURE,
        [FEATURE],
        {"type": "FeatureCollection", "features": [FEATURE, POINT, {"type": "Feature", "geometry": None}]},
        {"type": "MultiPolygon", "coordinates": [[SQUARE, HOLE]]},
        {"type": "GeometryCollection", "geometries": [POLYGON, POINT["geometry"]]},
        {"type": "Polygon", "coordinates": [[[*point, 0.0] for point in SQUARE[:-1]], HOLE]},
    ],
    ids=["polygon", "feature", "list", "collection", "multi", "geometries", "open ring with z"],
)
def test_every_form(tmp_path: Path, value: Any) -> None:
    mask = load(tmp_path / "a.geojson", value).mask
    expected = np.zeros((30, 40), bool)
    expected[10:20, 10:30], expected[12:16, 12:16] = True, False
    assert (mask == expected).all()


def test_a_multipolygon_of_two(tmp_path: Path) -> None:
    far = [[x + 5, y + 9] for x, y in SQUARE]
    mask = load(tmp_path / "a.json", {"type": "MultiPolygon", "coordinates": [[SQUARE], [far]]}).mask
    assert mask.sum() == 200 + 200 - 15


def test_beyond_the_slide(tmp_path: Path) -> None:
    wide = [[-100, -100], [1000, -100], [1000, 15], [-100, 15]]
    mask = load(tmp_path / "a.json", {"type": "Polygon", "coordinates": [wide]}).mask
    assert mask[:15].all() and not mask[15:].any()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ({"type": "FeatureCollection", "features": []}, "holds no polygon"),
        (POINT, "holds no polygon"),
        ({"a": 1}, "no known type"),
        ([3], "no known type"),
        ({"type": "Polygon", "coordinates": []}, "no coordinates"),
        ({"type": "Polygon", "coordinates": 7}, "no coordinates"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}, "three or more points"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [2]]]}, "three or more points"),
        ({"type": "Polygon", "coordinates": [[["a", 0], [1, 1], [2, 0]]]}, "three or more points"),
        ({"type": "Polygon", "coordinates": [5]}, "three or more points"),
        ('{"type": "Polygon", "coordinates": [[[0, 0], [NaN, 1], [2, 0]]]}', "three or more points"),
        ({"type": "FeatureCollection", "features": 3}, "no known type"),
        ({"type": "MultiPolygon", "coordinates": 3}, "no coordinates"),
    ],
)
def test_refused(tmp_path: Path, value: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        load(tmp_path / "a.geojson", value)
    assert "a.geojson: " in str(caught.value) and "\n" not in str(caught.value)


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        read_tissue(tmp_path / "a.geojson", 4, 4, 1.0, 0.5)
    with pytest.raises(BadInput, match="cannot be opened"):
        read_tissue(tmp_path, 4, 4, 1.0, 0.5)


def test_areas_of_some_classes(tmp_path: Path) -> None:
    """As QuPath writes them, with a corner to count from; what has no class is passed over when classes are wanted."""
    features = [
        {"type": "Feature", "geometry": POLYGON, "properties": {"classification": {"name": "Tumour"}}},
        {"type": "Feature", "geometry": POLYGON, "properties": {"classification": {"name": "Stroma"}}},
        {"type": "Feature", "geometry": POLYGON, "properties": {"classification": None}},
        {"type": "Feature", "geometry": POLYGON},
        {"type": "Feature", "geometry": None, "properties": {"classification": {"name": "Tumour"}}},
    ]
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    assert len(load_outlines(path)) == 4
    (tumour,) = load_outlines(path, ["tumour"], offset=(100, 7))
    assert tumour.outer.tolist() == [[x + 100, y + 7] for x, y in SQUARE[:-1]] and len(tumour.holes) == 1
    assert len(load_outlines(path, ["TUMOUR", "stroma"])) == 2
    assert load_outlines(path, ["necrosis"]) == []
    joined = {
        "type": "Feature",
        "geometry": POLYGON,
        "properties": {"classification": {"names": ["Tumour", "Necrosis"]}},
    }
    path.write_text(json.dumps([joined, POLYGON]))
    assert len(load_outlines(path, ["tumour: necrosis"])) == 2  # a bare geometry cannot say what it is
    assert len(load_outlines(path, ["stroma"])) == 1


def test_areas_come_with_the_name_of_their_class(tmp_path: Path) -> None:
    square = {"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]]}
    classes = [{"name": "Tumour"}, {"names": ["Tumour", "Necrosis"]}, "Stroma", None, 3]
    features = [{"type": "Feature", "geometry": square, "properties": {"classification": each}} for each in classes]
    features += [{"type": "Feature", "geometry": square}, {"type": "Feature", "geometry": None}]
    wanted = ["Tumour", "Tumour: Necrosis", "Stroma", "", "", ""]
    for value in ({"type": "FeatureCollection", "features": features}, features):
        (tmp_path / "a.geojson").write_text(json.dumps(value))
        found = read_classified(tmp_path / "a.geojson")
        assert [name for name, _ in found] == wanted
        assert all(outline.area == 16 for _, outline in found)
    (tmp_path / "a.geojson").write_text(json.dumps(square))
    assert [name for name, _ in read_classified(tmp_path / "a.geojson")] == [""]
