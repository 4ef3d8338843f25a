"""The predictions table holds a row per image, good or bad, and appears whole or not at all."""

import csv
from pathlib import Path

import pytest

from saccade.inference.result import Result
from saccade.inference.tables import prediction_table
from tests.inference.test_result import make_prediction

GOOD = Result("a.png", "a.png", ("a", "b"), make_prediction())
BAD = Result("b.png", "b.png", ("a", "b"), error="b.png: the file is empty")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_rows_without_truth(tmp_path: Path) -> None:
    with prediction_table(tmp_path / "out" / "p.csv", ("a", "b")) as table:
        table.add(GOOD)
        table.add(BAD)
    good, bad = rows_of(tmp_path / "out" / "p.csv")
    assert list(good) == ["path", "predicted", "p_a", "p_b", "pixels_read_fraction", "pixels_looked_fraction", "error"]
    assert (good["path"], good["predicted"], good["error"]) == ("a.png", "b", "")
    assert float(good["p_b"]) == pytest.approx(0.8808, abs=1e-4)
    assert (good["pixels_read_fraction"], good["pixels_looked_fraction"]) == ("0.125", "1")
    assert (bad["predicted"], bad["p_a"], bad["error"]) == ("", "", "b.png: the file is empty")


def test_rows_with_truth(tmp_path: Path) -> None:
    with prediction_table(tmp_path / "p.csv", ("a", "b"), labelled=True) as table:
        table.add(GOOD, "a", "donor, 1", "folder/a.png")
        table.add(BAD, "b", "donor 2")
    good, bad = rows_of(tmp_path / "p.csv")
    assert (good["path"], good["label"], good["case_id"]) == ("folder/a.png", "a", "donor, 1")
    assert (bad["path"], bad["label"], bad["p_b"]) == ("b.png", "b", "")


def test_a_failure_leaves_the_older_table(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("older")
    with pytest.raises(RuntimeError), prediction_table(path, ("a", "b")) as table:
        table.add(GOOD)
        raise RuntimeError("the power went")
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]
