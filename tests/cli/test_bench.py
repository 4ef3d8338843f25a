"""``saccade bench`` writes rows and a picture, and refuses what it cannot do before it trains."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from saccade.cli import bench


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
