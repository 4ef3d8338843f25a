"""Patches of bags by command: a table, maps for QuPath and tables of patches; a damaged bag costs a line."""

import csv
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.miniature_annotated import SIDE


def test_bags_are_segmented(annotated: Path, tmp_path: Path, saccade: Command) -> None:
    bags = annotated / "job" / "features_made-up"
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(b"nothing")
    given = (bags / "test_0.h5", damaged, bags / "test_1.h5")
    found = saccade("predict", annotated / "run", *given, "--out", tmp_path / "out", code=3)
    assert "skipped: " in found.output and "damaged.h5" in found.output and "2 of 3 slides segmented" in found.output
    rows = list(csv.DictReader((tmp_path / "out" / "predictions.csv").open()))
    assert [bool(row["error"]) for row in rows] == [False, True, False]
    tiles = json.loads((tmp_path / "out" / "geojson" / "test_0.geojson").read_text())["features"]
    patches = list(csv.DictReader((tmp_path / "out" / "patches" / "test_0.csv").open()))
    assert len(tiles) == len(patches) == SIDE**2
    names = [tile["properties"]["classification"]["name"] for tile in tiles]
    assert names == [row["predicted"] for row in patches]
    assert float(rows[0]["share_tumour"]) == pytest.approx(names.count("tumour") / SIDE**2, abs=1e-5)
    assert all(abs(float(row["p_normal"]) + float(row["p_tumour"]) - 1) < 1e-5 for row in patches)
