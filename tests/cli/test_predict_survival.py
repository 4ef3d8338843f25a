"""Risks of bags by command: a table and maps; a damaged bag costs a line."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.miniature_slides import mark_simulated, write_bag


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


def test_nothing_but_damaged_bags_leaves_nothing(times: Path, tmp_path: Path, saccade: Command) -> None:
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(b"nothing")
    said = saccade("predict", times / "run", damaged, "--out", tmp_path / "out", code=2).output
    assert "none of the 1 slides could be predicted" in said
    assert not (tmp_path / "out" / "predictions.csv").exists()
    assert "is a file" in saccade("predict", times / "run", damaged, "--out", damaged, code=2).output


def test_a_slide_without_tissue_has_no_answer(times: Path, tmp_path: Path, saccade: Command) -> None:
    empty = tmp_path / "empty.h5"
    write_bag(empty, "empty.svs", "normal", 0, side=0)
    good = times / "job" / "features_made-up" / "test_0.h5"
    found = saccade("predict", times / "run", good, empty, "--out", tmp_path / "out", code=3)
    assert f"skipped: {empty}: holds no patch of tissue, so nothing can be said of it" in found.stderr
    assert "1 of 2 slides" in found.stdout
    row = list(csv.DictReader((tmp_path / "out" / "predictions.csv").open()))[1]
    assert "no patch of tissue" in row["error"] and not any(row[name] for name in row if name not in ("path", "error"))
    assert [path.name for path in (tmp_path / "out" / "geojson").iterdir()] == ["test_0.geojson"]


def test_maps_of_an_earlier_prediction_go(times: Path, tmp_path: Path, saccade: Command) -> None:
    bags, out = times / "job" / "features_made-up", tmp_path / "out"
    for name in ("test_0", "test_1"):
        saccade("predict", times / "run", bags / f"{name}.h5", "--out", out)
        for folder in ("geojson",):
            assert [path.stem for path in (out / folder).iterdir()] == [name]


def test_simulated_slides_are_called_that(times: Path, tmp_path: Path, saccade: Command) -> None:
    shutil.copy(times / "job" / "features_made-up" / "test_0.h5", tmp_path / "test_0.h5")
    mark_simulated(tmp_path / "test_0.h5")
    said = saccade("predict", times / "run", tmp_path / "test_0.h5", "--out", tmp_path / "out").output
    assert "SIMULATED: all slides were made by a program" in said
