"""How the budget is learned: it shrinks while less is enough and comes back when that hurts.

Source: METHODS of SparseAttnNet. The paper says only "based on loss convergence trends"; the rule is our choice.
"""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from saccade.core.contract import SparseClassifier
from saccade.training.task import TrainingTask


@dataclass(frozen=True)
class BudgetState:
    """Where the rule stands; plain values, saved in checkpoints.

    Attributes:
        share: Budget of the coming epoch, as a share of the image's pixels.
        epoch: Epochs finished.
        smoothed: Smoothed validation loss; ``None`` before the first.
        best: The smallest it has been.
        best_share: The budget it was reached with.
    """

    share: float
    epoch: int = 0
    smoothed: float | None = None
    best: float | None = None
    best_share: float | None = None


@dataclass(frozen=True)
class BudgetRule:
    """The next epoch's budget from the validation losses so far.

    With L the smoothed loss and L* its best: L ≤ (1 + tolerance) · L* shrinks the budget, L > (1 + alarm) · L* grows
    it, anything between keeps it. It grows back no further than the budget that L* was reached with: the minimum of a
    noisy loss is too low to come back to, and without that limit the budget climbs for the rest of the training (our
    addition, measured in docs/log.md, as are the margins and steps). It stays within its bounds, and does not
    move in the last part of the training, so that the weights settle on it. A loss that is not finite changes nothing.

    >>> rule = BudgetRule(epochs=10)
    >>> state = rule.after(rule.initial(), loss=0.7)
    >>> round(state.share, 2), rule.sites(state, candidates=1024)
    (0.29, 294)

    Args:
        epochs: Epochs of the training, one or more.
        start: First budget, as a share of the pixels.
        floor: Smallest budget.
        ceiling: Largest budget.
        shrink: Factor while less is enough.
        grow: Factor when it hurts.
        tolerance: How far above its best the loss may lie to shrink all the same.
        alarm: How far above its best it must lie to grow.
        frozen: Last share of the epochs, rounded up, in which the budget stays.
        smoothing: Weight of the past in the smoothed loss; 0 takes each loss as it is.
    """

    epochs: int
    start: float = 0.30
    floor: float = 0.10
    ceiling: float = 0.50
    shrink: float = 0.96
    grow: float = 1.05
    tolerance: float = 0.05
    alarm: float = 0.10
    frozen: float = 0.2
    smoothing: float = 0.5

    @property
    def first_frozen(self) -> int:
        """The first epoch, counted from 0, whose budget is kept to the end."""
        kept = math.ceil(self.frozen * self.epochs - 1e-9)  # 0.2 · 15 is 3.0000000000000004
        return self.epochs - min(max(1, kept), self.epochs)

    def initial(self) -> BudgetState:
        """The state before the first epoch."""
        return BudgetState(self.start)

    def after(self, state: BudgetState, loss: float) -> BudgetState:
        """The state after one more epoch that ended with this validation loss."""
        epoch = state.epoch + 1
        if not math.isfinite(loss):
            return replace(state, epoch=epoch)
        past = loss if state.smoothed is None else state.smoothed
        smoothed = self.smoothing * past + (1 - self.smoothing) * loss
        best, best_share = state.best, state.best_share
        if best is None or best_share is None or smoothed < best:
            best, best_share = smoothed, state.share
        share = state.share
        if epoch <= self.first_frozen:
            moved = min(share * self._factor(smoothed, best), max(share, best_share))
            share = min(max(moved, self.floor), self.ceiling)
        return BudgetState(share, epoch, smoothed, best, best_share)

    def _factor(self, smoothed: float, best: float) -> float:
        """Compare the excess over the best with the two margins; losses may be negative."""
        excess = smoothed - best
        if excess <= self.tolerance * abs(best):
            return self.shrink
        return self.grow if excess > self.alarm * abs(best) else 1.0

    def sites(self, state: BudgetState, candidates: float) -> int:
        """The share as a number of sites among so many; see ``sites_of_share``."""
        return sites_of_share(state.share, candidates)


def sites_of_share(share: float, candidates: float) -> int:
    """The number of sites that make up a share of an image, rounded down, at least one.

    >>> sites_of_share(0.15, candidates=4096 / 4)
    153
    """
    return max(1, int(share * candidates + 1e-9))


class BudgetSchedule(Callback):
    """Moves the model's budget by a rule, once per epoch.

    The rule is asked after each epoch's validation and its answer given to the model when the next epoch starts, so the
    weights in a checkpoint carry the budget they were validated with.

    Args:
        rule: What decides.
        pixels: Pixels of one image.
    """

    def __init__(self, rule: BudgetRule, pixels: int) -> None:
        self.rule, self.pixels, self.state = rule, pixels, rule.initial()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Give the model its budget for this epoch."""
        assert isinstance(pl_module, TrainingTask) and isinstance(pl_module.model, SparseClassifier)
        model = pl_module.model
        model.budget = self.rule.sites(self.state, self.pixels / model.site_pixels)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Ask the rule."""
        assert isinstance(pl_module, TrainingTask)
        self.state = self.rule.after(self.state, pl_module.validation.loss)

    def state_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self.state)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what a checkpoint holds."""
        self.state = BudgetState(**state_dict)
