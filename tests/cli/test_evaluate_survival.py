"""Runs of survival by command: trained, validated, evaluated into a table, figures and a picture."""

import csv
import json
import shutil
from pathlib import Path

from tests.cli.conftest import Command
from tests.miniature_slides import mark_simulated


def test_training_tells_the_concordance_of_validation(times: Path) -> None:
    said = (times / "said.txt").read_text()
    assert "validation: concordance " in said and "on 6 slides" in said
    assert "no report of this task" in said
    assert not (times / "run" / "report.html").exists()


def test_evaluate_leaves_table_figures_and_picture(times: Path, tmp_path: Path, saccade: Command) -> None:
    said = saccade("evaluate", times / "run", "--data", times / "times.csv", "--out", tmp_path / "eval").output
    assert "evaluating 8 slides, test part" in said and "survival.png" in said
    metrics = json.loads((tmp_path / "eval" / "metrics.json").read_text())
    assert 0 <= metrics["concordance"]["low"] <= metrics["concordance"]["value"] <= metrics["concordance"]["high"] <= 1
    assert (metrics["n"], metrics["events"], metrics["about"]["model"]) == (8, 7, "span-survival")
    rows = list(csv.DictReader((tmp_path / "eval" / "predictions.csv").open()))
    assert [row["path"] for row in rows] == [f"test_{number}" for number in range(8)]
    assert sum(float(row["event"]) for row in rows) == 7 and all(float(row["time"]) > 0 for row in rows)
    for row in rows:
        chances = [float(value) for name, value in row.items() if name.startswith("s_")]
        assert len(chances) == 2 and chances[0] >= chances[1] > 0
    assert (tmp_path / "eval" / "survival.png").read_bytes()[:4] == b"\x89PNG"


def test_a_slide_without_features_costs_a_line_and_the_code(times: Path, tmp_path: Path, saccade: Command) -> None:
    table = tmp_path / "times.csv"
    table.write_text((times / "times.csv").read_text() + "absent,case-x,test,5,1\n")
    said = saccade("evaluate", times / "run", "--data", table, "--out", tmp_path / "eval", code=3).output
    assert "no features of 'absent'" in said
    assert json.loads((tmp_path / "eval" / "metrics.json").read_text())["n"] == 8


def test_simulated_slides_are_called_that(times: Path, tmp_path: Path, saccade: Command) -> None:
    """By what the files of their features say."""
    shutil.copytree(times / "job", tmp_path / "job")
    mark_simulated(*(tmp_path / "job").rglob("test_*.h5"))
    data = ("--data", times / "times.csv", "--features", tmp_path / "job")
    said = saccade("evaluate", times / "run", *data, "--out", tmp_path / "eval").output
    assert " simulated slides" in said
    assert json.loads((tmp_path / "eval" / "metrics.json").read_text())["about"]["simulated"] is True
