"""Patches of bags by command: a table, maps for QuPath and tables of patches; a damaged bag costs a line."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.miniature_annotated import SIDE
from tests.miniature_slides import mark_simulated, write_bag


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


def test_nothing_but_damaged_bags_leaves_nothing(annotated: Path, tmp_path: Path, saccade: Command) -> None:
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(b"nothing")
    said = saccade("predict", annotated / "run", damaged, "--out", tmp_path / "out", code=2).output
    assert "none of the 1 slides could be predicted" in said
    assert not (tmp_path / "out" / "predictions.csv").exists()


def test_a_slide_without_tissue_has_no_answer(annotated: Path, tmp_path: Path, saccade: Command) -> None:
    empty = tmp_path / "empty.h5"
    write_bag(empty, "empty.svs", "normal", 0, side=0)
    good = annotated / "job" / "features_made-up" / "test_0.h5"
    found = saccade("predict", annotated / "run", good, empty, "--out", tmp_path / "out", code=3)
    assert f"skipped: {empty}: holds no patch of tissue, so nothing can be said of it" in found.stderr
    assert "1 of 2 slides" in found.stdout
    row = list(csv.DictReader((tmp_path / "out" / "predictions.csv").open()))[1]
    assert "no patch of tissue" in row["error"] and not any(row[name] for name in row if name not in ("path", "error"))
    assert [path.name for path in (tmp_path / "out" / "geojson").iterdir()] == ["test_0.geojson"]


def test_maps_of_an_earlier_prediction_go(annotated: Path, tmp_path: Path, saccade: Command) -> None:
    bags, out = annotated / "job" / "features_made-up", tmp_path / "out"
    for name in ("test_0", "test_1"):
        saccade("predict", annotated / "run", bags / f"{name}.h5", "--out", out)
        for folder in ("geojson", "patches"):
            assert [path.stem for path in (out / folder).iterdir()] == [name]


def test_simulated_slides_are_called_that(annotated: Path, tmp_path: Path, saccade: Command) -> None:
    shutil.copy(annotated / "job" / "features_made-up" / "test_0.h5", tmp_path / "test_0.h5")
    mark_simulated(tmp_path / "test_0.h5")
    said = saccade("predict", annotated / "run", tmp_path / "test_0.h5", "--out", tmp_path / "out").output
    assert "SIMULATED: all slides were made by a program" in said
