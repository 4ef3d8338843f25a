import csv
import logging
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from saccade.datasets.cells import CellData
from saccade.training import callbacks
from saccade.training.callbacks import History, LostClasses, ProgressLine, epoch_line
from saccade.training.data_module import ImageDataModule
from saccade.training.engine import make_trainer, run_trainer
from saccade.training.goals import Validation
from tests.training.miniature_cells import make_recipe, make_task


def run(cells: CellData, folder: Path, used: list[Any], model: str = "sparse-attn-net", epochs: int = 2) -> Any:
    task = make_task(cells, make_recipe(model))
    trainer = make_trainer(used, epochs, folder, accelerator="cpu")
    run_trainer(trainer, task, ImageDataModule.of(cells, task.recipe))
    return trainer


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("model", ["sparse-attn-net", "tiny-cnn"])
def test_history(model: str, cells: CellData, tmp_path: Path) -> None:
    history = History(tmp_path / "history.csv")
    run(cells, tmp_path, [history], model)
    rows = rows_of(tmp_path / "history.csv")
    terms = ["train_cross_entropy", *(["train_distillation"] if model == "sparse-attn-net" else [])]
    budget = ["budget"] if model == "sparse-attn-net" else []
    recalls = [f"val_recall_{name}" for name in cells.classes]
    tail = ["pixels_read_fraction", "pixels_looked_fraction", "learning_rate", "seconds", *recalls]
    assert list(rows[0]) == ["epoch", "train_loss", *terms, "val_loss", "val_accuracy", *budget, *tail]
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert [path.name for path in tmp_path.iterdir()] == ["history.csv"], (
        "nothing half-written, no folder of Lightning's"
    )


def test_history_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    history = History(tmp_path / "history.csv")
    history.rows = [{"epoch": 1}, {"epoch": 2}]
    resumed = History(tmp_path / "history.csv")
    resumed.load_state_dict(history.state_dict())
    resumed.rows.append({"epoch": 3})
    assert [row["epoch"] for row in resumed.rows] == [1, 2, 3]
    assert len(history.rows) == 2


def test_unknown_recalls_are_empty_cells(cells: CellData, tmp_path: Path) -> None:
    kept = [i for i, row in enumerate(cells.rows) if not (row.split == "val" and row.label == "green")]
    run(cells.take(kept), tmp_path, [History(tmp_path / "history.csv")])
    assert {row["val_recall_green"] for row in rows_of(tmp_path / "history.csv")} == {""}


def test_lost_classes_are_told_once(cells: CellData, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    trainer = make_trainer([], 1, tmp_path, accelerator="cpu")
    task = make_task(cells)
    watch = LostClasses()
    nan = float("nan")
    with caplog.at_level(logging.WARNING, "saccade"):
        for recalls in [(0.5, nan, 1.0), (0.0, nan, 1.0), (0.0, nan, 1.0), (0.0, nan, 0.0), (0.5, 0.5, 0.5)]:
            task.validation = Validation(recalls=recalls)
            watch.on_train_epoch_end(trainer, task)
    assert [record.message for record in caplog.records] == [
        "epoch 1: no validation image of blue is recognised",
        "epoch 1: no validation image of blue, red is recognised",
    ]


def test_of_a_warm_up_no_class_is_told_to_be_lost(
    cells: CellData, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trainer, task, watch = make_trainer([], 1, tmp_path, accelerator="cpu"), make_task(cells), LostClasses()
    task.validation = Validation(recalls=(0.0, 0.5, 0.5))
    for stage, lines in (("warm-up", 0), ("reading", 1)):
        task.model.stage = stage  # type: ignore[assignment]
        watch.on_train_epoch_end(trainer, task)
        assert len(caplog.records) == lines


def test_one_line_per_epoch(cells: CellData, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = History(tmp_path / "history.csv")
    run(cells, tmp_path, [history, ProgressLine(history)])
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [epoch_line(row, 2) for row in history.rows]
    assert printed.err == "", "Lightning stays quiet"


def test_a_bar_on_a_terminal(
    cells: CellData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(callbacks, "Console", lambda: Console(force_terminal=True, width=150))
    history = History(tmp_path / "history.csv")
    line = ProgressLine(history)
    run(cells, tmp_path, [history, line])
    assert epoch_line(history.rows[-1], 2)[:40] in capsys.readouterr().out


def test_the_line_of_a_model_without_budget() -> None:
    row = {"epoch": 1, "train_loss": 1.0, "val_loss": float("nan"), "val_accuracy": 0.5, "seconds": 61.0}
    assert epoch_line(row, 2) == "epoch 1/2  loss 1.000  val nan  accuracy 0.500  61.0 s"
