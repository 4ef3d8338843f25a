"""Risks of bags by command: a table and maps; a damaged bag costs a line."""

import csv
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command


def test_bags_are_predicted_into_a_table_and_maps(times: Path, tmp_path: Path, saccade: Command) -> None:
    bags = times / "job" / "features_made-up"
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(b"nothing")
    given = (bags / "test_0.h5", damaged, bags / "test_1.h5")
    found = saccade("predict", times / "run", *given, "--out", tmp_path / "out", code=3)
    assert "skipped: " in found.output and "damaged.h5" in found.output
    rows = list(csv.DictReader((tmp_path / "out" / "predictions.csv").open()))
    assert [bool(row["error"]) for row in rows] == [False, True, False]
    assert next(name for name in rows[0] if name.startswith("s_")).startswith("s_under ")
    tiles = json.loads((tmp_path / "out" / "geojson" / "test_0.geojson").read_text())["features"]
    assert sum(tile["properties"]["measurements"]["weight"] for tile in tiles) == pytest.approx(1, abs=1e-4)
