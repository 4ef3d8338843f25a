"""The example scripts run on a small trained run."""

import runpy
from pathlib import Path

import pytest


def run_example(root: Path, name: str, monkeypatch: pytest.MonkeyPatch, *words: object) -> None:
    monkeypatch.setattr("sys.argv", [name, *map(str, words)])
    runpy.run_path(str(root / "examples" / name), run_name="__main__")


def test_predict_a_folder(
    root: Path, trained: Path, miniature: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_example(root, "predict_a_folder.py", monkeypatch, trained, miniature / "images")
    assert "first.png: " in capsys.readouterr().out  # two epochs leave the model unsure


def test_picture_of_a_prediction(
    root: Path,
    trained: Path,
    miniature: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    picture = tmp_path / "picture.png"
    run_example(root, "picture_of_a_prediction.py", monkeypatch, trained, miniature / "images" / "third.jpg", picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out.count("weight") == 5


def test_every_example_is_run(root: Path) -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert all(path.name in source for path in (root / "examples").glob("*.py"))
