"""Real fields from manifest to explanation: 60 H&E fields of few patients, for the pipeline and not for accuracy."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

SMALL = ("model.patch=48", "model.factor=16", "model.budget=3", "model.read_width=4")
SHORT = ("training.epochs=3", "curriculum.warm_up=1", "curriculum.reading=1", "curriculum.gate=1.0")


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_osteosarcoma(saccade: Callable, real_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """By case, with the warning that class and case are confounded wherever a split is made."""
    data, run = real_data / "osteosarcoma_fields", tmp_path / "run"
    warning = "class and case are confounded"
    assert warning in saccade("check", data).output

    changes = [word for change in (*SMALL, *SHORT) for word in ("--set", change)]
    saccade("train", "--data", data, "--model", "attention-sampling", "--out", run, *changes)
    assert warning in caplog.text  # without a test around it the log goes to the standard error stream
    with (run / "splits.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    parts = {row["case_id"]: {other["split"] for other in rows if other["case_id"] == row["case_id"]} for row in rows}
    assert len(rows) == 60 and len(parts) == 7
    assert all(len(each) == 1 for each in parts.values())
    assert {row["label"] for row in rows if row["split"] == "train"} == {"Non-Tumor", "Non-Viable-Tumor", "Viable"}
    with (run / "history.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 3

    printed = saccade("evaluate", run, "--data", data, "--draws", 2, "--out", tmp_path / "eval").output
    metrics = json.loads((tmp_path / "eval" / "metrics.json").read_text())
    tested = [row for row in rows if row["split"] == "test"]
    assert metrics["n"] == len(tested) and metrics["about"]["split"] == "test"
    assert metrics["draws"]["count"] == 2 and "2 random draws" in printed
    assert metrics["cost"]["pixels_read_fraction"] == pytest.approx(3 * 48**2 / 1024**2)
    assert metrics["cost"]["pixels_looked_fraction"] == pytest.approx(1 / 16**2)

    saccade("explain", run, data / tested[0]["path"], "--out", tmp_path / "explained")
    (sites,) = (tmp_path / "explained").glob("*_sites.csv")
    with sites.open(newline="") as file:
        assert sum(float(site["weight"]) for site in csv.DictReader(file)) == pytest.approx(1, abs=1e-3)
    assert len(list((tmp_path / "explained").glob("*.png"))) == 3
