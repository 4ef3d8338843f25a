"""How the budget is learned: it shrinks while reading less costs next to nothing, and comes back when it does.

Source: METHODS of SparseAttnNet. The paper says only "based on loss convergence trends"; the rule is our choice.
"""

import math
import random
from dataclasses import asdict, dataclass, replace
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from saccade.core.contract import SparseClassifier
from saccade.training.seeds import Purpose, derive_seed
from saccade.training.task import TrainingTask, add_counts


@dataclass(frozen=True)
class BudgetState:
    """Where the rule stands; plain values, saved in checkpoints.

    Attributes:
        share: Budget of the coming epoch, as a share of the image's pixels.
        epoch: Epochs finished.
        price: What reading less costs: how much larger the validation loss is then, as a share of it, smoothed over
            epochs; ``None`` before the first.
    """

    share: float
    epoch: int = 0
    price: float | None = None


@dataclass(frozen=True)
class BudgetRule:
    """The next epoch's budget from what reading less would have cost in this one.

    The validation images are read twice by the same weights, with the budget and with ``less`` times the budget. Is the
    loss at most ``tolerance`` larger the second time, the budget shrinks; is it more than ``alarm`` larger, it grows;
    anything between keeps it. Both losses have the weights and the images in common, so neither the progress of the
    training nor a lucky epoch moves the budget, which a comparison with the best loss so far mistakes for pixels that
    nobody needs (docs/log.md). What stays is noise of single images, hence the smoothing. Where hardly any loss is
    left, ``least`` stands for it: nothing is bought for a hundredth of next to nothing. The budget keeps within its
    bounds, and does not move in the last part of the training, so that the weights settle on it. A loss that is not
    finite changes nothing.

    >>> rule = BudgetRule(epochs=10)
    >>> state = rule.after(rule.initial(), loss=0.70, with_less=0.71)
    >>> round(state.share, 3), sites_of_share(state.share, candidates=1024)
    (0.288, 294)

    Args:
        epochs: Epochs of the training, one or more.
        start: First budget, as a share of the pixels.
        floor: Smallest budget.
        ceiling: Largest budget.
        shrink: Factor while less is enough; the budget grows by its inverse.
        less: Part of the budget that is read the second time.
        tolerance: How much larger the loss may then be to shrink all the same, as a share of it.
        alarm: How much larger it must be to grow.
        least: Loss in nats that a smaller one counts as; 0.2 is that of a probability of 82 %.
        frozen: Last share of the epochs, rounded up, in which the budget stays and is read in full.
        smoothing: Weight of the past in the smoothed price; 0 takes each epoch as it is.
    """

    epochs: int
    start: float = 0.30
    floor: float = 0.02
    ceiling: float = 0.50
    shrink: float = 0.96
    less: float = 0.8
    tolerance: float = 0.02
    alarm: float = 0.05
    least: float = 0.2
    frozen: float = 0.5
    smoothing: float = 0.85

    @property
    def first_frozen(self) -> int:
        """The first epoch, counted from 0, whose budget is kept to the end."""
        kept = math.ceil(self.frozen * self.epochs - 1e-9)  # 0.2 · 15 is 3.0000000000000004
        return self.epochs - min(max(1, kept), self.epochs)

    def initial(self) -> BudgetState:
        """The state before the first epoch."""
        return BudgetState(self.start)

    def moves(self, state: BudgetState) -> bool:
        """Whether the coming epoch is one of those after which the budget may move."""
        return state.epoch < self.first_frozen

    def after(self, state: BudgetState, loss: float, with_less: float) -> BudgetState:
        """The state after one more epoch that ended with these validation losses."""
        epoch = state.epoch + 1
        if not (self.moves(state) and math.isfinite(loss) and math.isfinite(with_less)):
            return replace(state, epoch=epoch)
        price = (with_less - loss) / max(loss, self.least)
        if state.price is not None:
            price = self.smoothing * state.price + (1 - self.smoothing) * price
        share = min(max(state.share * self._factor(price), self.floor), self.ceiling)
        return BudgetState(share, epoch, price)

    def _factor(self, price: float) -> float:
        """Compare the price with the two margins."""
        if price <= self.tolerance:
            return self.shrink
        return 1 / self.shrink if price > self.alarm else 1.0

    def share_of_step(self, state: BudgetState, seed: int) -> float:
        """The budget of one training step, drawn around that of the second reading until the budget is frozen.

        Weights that have always read one number of sites do worse with any other, more or fewer, which says nothing of
        what the sites are worth. So steps read between ``less²`` times the budget and all of it, evenly on a
        logarithmic scale.
        """
        return state.share * self.less ** (2 * random.Random(seed).random()) if self.moves(state) else state.share


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

    Cost: until the budget is frozen, the validation images are read a second time; training steps read a fifth less on
    average.

    Args:
        rule: What decides.
        pixels: Pixels of one image.
        seed: Of the steps' budgets.
    """

    def __init__(self, rule: BudgetRule, pixels: int, seed: int = 0) -> None:
        self.rule, self.pixels, self.seed, self.state = rule, pixels, seed, rule.initial()
        self._with_less: dict[str, Tensor] = {}

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Give the model its budget for this step, the same in all processes."""
        seed = derive_seed(Purpose.BUDGET, self.seed, self.state.epoch, batch_idx)
        self._give(_task(pl_module), self.rule.share_of_step(self.state, seed))

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Give the model the budget that this epoch is about."""
        self._give(_task(pl_module), self.state.share)
        self._with_less = {}

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Read the batch once more, with less."""
        if not self.rule.moves(self.state):
            return
        task = _task(pl_module)
        self._give(task, self.rule.less * self.state.share)
        add_counts(self._with_less, task.counted(batch))
        self._give(task, self.state.share)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Ask the rule."""
        task = _task(pl_module)
        with_less = task.found(self._with_less).loss if self._with_less else math.nan
        self.state = self.rule.after(self.state, task.validation.loss, with_less)

    def state_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self.state)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what a checkpoint holds."""
        self.state = BudgetState(**state_dict)

    def _give(self, task: TrainingTask, share: float) -> None:
        assert isinstance(task.model, SparseClassifier)
        task.model.budget = sites_of_share(share, self.pixels / task.model.site_pixels)


def _task(module: LightningModule) -> TrainingTask:
    assert isinstance(module, TrainingTask)
    return module
