"""``saccade proxy`` writes a set that every later step calls a proxy."""

from collections.abc import Callable
from pathlib import Path

from saccade.cli.evaluate import about_run
from saccade.datasets.simulators import write_dataset
from saccade.datasets.sources import open_manifest
from saccade.inference.parts import choose_of_run
from saccade.inference.runs import Run
from tests.cli.conftest import Command


def test_a_proxy_is_called_that_from_images_to_report(tmp_path: Path, saccade: Command) -> None:
    cells = write_dataset(tmp_path / "cells", {"train": 4, "val": 2, "test": 2}, size=32)
    out, run = tmp_path / "opd", tmp_path / "run"
    assert "40 of 40 images as OPD-like proxy images" in saccade("proxy", "opd", "--data", cells, "--out", out).stdout
    small = ("--set", "training.epochs=1", "--set", "data.size=24")
    said = saccade("train", "--data", out, "--model", "tiny-cnn", "--out", run, *small).output
    assert "on 10 simulated OPD-like proxy cells" in said
    page = (run / "report.html").read_text()
    assert "OPD-LIKE PROXY" in page
    assert "Those images come from a simulator, not from patients" in page
    opened = Run.open(run)
    about = about_run(opened, choose_of_run(opened, open_manifest(out), "test"), failed=0)
    assert (about["simulated"], about["origin"]) == (True, "simulated OPD-like proxy")
    assert about["model_origin"] == opened.package.origin == "simulated OPD-like proxy"
    assert "trained on" in page
    trained = "note: this model was trained on simulated OPD-like proxy images"
    assert trained in saccade("evaluate", run, "--data", out, "--out", tmp_path / "eval").stdout.splitlines()
    for given, left_out in (
        (out, ["left out 40 images, such as masks, that have no row in manifest.csv"]),
        (out / "images", []),
    ):
        said = saccade("predict", run, given, "--out", tmp_path / "p.csv")
        assert said.stderr.splitlines() == left_out
        assert said.stdout.splitlines()[:2] == [trained, "note: these are simulated OPD-like proxy images"]
        assert "40 of 40 images predicted" in said.stdout
    some = next((out / "images").iterdir())
    said = saccade("explain", run, some, "--out", tmp_path / "explained").stdout.splitlines()
    assert said[:2] == [trained, "note: these are simulated OPD-like proxy images"]


def test_event_like_images(tmp_path: Path, saccade: Command) -> None:
    cells = write_dataset(tmp_path / "cells", {"test": 1}, size=32)
    said = saccade("proxy", "events", "--data", cells, "--out", tmp_path / "out").stdout
    assert "5 of 5 images as event-like proxy images" in said


def test_damaged_images_cost_a_line(tmp_path: Path, saccade: Command) -> None:
    write_dataset(tmp_path / "cells", {"test": 1}, size=24)
    (tmp_path / "cells" / "monocyte" / "simulated-monocyte_0001.png").write_bytes(b"no PNG")
    result = saccade("proxy", "opd", "--data", tmp_path / "cells", "--out", tmp_path / "out", code=3)
    assert "simulated-monocyte_0001.png" in result.stderr
    assert "4 of 5 images" in result.stdout


def test_unknown_modality(tmp_path: Path, refused: Callable[..., str]) -> None:
    assert "opd, events" in refused("proxy", "x-ray", "--data", tmp_path, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()
