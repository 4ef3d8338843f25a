"""The stages in which a look of fields learns: by labels, then not at all, then by what its draws earn.

Source: our addition (METHODS §2, "What a prototype taught"). From scratch the look often stays uniform: as long
as the reader knows nothing no draw earns more than another, and only the entropy's gradient is left, which destroys a
look that was taught before.
"""

import logging
import math
from dataclasses import asdict, dataclass
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from saccade.models.attention_sampling import AttentionSampling, Stage
from saccade.training.task import TrainingTask

_log = logging.getLogger(__name__)

_JUDGED_BY: dict[Stage, str] = {"warm-up": "warm_up", "reading": "cross_entropy"}
_NEXT: dict[Stage, Stage] = {"warm-up": "reading", "reading": "joint"}
_PATIENCE = 3
"""A warm-up that does not reach its gate ends after so many times its epochs."""


@dataclass(frozen=True)
class CurriculumState:
    """Where a training stands; plain values, saved in checkpoints.

    Attributes:
        stage: Stage of the coming epoch.
        epochs: Epochs spent in it.
    """

    stage: Stage
    epochs: int = 0


@dataclass(frozen=True)
class CurriculumRule:
    """The next epoch's stage from the training losses of the last.

    A stage is left after its epochs, once its cross-entropy has fallen to ``gate`` times that of guessing. A warm-up
    that does not get there ends after three times its epochs; a reader that does not get there keeps the look as it
    is to the end, since it has nothing to teach.

    >>> rule = CurriculumRule(classes=4)
    >>> rule.after(CurriculumState("reading", 1), {"cross_entropy": 0.9})
    CurriculumState(stage='joint', epochs=0)
    >>> rule.after(CurriculumState("reading", 1), {"cross_entropy": 1.3})
    CurriculumState(stage='reading', epochs=2)

    Args:
        classes: Number of classes: guessing has a cross-entropy of its logarithm.
        warm_up: Epochs in which labels teach the look; 0 leaves the stage out.
        reading: Epochs in which the reader alone learns, on patches that the look draws; 0 leaves the stage out.
        gate: Share of the cross-entropy of guessing.
        warm_up_rate: Factor of the learning rate in the warm-up.
        reading_rate: The same while the reader learns alone.
    """

    classes: int
    warm_up: int = 3
    reading: int = 2
    gate: float = 0.9
    warm_up_rate: float = 3.0
    reading_rate: float = 2.0

    @property
    def longest_warm_up(self) -> int:
        """Epochs after which a warm-up ends whatever it has reached."""
        return _PATIENCE * self.warm_up

    def initial(self) -> CurriculumState:
        """The first stage that is not left out."""
        return CurriculumState("warm-up" if self.warm_up else "reading" if self.reading else "joint")

    def pace(self, state: CurriculumState) -> float:
        """Factor of the learning rate."""
        return {"warm-up": self.warm_up_rate, "reading": self.reading_rate, "joint": 1.0}[state.stage]

    def after(self, state: CurriculumState, losses: dict[str, float]) -> CurriculumState:
        """The state after one more epoch with these mean training losses."""
        if state.stage == "joint":
            return CurriculumState("joint", state.epochs + 1)
        epochs = state.epochs + 1
        wanted = self.warm_up if state.stage == "warm-up" else self.reading
        passed = losses[_JUDGED_BY[state.stage]] <= self.gate * math.log(self.classes)
        tired = state.stage == "warm-up" and epochs >= self.longest_warm_up
        if epochs < wanted or not (passed or tired):
            return CurriculumState(state.stage, epochs)
        following = _NEXT[state.stage]
        return CurriculumState("joint" if following == "reading" and not self.reading else following)


class CurriculumSchedule(Callback):
    """Moves a model and its learning rate through the stages, once per epoch.

    Args:
        rule: What decides.
    """

    def __init__(self, rule: CurriculumRule) -> None:
        self.rule, self.state = rule, rule.initial()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Tell the model its stage for this epoch."""
        assert isinstance(pl_module, TrainingTask) and isinstance(pl_module.model, AttentionSampling)
        pl_module.model.stage = self.state.stage
        pl_module.pace = self.rule.pace(self.state)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Ask the rule."""
        assert isinstance(pl_module, TrainingTask)
        self.state = self.rule.after(self.state, pl_module.training_losses)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Warn of a training that never got to its reader: its accuracy is that of guessing."""
        assert isinstance(pl_module, TrainingTask) and isinstance(pl_module.model, AttentionSampling)
        if pl_module.model.stage == "warm-up" and trainer.is_global_zero:
            message = "the training ended in its warm-up, which may take %d epochs, so the reader has learned nothing"
            remedy = "raise training.epochs, or lower curriculum.warm_up"
            _log.warning(f"{message}: {remedy}", self.rule.longest_warm_up)

    def state_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self.state)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what a checkpoint holds."""
        self.state = CurriculumState(**state_dict)
