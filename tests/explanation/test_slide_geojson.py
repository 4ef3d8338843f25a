"""Tiles for QuPath: closed rings where the patches are, by its own count, with their numbers."""

import json
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from saccade.explanation.slide_geojson import write_slide_geojson
from saccade.explanation.slide_sites import SlideSites
from saccade.imaging.tissue.geojson import load_outlines

WEIGHTS = [0.01, 0.09, 0.3, 0.6]  # 0.04x, 0.36x, 1.2x and 2.4x


def made() -> SlideSites:
    corners = np.array([[0, 0], [224, 0], [0, 224], [10_000, 20_000]], float)
    return SlideSites(np.concatenate([corners, corners + 224], 1), np.array(WEIGHTS), np.array([0.1, -0.2, 0.0, 0.5]))


def written(path: Path, **changes: object) -> dict:
    write_slide_geojson(path, made(), "tumour", **changes)  # type: ignore[arg-type]
    return json.loads(path.read_text())


def test_tiles_have_numbers_and_classes(tmp_path: Path) -> None:
    collection = written(tmp_path / "deep" / "s.geojson")
    assert collection["type"] == "FeatureCollection" and "tumour" in collection["description"]
    first, *_, last = collection["features"]
    assert first["geometry"]["coordinates"] == [
        [[10_000, 20_000], [10_224, 20_000], [10_224, 20_224], [10_000, 20_224], [10_000, 20_000]]
    ]
    assert first["properties"]["objectType"] == "tile" and first["properties"]["isLocked"] is True
    assert first["properties"]["measurements"] == {
        "weight": 0.6,
        "weight, equal shares": 2.4,
        "weight, percentile": 100.0,
        "rank": 1,
        "evidence for tumour": 0.5,
    }
    assert last["properties"]["measurements"]["rank"] == 4
    names = [feature["properties"]["classification"]["name"] for feature in collection["features"]]
    assert names == ["weight 1x to 4x"] * 2 + ["weight below 1x"] * 2
    colours = {tuple(feature["properties"]["classification"]["color"]) for feature in collection["features"]}
    assert len(colours) == 2 and all(0 <= value <= 255 and isinstance(value, int) for one in colours for value in one)
    assert len({uuid.UUID(feature["id"]) for feature in collection["features"]}) == 4


def test_levels_are_told_by_equal_shares(tmp_path: Path) -> None:
    count = 40
    weights = np.array([0.5, 0.15] + [0.35 / (count - 2)] * (count - 2))  # 20x, 6x and 0.4x
    boxes = np.tile([0.0, 0, 8, 8], (count, 1)) + np.arange(count)[:, None] * [8.0, 0, 8, 0]
    write_slide_geojson(tmp_path / "s.geojson", SlideSites(boxes, weights, np.zeros(count)), "a")
    features = json.loads((tmp_path / "s.geojson").read_text())["features"]
    names = [feature["properties"]["classification"]["name"] for feature in features]
    assert names[:3] == ["weight from 16x", "weight 4x to 16x", "weight below 1x"]


def test_the_offset_is_taken_off_and_comes_back(tmp_path: Path) -> None:
    plain = written(tmp_path / "a.geojson")
    cropped = written(tmp_path / "b.geojson", offset=(100, 7))
    for one, other in zip(plain["features"], cropped["features"], strict=True):
        away = np.array(one["geometry"]["coordinates"]) - np.array(other["geometry"]["coordinates"])
        assert (away == [100, 7]).all()
    back = load_outlines(tmp_path / "b.geojson", offset=(100, 7))
    assert [outline.outer[0].tolist() for outline in back] == made().boxes[[3, 2, 1, 0], :2].tolist()


def test_the_heaviest_are_kept_where_there_are_too_many(tmp_path: Path) -> None:
    collection = written(tmp_path / "s.geojson", most=3)
    assert [feature["properties"]["measurements"]["rank"] for feature in collection["features"]] == [1, 2, 3]
    assert "heaviest 3 of 4" in collection["description"]


def test_whole_or_not_and_always_the_same(tmp_path: Path) -> None:
    written(tmp_path / "s.geojson")
    before = (tmp_path / "s.geojson").read_bytes()
    written(tmp_path / "s.geojson")
    assert (tmp_path / "s.geojson").read_bytes() == before
    broken = replace(made(), evidence=np.array([0.0, np.nan, 0.0, 0.0]))
    with pytest.raises(ValueError, match="JSON"):
        write_slide_geojson(tmp_path / "s.geojson", broken, "tumour")
    assert (tmp_path / "s.geojson").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["s.geojson"]
