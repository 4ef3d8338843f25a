"""``saccade demo slides`` goes from simulated slide files to a report."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from saccade.cli import demo, demo_slides
from saccade.datasets.simulators.slides import sets

SMALL = {"size": 512, "mpp": 4.0, "patch": 32}
COUNTS = {"train": 4, "val": 2, "test": 4}


@pytest.mark.usefixtures("quick")
def test_a_demonstration_of_slides(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo_slides.demo_slides(tmp_path, COUNTS, ("training.epochs=2", "model.width=64"), **SMALL)
    printed = capsys.readouterr().out
    assert "none of this tissue is real" in printed and "simulated slides" in printed.splitlines()[-1]
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["n"] == 4 and metrics["about"]["split"] == "test"
    assert metrics["about"]["simulated"]
    assert {path.name for path in tmp_path.iterdir()} <= set(demo._OWN)
    assert metrics["slide_pointing"]["n"] == 2
    page = (tmp_path / "report.html").read_text()
    assert "SIMULATED DATA" in page.upper()
    assert all(f'<section id="{key}">' in page for key in ("slides", "slide-pointing", "faithfulness", "cost"))
    assert "weigh most" in page, "the slides are at hand"


def test_every_slide_of_a_tumour_has_one() -> None:
    """And one of the usual size: on a slide half as wide there would be room for a smaller one only."""
    side = demo_slides.SIZE * demo_slides.MPP
    for number in range(8):
        label = ("normal", "tumour")[number % 2]
        drawn = sets._tissue(label, side, sets._seed(0, sets.TUMOUR, "train", number))
        tumours = [region.outline for region in drawn.regions if region.kind == "tumour"]
        assert bool(tumours) == (label == "tumour")
        assert all(np.ptp(outline, axis=0).max() > 300 for outline in tumours)


def test_overwriting_removes_the_features_too(
    saccade: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("data", "job", "run"):
        (tmp_path / name).mkdir()
    begun: list[Path] = []
    monkeypatch.setattr(demo_slides, "demo_slides", lambda out, *_: begun.append(out))
    saccade("demo", "slides", "--out", tmp_path, "--overwrite")
    assert begun == [tmp_path] and not list(tmp_path.iterdir())
