"""``saccade bench`` writes rows and a picture, and refuses what it cannot do before it trains."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from saccade.cli import bench
from tests.miniature_fields import make_fields


@pytest.mark.usefixtures("quick")
def test_a_bench_of_given_cells(
    saccade: Callable, cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "_QUICK", {"cell": ("training.epochs=1", "data.size=16"), "field": ()})
    out = tmp_path / "bench.json"
    words = ("bench", "cells", "--out", out, "--data", cells / "manifest.csv", "--models", "tiny-cnn", "--quick")
    assert "tiny-cnn" in saccade(*words).output
    (row,) = json.loads(out.read_text())
    assert row["model"] == "tiny-cnn"
    assert row["data"] == str(cells / "manifest.csv")
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("quick")
def test_a_bench_of_fields_with_boxes(saccade: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from saccade.datasets.composers import compose_fields

    monkeypatch.setattr(bench, "_QUICK", {"cell": (), "field": ("training.epochs=1",)})
    data = compose_fields(tmp_path / "fields", counts={"train": 8, "val": 4, "test": 4}, size=200)
    out, models = tmp_path / "bench.json", "oracle-patches,downscaled-cnn"
    printed = saccade("bench", "fields", "--out", out, "--data", data, "--models", models, "--quick").output
    patches, whole = json.loads(out.read_text())
    assert (patches["model"], whole["model"]) == tuple(models.split(","))
    assert all(name in printed for name in models.split(","))
    assert patches["pixels_read_fraction"] == pytest.approx(20 * 50**2 / 200**2)
    assert patches["pixels_looked_fraction"] == 0, "it is told where to read"
    assert whole["pixels_looked_fraction"] == pytest.approx(1 / 25)
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")


def test_patches_on_the_truth_need_boxes(refused: Callable[..., str], tmp_path: Path) -> None:
    data = make_fields(tmp_path / "fields", per_class=4)
    data.with_name("boxes.csv").unlink()
    words = ("--models", "oracle-patches", "--quick", "--out", tmp_path / "bench.json")
    assert "without truth boxes" in refused("bench", "fields", "--data", data, *words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("slides",), "Say cells or fields"),
        (("cells", "--models", "attention-sampling"), "no model of cells"),
        (("fields", "--models", "tiny-cn"), "tiny-cnn"),
    ],
)
def test_refusals(words: tuple[str, ...], message: str, refused: Callable[..., str], tmp_path: Path) -> None:
    assert message in refused("bench", *words, "--out", tmp_path / "bench.json")


def test_the_name_must_be_json(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "NAME.json" in refused("bench", "cells", "--out", tmp_path / "bench.csv")
