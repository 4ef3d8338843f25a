"""How the budget is learned: one half of a training tries all budgets, the other settles on the one that is enough.

Source: ours. The paper says only "based on loss convergence trends"; a comparison of each epoch's loss with the best so
far counts down to its floor (docs/log.md).
"""

import math
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from saccade.core.contract import SparseClassifier
from saccade.core.files import write_csv
from saccade.training.seeds import Purpose, derive_seed
from saccade.training.task import TrainingTask, add_counts

COLUMNS = ("share", "val_loss", "kept")
"""Of the table that a search leaves; ``kept`` is 1 for what the training went on with, else 0."""

_LEARNED = 0.9
"""Of the loss of guessing: what has to be reached before the losses with fewer pixels mean anything."""

_STEP = 0.8
"""From one share that is tried to the next smaller one."""


@dataclass(frozen=True)
class BudgetState:
    """Where the rule stands; plain values, saved in checkpoints.

    Attributes:
        share: Budget of the coming epoch, as a share of the image's pixels.
        epoch: Epochs finished.
        losses: Sum, over the epochs that were measured, of the validation loss with each of the rule's shares.
        measured: How many epochs that were.
    """

    share: float
    epoch: int = 0
    losses: tuple[float, ...] = ()
    measured: int = 0

    @property
    def means(self) -> list[float]:
        """The losses, over the epochs that were measured."""
        return [loss / self.measured for loss in self.losses]


@dataclass(frozen=True)
class BudgetRule:
    """A budget found by trying all.

    In the first part of a training each step reads another share of the pixels, so that the same weights know them all.
    At the end of that part the validation images are read with every share of a ladder, and the smallest is taken that
    is enough: from the one with the least loss downwards, as long as the loss is at most ``tolerance`` larger. The rest
    of the training reads that share, so that the weights settle on it. All losses have weights and images in common, so
    neither the progress of the training nor a lucky epoch counts, and nothing depends on where the search began.

    >>> rule = BudgetRule(epochs=2, floor=0.1, ceiling=0.2)
    >>> [round(share, 3) for share in rule.shares]
    [0.2, 0.16, 0.128, 0.102]
    >>> round(rule.after(rule.initial(), (1.00, 0.99, 1.02, 1.30)).share, 3)
    0.128

    Args:
        epochs: Epochs of the training, one or more.
        floor: Smallest share of the pixels that is tried.
        ceiling: Largest; what a training reads that is too short for a search.
        tolerance: How much larger the loss may be than the least, as a share of it.
        least_loss: Loss in nats that a smaller one counts as; where nearly all is right, a share of next to nothing is
            no reason to read more. 0.2 is the loss of a probability of 82 %.
        searched: First part of the epochs, rounded down, in which all shares are tried.
        measured: How many epochs at the end of that part are measured, and averaged.
        guessing: Loss of guessing. Weights that have hardly learned do as well with any share: unless the least loss is
            below nine tenths of it, the ceiling stays.
    """

    epochs: int
    floor: float = 0.02
    ceiling: float = 0.30
    tolerance: float = 0.05
    least_loss: float = 0.2
    searched: float = 0.5
    measured: int = 5
    guessing: float = math.inf

    @property
    def first_settled(self) -> int:
        """The first epoch, counted from 0, that reads what was found."""
        return min(int(self.searched * self.epochs + 1e-9), self.epochs - 1)

    @property
    def shares(self) -> tuple[float, ...]:
        """The ladder, from the ceiling down; every rung is four fifths of the one above."""
        rungs = int(math.log(self.floor / self.ceiling) / math.log(_STEP) + 1e-9) + 1
        return tuple(self.ceiling * _STEP**rung for rung in range(rungs))

    def initial(self) -> BudgetState:
        """The state before the first epoch."""
        return BudgetState(self.ceiling)

    def searches(self, state: BudgetState) -> bool:
        """Whether the steps of this epoch read various shares."""
        return state.epoch < self.first_settled

    def measures(self, state: BudgetState) -> bool:
        """Whether the validation of this epoch reads every share."""
        return self.first_settled - self.measured <= state.epoch < self.first_settled

    def share_of_step(self, state: BudgetState, seed: int) -> float:
        """The budget of one training step: while searching, evenly between the bounds on a logarithmic scale."""
        if not self.searches(state):
            return state.share
        return self.ceiling * (self.floor / self.ceiling) ** random.Random(seed).random()

    def after(self, state: BudgetState, losses: Sequence[float] = ()) -> BudgetState:
        """The state after one more epoch.

        Args:
            state: The state before.
            losses: Validation losses with each of ``shares``, where they were measured. Unless all are finite, they do
                not count.
        """
        state = replace(state, epoch=state.epoch + 1)
        if losses and all(math.isfinite(loss) for loss in losses):
            past = state.losses or (0.0,) * len(losses)
            total = tuple(old + new for old, new in zip(past, losses, strict=True))
            state = replace(state, losses=total, measured=state.measured + 1)
        if state.epoch == self.first_settled and state.measured:
            return replace(state, share=self._enough(state.means))
        return state

    def _enough(self, losses: Sequence[float]) -> float:
        """The smallest share that is enough, by the loss with each."""
        best = min(range(len(losses)), key=losses.__getitem__)
        if losses[best] > _LEARNED * self.guessing:
            return self.ceiling
        most = losses[best] + self.tolerance * max(losses[best], self.least_loss)
        rung = best
        while rung + 1 < len(losses) and losses[rung + 1] <= most:
            rung += 1
        return self.shares[rung]


