"""Lightning as it is used here: several processes without launching the program again, and no remarks of its own."""

import logging
import os
import signal
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningDataModule, LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins import DoublePrecision
from lightning.pytorch.strategies import DDPStrategy

from saccade.core.errors import BadInput, SaccadeError
from saccade.training.checkpoints import SafeCheckpointIO, load_checkpoint
from saccade.training.global_norm import GlobalBatchNorm

_LOGGERS = ("lightning.pytorch", "lightning.fabric", "pytorch_lightning")
_TORCH_LEVEL = "TORCH_CPP_LOG_LEVEL"


class Interrupted(SaccadeError):
    """The user stopped the training."""

    exit_code = 130


class SpawnedProcesses(DDPStrategy):
    """One process per device, each with its share of every batch; gradients are averaged.

    They are spawned with what they need. Lightning's other way is to run the command line anew in each, which would
    find the output folder taken.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(start_method="spawn", **options)

    def setup_environment(self) -> None:
        """The first thing that a spawned process does; what silenced Lightning before does not reach there."""
        _silence()
        super().setup_environment()


class DoubleWeights(DoublePrecision):
    """Double precision; batches are left to the task, which knows what is in them. Lightning takes bags apart."""

    def convert_input(self, data: Any) -> Any:
        """The batch as it is."""
        return data


def make_trainer(
    callbacks: Sequence[Callback],
    epochs: int,
    folder: Path,
    *,
    devices: int = 1,
    precision: str = "32-true",
    accelerator: str = "auto",
    idle: bool = False,
) -> Trainer:
    """Lightning's trainer, with nothing of its own on disk or screen.

    Args:
        callbacks: What happens around steps and epochs.
        epochs: At most.
        folder: Lightning's own; nothing is written there.
        devices: Processes that share the batches.
        precision: Lightning's words.
        accelerator: Lightning's words.
        idle: Whether a step may leave parameters without a gradient, as slides do: which, depends on the slides of each
            process, so the processes find out at every step and wait for none of them.

    Raises:
        BadInput: There are no such devices, or they know no such precision.
    """
    settings: Any = {} if precision == DoubleWeights.precision else {"precision": precision}
    plugins = [SafeCheckpointIO(), GlobalBatchNorm(), *([] if settings else [DoubleWeights()])]
    try:
        with quiet_engine():
            return Trainer(
                accelerator=accelerator,
                devices=devices,
                strategy=SpawnedProcesses(find_unused_parameters=idle) if devices > 1 else "auto",
                max_epochs=epochs,
                callbacks=list(callbacks),
                plugins=plugins,
                default_root_dir=folder,
                enable_checkpointing=any(isinstance(each, Checkpoint) for each in callbacks),
                logger=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                num_sanity_val_steps=0,
                use_distributed_sampler=False,
                **settings,
            )
    except (ValueError, RuntimeError, TypeError, ImportError) as error:  # and Lightning's own, which is an Exception
        raise _refused(error, devices, precision) from error
    except Exception as error:
        if type(error).__name__ != "MisconfigurationException":
            raise
        raise _refused(error, devices, precision) from error


def run_trainer(trainer: Trainer, task: LightningModule, data: LightningDataModule, last: Path | None = None) -> None:
    """Train, from a checkpoint where there is one.

    Raises:
        BadInput: The checkpoint is damaged.
        Interrupted: The user pressed Ctrl-C.
    """
    last = last if last and last.is_file() else None
    if last:
        _check_fits(load_checkpoint(last), task, last)  # a damaged one is found here, with its name
    on_interrupt = signal.getsignal(signal.SIGINT)
    try:
        with quiet_engine():
            trainer.fit(task, datamodule=data, ckpt_path=last)
    except SystemExit as error:
        if not trainer.interrupted:
            raise
        signal.signal(signal.SIGINT, on_interrupt)  # Lightning would have it ignored from here on
        raise Interrupted("stopped", "go on from the last finished epoch with --resume") from error


def _check_fits(checkpoint: dict[str, Any], task: LightningModule, path: Path) -> None:
    """Whether the checkpoint's weights are those of the model."""
    had, has = (
        {name: each.shape for name, each in one.items()} for one in (checkpoint["state_dict"], task.state_dict())
    )
    if had != has:
        message = "the weights are of another model, or of another version of saccade"
        raise BadInput(message, "start the training again with --overwrite", str(path))


@contextmanager
def stopped_with(remedy: str) -> Iterator[None]:
    """Within it, a training that is stopped says how the command around it goes on; most have no ``--resume``."""
    try:
        yield
    except Interrupted as error:
        raise Interrupted(error.message, remedy, error.source) from error


@contextmanager
def quiet_engine() -> Iterator[None]:
    """Without Lightning's and torch's remarks on hardware, workers and loggers; their errors come through."""
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    before = os.environ.get(_TORCH_LEVEL)
    os.environ[_TORCH_LEVEL] = before or "ERROR"  # for the processes begun within; its remarks pass Python by
    try:
        with warnings.catch_warnings():
            _silence()
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        if before is None:
            del os.environ[_TORCH_LEVEL]


def _silence() -> None:
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(lightning|pytorch_lightning)\.")


def _refused(error: Exception, devices: int, precision: str) -> BadInput:
    reason = next(iter(str(error).splitlines()), type(error).__name__)
    return BadInput(f"--devices {devices} --precision {precision} cannot be had ({reason})", "try the defaults")
