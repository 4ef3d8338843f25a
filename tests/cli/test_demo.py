"""``saccade demo`` goes from nothing to a report, and calls what it simulated simulated."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from saccade.cli import demo
from saccade.training.callbacks import LostClasses


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few small images and one epoch."""
    monkeypatch.setattr(demo, "_CELLS_PER_CLASS", 10)
    monkeypatch.setattr(demo, "_RECIPE", ("training.epochs=1", "data.size=16"))


@pytest.mark.usefixtures("quick", "small")
def test_a_demonstration(saccade: Callable, refused: Callable[..., str], tmp_path: Path) -> None:
    out = tmp_path / "demo" / "cells"
    printed = saccade("demo", "cells", "--out", out).output
    assert "none of these images is real" in printed
    assert "simulated images" in printed.splitlines()[-1] or "simulated images" in printed
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["n"] == 10
    assert metrics["about"]["simulated"]
    page = (out / "report.html").read_text()
    assert "SIMULATED DATA" in page.upper()
    assert "nucleus" in page
    assert (out / "run" / "recipe.yaml").is_file()

    (out / "notes.txt").write_text("mine")
    assert "--overwrite" in refused("demo", "--out", out)
    assert "not empty" in refused("demo", "--out", out, "--overwrite")  # for notes.txt is not the demonstration's
    assert (out / "notes.txt").read_text() == "mine"


@pytest.mark.usefixtures("quick", "small")
def test_a_demonstration_again(saccade: Callable, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "report.html").write_text("older")
    saccade("demo", "--out", tmp_path, "--overwrite")
    assert "older" not in (tmp_path / "report.html").read_text()


@pytest.mark.usefixtures("quick", "small")
def test_a_demonstration_that_is_stopped(saccade: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no --resume; what it names instead works."""

    def stop(self: LostClasses, trainer: Any, pl_module: Any) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "demo"
    with monkeypatch.context() as patch:
        patch.setattr(LostClasses, "on_train_epoch_end", stop)
        line = saccade("demo", "cells", "--out", out, code=130).stderr.splitlines()[-1]
    assert line == "error: stopped. Start again with --overwrite"
    saccade("demo", "cells", "--out", out, "--overwrite")
    assert (out / "report.html").is_file()


@pytest.mark.usefixtures("quick")
def test_a_demonstration_of_fields(tmp_path: Path) -> None:
    """Sixteen small fields, two patch sizes: the report compares them and tells whether the truth is read."""
    short = ("training.epochs=2", "curriculum.warm_up=1", "curriculum.reading=0", "curriculum.gate=1.0")
    sizes = ("model.budget=2", "model.factor=12", "model.read_width=4")
    demo.demo_fields(tmp_path, {"train": 8, "val": 4, "test": 4}, (*short, *sizes), size=300)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["n"] == 4
    assert metrics["about"]["simulated"]
    assert {path.name for path in tmp_path.iterdir()} <= set(demo._OWN)
    page = (tmp_path / "report.html").read_text()
    assert "SIMULATED DATA" in page.upper()
    assert 'id="runs"' in page and "Patch sizes side by side" in page
    assert 'id="box-pointing"' in page


def test_other_scales(refused: Callable[..., str]) -> None:
    said = refused("demo", "organs")
    assert all(f"saccade demo {scale}" in said for scale in ("cells", "fields", "slides"))