def sites_of_share(share: float, candidates: float) -> int:
    """The number of sites that make up a share of an image, rounded down, at least one.

    >>> sites_of_share(0.15, candidates=4096 / 4)
    153
    """
    return max(1, int(share * candidates + 1e-9))


class BudgetSchedule(Callback):
    """Moves the model's budget by a rule.

    The rule is asked after each epoch's validation and its answer given to the model when the next epoch starts, so the
    weights in a checkpoint carry the budget they were validated with.

    Cost: in the epochs that are measured, the validation images are read once more with each share.

    Args:
        rule: What decides.
        pixels: Pixels of one image.
        seed: Of the steps' budgets.
        path: A table of the shares and their losses, written when the budget is found.
    """

    def __init__(self, rule: BudgetRule, pixels: int, seed: int = 0, path: Path | None = None) -> None:
        self.rule, self.pixels, self.seed, self.path, self.state = rule, pixels, seed, path, rule.initial()
        self._counts: list[dict[str, Tensor]] = []

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Give the model its budget for this step, the same in all processes."""
        seed = derive_seed(Purpose.BUDGET, self.seed, self.state.epoch, batch_idx)
        self._give(_task(pl_module), self.rule.share_of_step(self.state, seed))

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Give the model the budget that this epoch is about."""
        self._give(_task(pl_module), self.state.share)
        self._counts = [{} for _ in self.rule.shares] if self.rule.measures(self.state) else []

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Read the batch again with every share, where that is asked for."""
        task = _task(pl_module)
        for share, counts in zip(self.rule.shares, self._counts, strict=False):
            self._give(task, share)
            with trainer.precision_plugin.val_step_context():  # as the first reading had it
                add_counts(counts, task.counted(batch))
        self._give(task, self.state.share)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Ask the rule."""
        task = _task(pl_module)
        self.state = self.rule.after(self.state, [task.found(counts).loss for counts in self._counts])
        found = self.state.epoch == self.rule.first_settled and self.state.measured > 0
        if found and self.path is not None and trainer.is_global_zero:
            rows = zip(self.rule.shares, self.state.means, strict=True)
            write_csv(self.path, COLUMNS, ((*row, int(row[0] == self.state.share)) for row in rows))

    def state_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self.state)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what a checkpoint holds."""
        self.state = BudgetState(**{**state_dict, "losses": tuple(state_dict["losses"])})

    def _give(self, task: TrainingTask, share: float) -> None:
        assert isinstance(task.model, SparseClassifier)
        task.model.budget = sites_of_share(share, self.pixels / task.model.site_pixels)


def _task(module: LightningModule) -> TrainingTask:
    assert isinstance(module, TrainingTask)
    return module
