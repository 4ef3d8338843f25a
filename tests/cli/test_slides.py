"""Runs of slides by command: trained and evaluated on bags."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.miniature_slides import mark_simulated, write_bag


def test_a_run_of_slides_has_a_report_and_knows_its_features(slides: Path) -> None:
    config = json.loads((slides / "run" / "config.json").read_text())
    assert config["model"] == "span"
    assert config["preprocessing"]["encoder"] == "made-up"
    page = (slides / "run" / "report.html").read_text()
    assert "slides" in page and "112 µm" in page and "nan" not in page.lower().replace("finance", "")


@pytest.mark.usefixtures("quick")
def test_evaluate_takes_the_features_of_the_training(slides: Path, tmp_path: Path, saccade: Command) -> None:
    said = saccade("evaluate", slides / "run", "--data", slides / "labels.csv", "--out", tmp_path / "eval").output
    assert "evaluating 4 slides, test part" in said
    metrics = json.loads((tmp_path / "eval" / "metrics.json").read_text())
    assert metrics["n"] == 4
    assert metrics["cost"]["patches"] == 16
    rows = list(csv.DictReader((tmp_path / "eval" / "predictions.csv").open()))
    assert [row["path"] for row in rows] == [f"test_{number}" for number in range(4)]
    assert {row["pixels_read_fraction"] for row in rows} == {"0.25"}


@pytest.mark.usefixtures("quick")
def test_a_slide_without_features_costs_a_line_and_the_code(slides: Path, tmp_path: Path, saccade: Command) -> None:
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


@pytest.mark.usefixtures("quick")
def test_slides_of_the_training_are_not_tested_under_other_names(
    slides: Path, tmp_path: Path, saccade: Command, refused: Callable[..., str]
) -> None:
    table, out = tmp_path / "others.csv", tmp_path / "eval"
    command = ("evaluate", slides / "run", "--data", table, "--features", slides / "job", "--out", out)
    known = ["slides/train_0.svs,normal,new,test", "val_1.svs,tumour,new,test"]
    of_case = ["slides/test_3.svs,tumour,case-train-1,test"]
    table.write_text("\n".join(["slide_id,label,case_id,split", *known, *of_case, "test_0.svs,normal,,test"]))
    said = saccade(*command).output
    assert "note: 3 slides are left out" in said and "evaluating 1 slides" in said
    assert [row["path"] for row in csv.DictReader((out / "predictions.csv").open())] == ["test_0.svs"]
    table.write_text("\n".join(["slide_id,label,case_id,split", *known]))
    assert "holds no slide of the part 'test'" in refused(*command)
    table.write_text("\n".join(["slide_id,label,case_id,split", "slides/train_0.svs,normal,,test"]))
    assert "evaluating 1 slides, train part" in saccade(*command, "--split", "train").output


@pytest.mark.usefixtures("quick")
def test_a_slide_without_tissue_is_not_judged(slides: Path, tmp_path: Path, saccade: Command) -> None:
    shutil.copytree(slides / "job", tmp_path / "job")
    write_bag(tmp_path / "job" / "features_made-up" / "test_1.h5", "test_1.svs", "tumour", 0, side=0)
    data = ("--data", slides / "labels.csv", "--features", tmp_path / "job")
    found = saccade("evaluate", slides / "run", *data, "--out", tmp_path / "eval", code=3)
    assert "test_1.h5: holds no patch of tissue" in found.stderr
    assert json.loads((tmp_path / "eval" / "metrics.json").read_text())["n"] == 3
    rows = list(csv.DictReader((tmp_path / "eval" / "predictions.csv").open()))
    assert [bool(row["predicted"]) for row in rows] == [True, False, True, True]


@pytest.mark.usefixtures("quick")
def test_simulated_slides_are_called_that_by_every_command(slides: Path, tmp_path: Path, saccade: Command) -> None:
    """By what their bags say; the table names no case that does."""
    shutil.copytree(slides / "job", tmp_path / "job")
    bags = sorted((tmp_path / "job" / "features_made-up").glob("test_*.h5"))
    data = ("--data", slides / "labels.csv", "--features", tmp_path / "job")
    said = saccade("predict", slides / "run", *bags, "--out", tmp_path / "predicted").output
    assert "SIMULATED" not in said
    mark_simulated(bags[0])
    said = saccade("predict", slides / "run", *bags, "--out", tmp_path / "predicted").output
    assert "SIMULATED: 1 of 4 slides were made by a program" in said
    mark_simulated(*bags)
    said = saccade("explain", slides / "run", bags[0], "--out", tmp_path / "explained").output
    assert "SIMULATED: all slides were made by a program" in said
    said = saccade("evaluate", slides / "run", *data, "--out", tmp_path / "eval").output
    assert "on 4 simulated slides" in said
    assert json.loads((tmp_path / "eval" / "metrics.json").read_text())["about"]["simulated"] is True
    assert "SIMULATED DATA" in (tmp_path / "eval" / "report.html").read_text()
