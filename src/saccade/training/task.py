"""One step of training and one of validation for a model of any task, as Lightning calls them."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Num
from lightning.pytorch import LightningModule
from torch import Tensor

from saccade.core.bags import Bags
from saccade.core.contract import AnyModel
from saccade.core.results import Losses
from saccade.features.slide_input import SlideInput
from saccade.imaging.preprocessing import Preprocessing
from saccade.imaging.rasters import Rasters
from saccade.training.batches import Batch
from saccade.training.goals import Goal, Validation
from saccade.training.recipe_sections import TrainingRecipe
from saccade.training.seeds import Purpose, derive_seed

Augment = Callable[[Any, torch.Generator], Any]
"""Changes a batch of training images, by a generator."""


class TrainingTask(LightningModule):
    """Trains a model on its own losses with AdamW, a linear warm-up and a cosine to zero.

    Everything random in an epoch follows from the seed and the epoch (and the process), so that a resumed training
    takes the very steps of an uninterrupted one.

    Args:
        model: What is trained.
        preprocessing: Normalises batches; the features of slides are taken as they are.
        augmentation: Changes training batches, where they lie; ``None`` where they come changed, as slides do.
        recipe: Learning rate, weight decay and seed.
        goal: What the model is trained for.

    Attributes:
        pace: Factor of the learning rate, for trainings in stages.
    """

    def __init__(
        self,
        model: AnyModel,
        preprocessing: Preprocessing | SlideInput,
        augmentation: Augment | None,
        recipe: TrainingRecipe,
        goal: Goal,
    ) -> None:
        super().__init__()
        self.model, self.preprocessing, self.augmentation, self.recipe = model, preprocessing, augmentation, recipe
        self.goal = goal
        self.pace = 1.0
        self.training_losses: dict[str, float] = {}
        self.validation = Validation()
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, Tensor] = {}

    def configure_optimizers(self) -> Any:
        """AdamW with its learning rate set at every step."""
        steps = int(self.trainer.estimated_stepping_batches)
        warm_up = round(self.recipe.warm_up * steps)
        optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=self.recipe.learning_rate, weight_decay=self.recipe.weight_decay
        )
        hold = round(self.recipe.hold * steps) if self.recipe.schedule == "cosine" else steps
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: self.pace * schedule_factor(step, steps, warm_up, hold)
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_train_epoch_start(self) -> None:
        """Start the epoch's randomness, such as random pixels and dropout, anew."""
        torch.manual_seed(derive_seed(Purpose.MODEL, self.recipe.seed, self.current_epoch, rank=self.global_rank))
        self._sums = {}

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of one batch; its terms are added up for the epoch's means."""
        values, labels = batch
        images = self._opened(values)
        if self.augmentation is not None:
            images = self.augmentation(images, self._dice(batch_idx))
        losses = self.model.losses(images, self.goal.targets(labels))
        self._note(losses, len(values))
        return losses.total

    def on_validation_epoch_start(self) -> None:
        """Start counting."""
        self._counts = {}

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Count what one batch adds; nothing is averaged before the end, so batches need not be equal."""
        add_counts(self._counts, self.counted(batch))

    def counted(self, batch: Batch) -> dict[str, Tensor]:
        """What a batch adds to the sums of a validation, by the model as it stands."""
        values, labels = batch
        prediction = self.model(self._opened(values))
        cost = {
            "read": prediction.cost.pixels_read_fraction.float().sum().to(self.device),
            "looked": prediction.cost.pixels_looked_fraction.float().sum().to(self.device),
            "given": torch.tensor(float(len(values)), device=self.device),
        }
        return {**self.goal.counts(prediction, labels), **cost}

    def on_validation_epoch_end(self) -> None:
        """Add up over all processes; every process gets the same figures. An epoch ends with its validation."""
        sums = self._over_processes(self._sums)
        names = ["loss", *sorted(sums.keys() - {"images", "loss"})]
        self.training_losses = {name: float(sums[name] / sums["images"]) for name in names}
        self.validation = self.found(self._counts)
        self.log("val_loss", self.validation.loss)

    def found(self, counts: dict[str, Tensor]) -> Validation:
        """The figures of such sums, added up over all processes, each of which must ask."""
        total = self._over_processes(counts)
        return replace(
            self.goal.found(total),
            pixels_read_fraction=float(total["read"] / total["given"]),
            pixels_looked_fraction=float(total["looked"] / total["given"]),
        )

    def _opened(self, values: Num[Tensor, "batch channel height width"] | Rasters | Bags) -> Tensor | Rasters | Bags:
        """Cells are normalised here, fields where they are read; features are numbers as wide as the weights."""
        if isinstance(values, Bags):
            return replace(values, features=values.features.to(self.dtype))
        if isinstance(self.preprocessing, SlideInput) or not isinstance(values, Tensor):
            assert not isinstance(values, Tensor)
            return values
        return self.preprocessing.normalise(values).to(self.dtype)

    def _dice(self, step: int) -> torch.Generator:
        """The generator of one step's augmentation."""
        seed = derive_seed(Purpose.AUGMENTATION, self.recipe.seed, self.current_epoch, step, self.global_rank)
        return torch.Generator(self.device).manual_seed(seed)

    def _note(self, losses: Losses, images: int) -> None:
        """Add to the epoch's sums, without waiting for the device."""
        found = {name: value.detach() * images for name, value in {"loss": losses.total, **losses.terms}.items()}
        add_counts(self._sums, {"images": losses.total.new_tensor(float(images)), **found})

    def _over_processes(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        """Every sum, added up; in one order on all processes, or they would wait for each other forever."""
        reduce: Any = self.trainer.strategy.reduce
        return {name: reduce(sums[name], reduce_op="sum") for name in sorted(sums)}


def add_counts(sums: dict[str, Tensor], found: dict[str, Tensor]) -> None:
    """Add to sums in place; a name that is new to them starts there."""
    for name, value in found.items():
        sums[name] = sums[name] + value if name in sums else value


def schedule_factor(step: int, steps: int, warm_up: int, hold: int = 0) -> float:
    """The learning rate of a step as a share of its peak: up in a line, level, then to zero along half a cosine.

    >>> [round(schedule_factor(step, 10, 2), 2) for step in (0, 1, 2, 6, 9)]
    [0.33, 0.67, 1.0, 0.5, 0.04]

    Args:
        step: From 0.
        steps: In all.
        warm_up: Steps that climb.
        hold: Step from which it falls, if that is after the climb; ``steps`` where it never does.
    """
    if step < warm_up:
        return (step + 1) / (warm_up + 1)
    level = max(warm_up, hold)
    if step <= level:
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - level) / max(1, steps - level))))
