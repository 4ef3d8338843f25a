"""``saccade predict`` for runs of slides: bags or whole slides in, a table and tiles for QuPath out."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from saccade.features.store import BagAttributes, BagWriter
from tests.cli.conftest import Command
from tests.miniature_slides import DIM, write_bag


def test_bags_are_predicted_into_a_table_and_maps(slides: Path, tmp_path: Path, saccade: Command) -> None:
    bags = slides / "job" / "features_made-up"
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(b"nothing")
    given = (bags / "test_0.h5", damaged, bags / "test_1.h5")
    found = saccade("predict", slides / "run", *given, "--out", tmp_path / "out", code=3)
    assert "skipped: " in found.output and "damaged.h5" in found.output
    rows = list(csv.DictReader((tmp_path / "out" / "predictions.csv").open()))
    assert [bool(row["error"]) for row in rows] == [False, True, False]
    tiles = json.loads((tmp_path / "out" / "geojson" / "test_0.geojson").read_text())["features"]
    assert len(tiles) == 16
    assert sum(tile["properties"]["measurements"]["weight"] for tile in tiles) == pytest.approx(1, abs=1e-4)
    assert not any("evidence" in name for name in tiles[0]["properties"]["measurements"])


def test_what_does_not_belong_together_is_one_line(slides: Path, tmp_path: Path, saccade: Command) -> None:
    bag = slides / "job" / "features_made-up" / "test_0.h5"
    taken = tmp_path / "taken.csv"
    taken.write_text("")
    assert "is a file" in saccade("predict", slides / "run", bag, "--out", taken, code=2).output
    assert "of fields" in saccade("explain", slides / "run", bag, "--boxes", taken, code=2).output
    other = tmp_path / "other.h5"
    write_bag(other, "other.svs", "normal", 0, encoder="uni")
    assert "made-up's are wanted" in saccade("predict", slides / "run", other, "--out", tmp_path / "o", code=2).output
    empty = tmp_path / "empty"
    empty.mkdir()
    for verb in ("predict", "explain"):
        said = saccade(verb, slides / "run", empty, "--out", tmp_path / "o", code=2)
        assert "holds no slide" in said.stderr and "embedding" not in said.output


def test_patches_in_one_place_are_told_what_a_run_offers(slides: Path, tmp_path: Path, saccade: Command) -> None:
    places = np.array([[0, 0], [448, 0], [448, 0], [0, 448]], np.int64)
    told = BagAttributes("a.svs", patch_size=224, patch_size_level0=448, mpp=0.5, source_mpp=0.25, encoder="made-up")
    with BagWriter(tmp_path / "a.h5", rows=4, dim=DIM, coords=places, attributes=told) as writer:
        writer.put(0, np.ones((4, DIM), np.float32))
    said = saccade("predict", slides / "run", tmp_path / "a.h5", "--out", tmp_path / "out", code=2).stderr
    assert "share a place" in said and "train with data.snap=nearest" in said and "--snap" not in said
