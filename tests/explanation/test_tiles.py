"""Tiles: closed rings of whole numbers, the same for the same patch, whole files or none."""

import json
from pathlib import Path

import pytest

from saccade.explanation.tiles import short, tile, write_tiles


def test_a_tile_is_a_locked_square_with_its_class() -> None:
    made = tile([1.0, 2.0, 3.5, 4.00049], "tumour", (1, 2, 3), {"p": 0.5})
    assert made["geometry"] == {"type": "Polygon", "coordinates": [[[1, 2], [3.5, 2], [3.5, 4.0], [1, 4.0], [1, 2]]]}
    assert made["properties"]["objectType"] == "tile" and made["properties"]["isLocked"] is True
    assert made["properties"]["classification"] == {"name": "tumour", "color": [1, 2, 3]}
    assert made["id"] == tile([1.0, 2.0, 3.5, 4.00049], "normal", (0, 0, 0), {})["id"]
    assert made["id"] != tile([0.0] * 4, "tumour", (1, 2, 3), {})["id"]
    assert short(0.12345678) == 0.123457


def test_files_are_whole_or_not_there(tmp_path: Path) -> None:
    write_tiles(tmp_path / "a.geojson", 'a "note"', [tile([0, 0, 1, 1], "x", (0, 0, 0), {})] * 2)
    held = json.loads((tmp_path / "a.geojson").read_text())
    assert held["description"] == 'a "note"' and len(held["features"]) == 2
    write_tiles(tmp_path / "none.geojson", "", [])
    assert json.loads((tmp_path / "none.geojson").read_text())["features"] == []
    with pytest.raises(ValueError, match="JSON"):
        write_tiles(tmp_path / "b.geojson", "", [tile([0, 0, 1, 1], "x", (0, 0, 0), {"p": float("nan")})])
    assert not (tmp_path / "b.geojson").exists()
