"""Runs of slides by command: train, evaluate, predict and explain, on bags and on whole slides."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.features.embedding.small_slides import write_slides
from tests.miniature_slides import make_bags, write_bag

SMALL = ("--set", "model.width=8", "--set", "model.heads=1", "--set", "training.epochs=1")


@pytest.fixture(scope="module")
def slides(tmp_path_factory: pytest.TempPathFactory, saccade: Command) -> Path:
    """A folder with bags, their table, and a run trained on them."""
    folder = tmp_path_factory.mktemp("slides")
    table = make_bags(folder)
    said = saccade("train", "--data", table, "--features", folder / "job", *SMALL, "--out", folder / "run").output
    assert "validation: accuracy" in said and "4 slides" in said and "25.0% of the pixels read" in said
    return folder


def test_a_run_of_slides_has_a_report_and_knows_its_features(slides: Path) -> None:
    config = json.loads((slides / "run" / "config.json").read_text())
    assert config["model"] == "span"
    assert config["preprocessing"]["encoder"] == "made-up"
    page = (slides / "run" / "report.html").read_text()
    assert "slides" in page and "112 µm" in page and "nan" not in page.lower().replace("finance", "")


def test_evaluate_takes_the_features_of_the_training(slides: Path, tmp_path: Path, saccade: Command) -> None:
    said = saccade("evaluate", slides / "run", "--data", slides / "labels.csv", "--out", tmp_path / "eval").output
    assert "evaluating 4 images, test part" in said
    metrics = json.loads((tmp_path / "eval" / "metrics.json").read_text())
    assert metrics["n"] == 4
    assert metrics["cost"]["patches"] == 16
    rows = list(csv.DictReader((tmp_path / "eval" / "predictions.csv").open()))
    assert [row["path"] for row in rows] == [f"test_{number}" for number in range(4)]
    assert {row["pixels_read_fraction"] for row in rows} == {"0.25"}


def test_a_slide_without_features_costs_a_line_and_the_exit_code(slides: Path, tmp_path: Path, saccade: Command) -> None:
    (tmp_path / "job").mkdir()
    shutil.copytree(slides / "job", tmp_path / "job", dirs_exist_ok=True)
    (tmp_path / "job" / "features_made-up" / "test_1.h5").unlink()
    found = saccade(
        "evaluate",
        slides / "run",
        "--data",
        slides / "labels.csv",
        "--features",
        tmp_path / "job",
        "--out",
        tmp_path / "eval",
        code=3,
    )
    assert "there are no features of 'test_1'" in found.output
    assert json.loads((tmp_path / "eval" / "metrics.json").read_text())["n"] == 3


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


def test_bags_are_explained_without_their_slides(slides: Path, tmp_path: Path, saccade: Command) -> None:
    bag = slides / "job" / "features_made-up" / "test_1.h5"
    said = saccade("explain", slides / "run", bag, "--out", tmp_path / "out").output
    assert "1 of 1 slides explained" in said
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {
        "test_1_map.png",
        "test_1_signed.png",
        "test_1_sites.csv",
        "test_1.geojson",
        "test_1_faithfulness.png",
    }


def test_whole_slides_go_all_the_way(tmp_path: Path, saccade: Command) -> None:
    """Embedded, learned from, and then predicted and explained as they are, a damaged one beside them."""
    folder, job = write_slides(tmp_path / "slides", 4), tmp_path / "job"
    options = ("--patch", 32, "--mpp", 2.0, "--source-mpp", 2.0)
    saccade("embed", folder, "--out", job, *options)
    table = tmp_path / "labels.csv"
    rows = [f"s{n},{'ab'[n % 2]},case-{n},{'train' if n < 2 else 'val'}" for n in range(4)]
    table.write_text("\n".join(["slide_id,label,case_id,split", *rows]) + "\n")
    run = tmp_path / "run"
    saccade("train", "--data", table, "--features", job, *SMALL, "--out", run)
    (folder / "broken.svs").write_bytes(b"nothing")
    found = saccade("predict", run, folder, "--source-mpp", 2.0, "--out", tmp_path / "out", code=3)
    assert "broken.svs" in found.output and "4 of 5 slides predicted" in found.output
    found = saccade("explain", run, folder, "--source-mpp", 2.0, "--out", tmp_path / "explained", code=3)
    assert "4 of 5 slides explained" in found.output
    assert len(list((tmp_path / "explained").glob("*_patches.png"))) == 4


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
    assert "holds no slide" in saccade("predict", slides / "run", empty, "--out", tmp_path / "o", code=2).output
