import math
from pathlib import Path
from typing import Any

import pytest
import torch

from saccade.core.errors import BadInput
from saccade.datasets.cells import CellData
from saccade.training.checkpoints import BEST, LAST, KeepCheckpoints, Patience, SafeCheckpointIO, load_checkpoint
from saccade.training.data_module import ImageDataModule
from saccade.training.engine import make_trainer, run_trainer
from saccade.training.task import TrainingTask
from tests.training.miniature_cells import make_recipe, make_task


class ScriptedTask(TrainingTask):
    """A task that trains, but whose validation loss is as written."""

    script: list[float]

    def on_validation_epoch_end(self) -> None:
        super().on_validation_epoch_end()
        loss = self.script[self.current_epoch]
        self.validation = type(self.validation)(loss, self.validation.accuracy, self.validation.recalls)

    def log(self, name: str, value: Any, **options: Any) -> None:
        super().log(name, self.script[self.current_epoch], **options)


def run(cells: CellData, folder: Path, script: list[float], callbacks: list[Any], last: Path | None = None) -> Any:
    task = make_task(cells, make_recipe("tiny-cnn", epochs=len(script)))
    task.__class__ = ScriptedTask
    task.script = script  # type: ignore[attr-defined]
    trainer = make_trainer(callbacks, len(script), folder, accelerator="cpu")
    run_trainer(trainer, task, ImageDataModule.of(cells, task.recipe), last)
    return trainer


def test_tensors_and_plain_values_only(cells: CellData, tmp_path: Path) -> None:
    run(cells, tmp_path, [0.5, 0.4], [Patience(1), KeepCheckpoints(tmp_path)])
    last = torch.load(tmp_path / LAST, weights_only=True)
    assert {"state_dict", "optimizer_states", "lr_schedulers", "callbacks", "loops"} <= set(last)
    assert set(last["callbacks"]) >= {"KeepCheckpoints"}
    best = torch.load(tmp_path / BEST, weights_only=True)
    assert "optimizer_states" not in best
    assert any(name.startswith("model.") for name in best["state_dict"])


@pytest.mark.parametrize(
    ("script", "first", "best"),
    [
        ([0.1, 0.5, 0.4, 0.6], 0, 0),
        ([0.1, 0.5, 0.4, 0.6], 1, 2),
        ([0.1, 0.5, 0.4, 0.4], 1, 2),
        ([math.nan, 0.5, math.nan, 0.6], 0, 1),
        ([0.1, 0.2, math.nan, math.nan], 2, -1),
    ],
)
def test_the_best_of_the_epochs_that_count(
    script: list[float], first: int, best: int, cells: CellData, tmp_path: Path
) -> None:
    keep = KeepCheckpoints(tmp_path, first)
    run(cells, tmp_path, script, [keep])
    assert keep.best_epoch == best
    assert (tmp_path / BEST).is_file() == (best >= 0)
    if best >= 0:
        assert load_checkpoint(tmp_path / BEST)["epoch"] == best
    assert load_checkpoint(tmp_path / LAST)["epoch"] == 3


@pytest.mark.parametrize(
    ("script", "first", "epochs"),
    [
        ([0.5, 0.6, 0.7, 0.8, 0.1], 0, 3),
        ([0.5, 0.6, 0.4, 0.8, 0.1], 0, 5),
        ([0.5, 0.6, 0.7, 0.8, 0.9], 3, 5),
        ([0.1, 0.1, 0.1, 0.1, 0.1, 0.1], 1, 4),
        ([0.5, math.nan, math.nan, 0.4, 0.4], 0, 3),
    ],
)
def test_patience_counts_from_the_first_epoch_that_counts(
    script: list[float], first: int, epochs: int, cells: CellData, tmp_path: Path
) -> None:
    assert run(cells, tmp_path, script, [Patience(2, first)]).current_epoch == epochs


def test_a_training_that_had_stopped_stays_stopped(cells: CellData, tmp_path: Path) -> None:
    script = [0.5, 0.6, 0.7, 0.1]
    run(cells, tmp_path, script, [Patience(2), KeepCheckpoints(tmp_path)])
    before = load_checkpoint(tmp_path / LAST)
    trainer = run(cells, tmp_path, script, [Patience(2), KeepCheckpoints(tmp_path)], tmp_path / LAST)
    assert before["epoch"] == 2
    assert trainer.global_step == before["global_step"]


def test_a_write_that_fails_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = SafeCheckpointIO()
    keeper.save_checkpoint({"epoch": 1}, tmp_path / LAST)

    def half(checkpoint: Any, path: Path) -> None:
        Path(path).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(KeyboardInterrupt):
        keeper.save_checkpoint({"epoch": 2}, tmp_path / LAST)
    assert [path.name for path in tmp_path.iterdir()] == [LAST]
    assert keeper.load_checkpoint(tmp_path / LAST) == {"epoch": 1}


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04half"])
def test_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / LAST).write_bytes(content)
    with pytest.raises(BadInput, match=r"last.ckpt: is damaged.*--overwrite"):
        load_checkpoint(tmp_path / LAST)


def test_nothing_that_runs_code(tmp_path: Path) -> None:
    torch.save({"callback": Path}, tmp_path / LAST)
    for weights_only in (None, False):
        with pytest.raises(BadInput, match="not a checkpoint of saccade"):
            SafeCheckpointIO().load_checkpoint(tmp_path / LAST, weights_only=weights_only)
    with pytest.raises(BadInput, match="no such checkpoint"):
        load_checkpoint(tmp_path / BEST)
