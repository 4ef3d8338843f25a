"""What other tasks than classification are refused by command: one line each, and nothing written."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import SMALL_SPAN


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [("time", "", "the time is missing"), ("event", "2", "event '2' is neither 0 nor 1")],
)
def test_a_bad_table_is_one_line(
    column: str, text: str, message: str, times: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    lines = [line.split(",") for line in (times / "times.csv").read_text().splitlines()]
    for number, name in enumerate(lines[0]):
        if name == column:
            lines[-1][number] = text
    table = tmp_path / "times.csv"
    table.write_text("\n".join(map(",".join, lines)))
    assert message in refused("evaluate", times / "run", "--data", table, "--out", tmp_path / "eval")
    data = ("--data", table, "--features", times / "job", "--model", "span-survival")
    assert message in refused("train", *data, "--out", tmp_path / "run", *SMALL_SPAN)
    assert not (tmp_path / "eval").exists() and not (tmp_path / "run").exists()


def test_options_of_classes_are_refused(times: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    common = ("evaluate", times / "run", "--data", times / "times.csv")
    assert "--draws is for runs that give a class" in refused(*common, "--draws", "3")
    assert "--beside is for runs that give a class" in refused(*common, "--beside", times / "run")
    assert "--labels is for runs that give a class" in refused(*common, "--labels", times / "times.csv")


def test_what_compares_classes_refuses_other_tasks(
    times: Path, annotated: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    data = ("--data", times / "times.csv", "--features", times / "job")
    for model in ("span-survival", "span-unet"):
        assert f"{model} is for " in refused("cv", *data, "--model", model, "--out", tmp_path / "cv")
    bag = times / "job" / "features_made-up" / "test_0.h5"
    assert "this run gives times" in refused("explain", times / "run", bag, "--out", tmp_path / "explained")
    assert "draws that map already" in refused("explain", annotated / "run", bag, "--out", tmp_path / "explained")
    assert not list(tmp_path.iterdir())
