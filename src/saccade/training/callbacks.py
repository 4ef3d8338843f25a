"""What is told of a training while it runs: the history, a line or a bar, and a warning when a class is lost."""

import logging
import math
import time
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from saccade.core.files import write_csv
from saccade.training.task import TrainingTask

_log = logging.getLogger(__name__)


class History(Callback):
    """One row per epoch in ``history.csv``, written anew after each, whole or not at all.

    The rows are part of the checkpoint, so that a resumed training neither loses nor repeats one. Epochs count from 1.

    Args:
        path: Where the table goes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, int | float]] = []
        self._started = 0.0
        self._learning_rate = math.nan

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note the time and the learning rate."""
        self._started = time.monotonic()
        self._learning_rate = float(trainer.optimizers[0].param_groups[0]["lr"])

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add the row of this epoch and write the table."""
        assert isinstance(pl_module, TrainingTask)
        self.rows.append(self._row(pl_module))
        if trainer.is_global_zero:
            columns = list(dict.fromkeys(name for row in self.rows for name in row))  # stages differ in their terms
            write_csv(self.path, columns, ([_shown(row.get(column)) for column in columns] for row in self.rows))

    def _row(self, task: TrainingTask) -> dict[str, int | float]:
        validation = task.validation
        budget = getattr(task.model, "budget", None)  # segmenters have none to set
        recalls = recalls_of(task)
        return {
            "epoch": task.current_epoch + 1,
            **{f"train_{name}": value for name, value in task.training_losses.items()},
            "val_loss": validation.loss,
            **({"val_accuracy": validation.accuracy} if recalls else {}),
            **validation.further,
            **({} if budget is None else {"budget": budget}),
            "pixels_read_fraction": validation.pixels_read_fraction,
            "pixels_looked_fraction": validation.pixels_looked_fraction,
            "learning_rate": self._learning_rate,
            "seconds": time.monotonic() - self._started,
            **{f"val_recall_{name}": recall for name, recall in recalls.items()},
        }

    def state_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what a checkpoint holds."""
        self.rows = list(state_dict["rows"])


class LostClasses(Callback):
    """Warns when the classes that are never recognised in validation change.

    Not in a warm-up, in which only the look learns: what a reader at its start recognises tells nothing.
    """

    def __init__(self) -> None:
        self.lost: list[str] = []

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Compare with the epoch before."""
        assert isinstance(pl_module, TrainingTask)
        if getattr(pl_module.model, "stage", None) == "warm-up":
            return
        lost = [name for name, recall in recalls_of(pl_module).items() if recall == 0]
        if lost and lost != self.lost and trainer.is_global_zero:
            message = f"epoch %d: no validation {pl_module.goal.noun} of %s is recognised"
            _log.warning(message, trainer.current_epoch + 1, ", ".join(lost))
        self.lost = lost

    def state_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"lost": self.lost}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what a checkpoint holds."""
        self.lost = list(state_dict["lost"])


def recalls_of(task: TrainingTask) -> dict[str, float]:
    """The last validation's recall of each class; none where nothing is asked about classes."""
    recalls = task.validation.recalls
    return dict(zip(task.model.classes, recalls, strict=True)) if recalls else {}


class ProgressLine(Callback):
    """Shows where a training stands: a bar on a terminal, else one line per epoch.

    Args:
        history: Whose last row is shown.
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self._bar: Progress | None = None
        self._task = TaskID(0)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open the bar where there is a terminal."""
        console = Console()
        if console.is_terminal and trainer.is_global_zero:
            parts = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
            self._bar = Progress(*parts, console=console)
            total = (trainer.max_epochs or 0) * int(trainer.num_training_batches)
            self._task = self._bar.add_task("training", total=total, completed=trainer.global_step)
            self._bar.start()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Move the bar."""
        if self._bar:
            self._bar.advance(self._task)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what the epoch came to."""
        line = epoch_line(self.history.rows[-1], trainer.max_epochs or 0)
        if self._bar:
            self._bar.update(self._task, description=line)
        elif trainer.is_global_zero:
            print(line, flush=True)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Close the bar."""
        self._close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Close the bar, or the terminal would stay without its cursor."""
        self._close()

    def _close(self) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None


def epoch_line(row: dict[str, int | float], epochs: int) -> str:
    """One epoch in one line.

    >>> row = {"epoch": 3, "train_loss": 0.5312, "val_loss": 0.3104, "val_accuracy": 0.911, "seconds": 4.08}
    >>> epoch_line({**row, "budget": 228, "pixels_read_fraction": 0.2227, "pixels_looked_fraction": 1}, epochs=120)
    'epoch 3/120  loss 0.531  val 0.310  accuracy 0.911  budget 228: 22.3 % read, 100 % looked at  4.1 s'
    """
    parts = [
        f"epoch {row['epoch']}/{epochs}",
        f"loss {row['train_loss']:.3f}",
        f"val {row['val_loss']:.3f}",
        *(f"{name} {row[f'val_{name}']:.3f}" for name in ("accuracy", "dice") if f"val_{name}" in row),
    ]
    if "budget" in row:
        read, looked = (100 * row[f"pixels_{verb}_fraction"] for verb in ("read", "looked"))
        parts.append(f"budget {row['budget']}: {read:.1f} % read, {looked:.0f} % looked at")
    return "  ".join([*parts, f"{row['seconds']:.1f} s"])


def _shown(value: int | float | None) -> str | int:
    """A number for the table; unknown is an empty cell."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:.6g}" if isinstance(value, float) else value
