"""Checkpoints: whole or not there at all, of tensors and plain values only, and the best one chosen fairly."""

import math
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint, EarlyStopping
from lightning.pytorch.plugins.io import TorchCheckpointIO

from saccade.core.errors import BadInput
from saccade.core.files import atomic_path
from saccade.training.task import TrainingTask

LAST, BEST = "last.ckpt", "best.ckpt"


class SafeCheckpointIO(TorchCheckpointIO):
    """Writes under a temporary name, then renames; opens nothing that could run code."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint, whole or not at all."""
        with atomic_path(path) as temporary:
            torch.save(checkpoint, temporary)

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """Load tensors and plain values, whatever was asked for."""
        return load_checkpoint(path, "cpu" if map_location is None else map_location)


def load_checkpoint(path: Path | str, map_location: Any = "cpu") -> dict[str, Any]:
    """Load a checkpoint of tensors and plain values.

    Raises:
        BadInput: It is missing, damaged, or holds anything else.
    """
    try:
        return torch.load(path, map_location=map_location, weights_only=True)
    except FileNotFoundError:
        raise BadInput("there is no such checkpoint", "start the training again with --overwrite", str(path)) from None
    except Exception as error:  # zip, pickle and runtime errors, depending on where the damage is
        reason = f"is damaged, or not a checkpoint of saccade ({type(error).__name__})"
        raise BadInput(reason, "start the training again with --overwrite", str(path)) from error


class KeepCheckpoints(Checkpoint):
    """Keeps the last epoch, to go on from, and the weights of the best, to be the model.

    The best has the smallest validation loss among the epochs that count. With a learned budget these are the ones in
    which it is frozen: an early epoch that could read half the image must not win over a late one that reads less.

    Args:
        folder: Where they go.
        first_epoch: The first epoch that counts, from 0.
    """

    def __init__(self, folder: Path, first_epoch: int = 0) -> None:
        self.folder, self.first_epoch = folder, first_epoch
        self.best_loss, self.best_epoch = math.inf, -1

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save; the best first, so that the last never speaks of a best that is not there yet."""
        assert isinstance(pl_module, TrainingTask)
        loss = pl_module.validation.loss
        if trainer.current_epoch >= self.first_epoch and loss < self.best_loss:
            self.best_loss, self.best_epoch = loss, trainer.current_epoch
            trainer.save_checkpoint(self.folder / BEST, weights_only=True)
        trainer.save_checkpoint(self.folder / LAST)

    def state_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"best_loss": self.best_loss, "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what a checkpoint holds."""
        self.best_loss, self.best_epoch = state_dict["best_loss"], state_dict["best_epoch"]


class Patience(EarlyStopping):
    """Stops after so many epochs without a better validation loss, counted from the first epoch that counts.

    Args:
        patience: Epochs to wait.
        first_epoch: The first epoch that counts, from 0.
    """

    def __init__(self, patience: int, first_epoch: int = 0) -> None:
        super().__init__("val_loss", patience=patience, mode="min", check_finite=False, check_on_train_epoch_end=True)
        self.first_epoch = first_epoch

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A training that had stopped before it was resumed does not take another epoch."""
        trainer.should_stop = trainer.should_stop or self.wait_count >= self.patience

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Count, once the epochs count."""
        if trainer.current_epoch >= self.first_epoch:
            super().on_train_epoch_end(trainer, pl_module)
