import logging
import signal
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback

from saccade.core.errors import BadInput
from saccade.datasets.cells import CellData
from saccade.training.data_module import ImageDataModule
from saccade.training.engine import Interrupted, make_trainer, quiet_engine, run_trainer, stopped_with
from tests.training.gradients import KeepGradients
from tests.training.miniature_cells import make_recipe, make_task


def first_step(cells: CellData, folder: Path, devices: int) -> dict[str, torch.Tensor]:
    """The gradients of one step on one global batch, and the statistics of its batch norms."""
    recipe = make_recipe("sparse-attn-net", "model.random_share=0", "data.augmentation=null", batch_size=24, epochs=1)
    task = make_task(cells, recipe)
    path = folder / f"{devices}.pt"
    options: Any = {"devices": devices, "precision": "64-true", "accelerator": "cpu"}
    trainer = make_trainer([KeepGradients(path)], 1, folder, **options)
    run_trainer(trainer, task, ImageDataModule.of(cells, recipe.training))
    return torch.load(path, weights_only=True)


def test_two_processes_have_the_gradients_of_one(
    cells: CellData, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Two DDP processes on the CPU, batch norm in training mode and all: every gradient, in float64."""
    alone, shared = (first_step(cells, tmp_path, devices) for devices in (1, 2))
    assert alone.keys() == shared.keys()
    assert any(name.endswith("running_mean") for name in alone)
    for name in alone:
        torch.testing.assert_close(shared[name], alone[name], rtol=1e-9, atol=1e-14)
    assert capfd.readouterr().err == "", "Lightning stays quiet in other processes too"


@pytest.mark.parametrize(
    "wrong",
    [{"devices": 0}, {"precision": "8-bit"}, {"accelerator": "abacus"}, {"accelerator": "cuda", "devices": 999}],
)
def test_hardware_that_cannot_be_had(wrong: dict, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cannot be had \(.*\). Try the defaults") as caught:
        make_trainer([], 1, tmp_path, **wrong)
    assert "\n" not in str(caught.value)


class Stop(Callback):
    """Someone presses Ctrl-C."""

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        raise KeyboardInterrupt


def test_ctrl_c(cells: CellData, tmp_path: Path) -> None:
    task = make_task(cells)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Interrupted, match=r"stopped. Go on .* with --resume") as caught:
        trainer = make_trainer([Stop()], 2, tmp_path, accelerator="cpu")
        run_trainer(trainer, task, ImageDataModule.of(cells, task.recipe))
    assert caught.value.exit_code == 130
    assert signal.getsignal(signal.SIGINT) == before


def test_a_command_without_resume_says_what_it_has() -> None:
    with pytest.raises(Interrupted, match=r"^stopped\. Start again$") as caught, stopped_with("start again"):
        raise Interrupted("stopped", "go on with --resume")
    assert caught.value.exit_code == 130


def test_quiet_is_over_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    chatter = logging.getLogger("lightning.pytorch.utilities.rank_zero")
    ours = logging.getLogger("saccade.training")
    with caplog.at_level(logging.INFO, "lightning.pytorch"):
        with quiet_engine():
            chatter.info("GPU available")
            ours.warning("a class is lost")
            with pytest.warns(UserWarning, match="ours"):
                warnings.warn("ours", stacklevel=1)
        chatter.info("afterwards")
    assert [record.message for record in caplog.records] == ["a class is lost", "afterwards"]


def test_a_checkpoint_of_other_weights_is_refused_by_its_name(cells: CellData, tmp_path: Path) -> None:
    recipe = make_recipe("tiny-cnn", epochs=1)
    task, path = make_task(cells, recipe), tmp_path / "last.ckpt"
    torch.save({"state_dict": {**task.state_dict(), "model.look.more": torch.zeros(3)}}, path)
    trainer = make_trainer([], 1, tmp_path)
    with pytest.raises(BadInput, match=r"last\.ckpt: the weights are of another model.*--overwrite"):
        run_trainer(trainer, task, ImageDataModule.of(cells, recipe.training), path)
