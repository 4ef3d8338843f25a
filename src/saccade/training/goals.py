"""What a model is trained for: what its targets are, what validation adds up, and which figures that gives.

One goal per task. A training hands batches to the model and to its goal and knows nothing of either's insides.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from saccade.core.contract import ClassTargets, PatchTargets, SurvivalTargets
from saccade.core.results import Prediction
from saccade.core.results import Segmentation as Segmented
from saccade.datasets.slide_segmentation import SegmentationData
from saccade.datasets.slide_survival import SurvivalData
from saccade.datasets.slides import SlideData
from saccade.models.parts.patch_loss import patch_losses
from saccade.training.data_module import AnyData

Labels = Int[Tensor, "label ..."]
"""What a batch says of its images: a class each, a bin and an event each, or a class of each patch."""


@dataclass(frozen=True)
class Validation:
    """What an epoch's validation found.

    Attributes:
        loss: In nats, classes weighted as in training; comparable between budgets, which the model's own further terms
            are not. The epoch is chosen by it.
        accuracy: Share of images (of a segmentation, of patches) classified rightly; NaN where there are no classes.
        recalls: The same for each class; NaN for a class without images. Empty where there are no classes.
        pixels_read_fraction: Mean over the images.
        pixels_looked_fraction: Likewise.
        further: What else the goal tells, by its column in the history.
    """

    loss: float = math.nan
    accuracy: float = math.nan
    recalls: tuple[float, ...] = ()
    pixels_read_fraction: float = math.nan
    pixels_looked_fraction: float = math.nan
    further: Mapping[str, float] = field(default_factory=dict)


class Goal(nn.Module, ABC):
    """What is asked of a model; a module, so that its weights of classes are where the model is.

    Attributes:
        noun: What the figures count, in the singular.
    """

    noun = "image"

    @abstractmethod
    def targets(self, labels: Labels) -> Any:
        """What the model's ``losses`` wants for a batch."""

    @abstractmethod
    def counts(self, prediction: Any, labels: Labels) -> dict[str, Tensor]:
        """What a batch of validation adds to the sums; nothing is averaged, so batches need not be equal."""

    @abstractmethod
    def found(self, sums: Mapping[str, Tensor]) -> Validation:
        """The figures that all sums come to; pixels are not the goal's."""


class Classification(Goal):
    """A class for every image.

    >>> goal = Classification(torch.tensor([2.0, 0.5]), weigh=True)
    >>> goal.targets(torch.tensor([0, 1])).class_weights.tolist()
    [2.0, 0.5]

    Args:
        balance: Weight of each class in validation.
        weigh: Whether the loss is weighted too; else classes are balanced by how they are drawn, or not at all.
        noun: What an image is called.
    """

    def __init__(self, balance: Float[Tensor, " class"], weigh: bool, noun: str = "image") -> None:
        super().__init__()
        self.register_buffer("balance", balance, persistent=False)
        self.balance: Tensor
        self.weigh, self.noun = weigh, noun

    def targets(self, labels: Labels) -> ClassTargets:
        """Classes and their weights."""
        return ClassTargets(labels, self.balance if self.weigh else None)

    def counts(self, prediction: Prediction, labels: Labels) -> dict[str, Tensor]:
        """Cross-entropy, and how many of each class there are and are found."""
        classes = len(self.balance)
        weights = self.balance[labels]
        losses = F.cross_entropy(prediction.logits.float(), labels, reduction="none")
        right = prediction.logits.argmax(-1) == labels
        return {
            "loss": (losses * weights).sum(),
            "weight": weights.sum(),
            "images": torch.bincount(labels, minlength=classes).float(),
            "right": torch.bincount(labels[right], minlength=classes).float(),
        }

    def found(self, sums: Mapping[str, Tensor]) -> Validation:
        """Loss, accuracy and recalls."""
        return Validation(
            loss=float(sums["loss"] / sums["weight"]),
            accuracy=float(sums["right"].sum() / sums["images"].sum()),
            recalls=tuple((sums["right"] / sums["images"]).tolist()),
        )


class Survival(Goal):
    """The hazards of bins of time. How well they order the slides is no sum over batches, and is told in the end.

    >>> Survival().targets(torch.tensor([[2, 1], [0, 0]])).events.tolist()
    [True, False]
    """

    noun = "slide"

    def targets(self, labels: Labels) -> SurvivalTargets:
        """Bins and events."""
        return SurvivalTargets(labels[:, 0], labels[:, 1].bool())

    def counts(self, prediction: Prediction, labels: Labels) -> dict[str, Tensor]:
        """The negative log-likelihood of every slide."""
        loss = self.targets(labels).nll(prediction.logits.float())
        return {"loss": loss * len(labels), "weight": loss.new_tensor(float(len(labels)))}

    def found(self, sums: Mapping[str, Tensor]) -> Validation:
        """The loss."""
        return Validation(loss=float(sums["loss"] / sums["weight"]))


class Segmentation(Goal):
    """A class for every patch; those that nobody labelled count nowhere.

    >>> goal = Segmentation(("normal", "tumour"), torch.tensor([1.0, 3.0]))
    >>> goal.targets(torch.tensor([0, -1])).class_weights.tolist()
    [1.0, 3.0]

    Args:
        classes: Their names, what is none of the others first.
        balance: Weight of each class in the cross-entropy, in training and in validation.
    """

    noun = "patch"

    def __init__(self, classes: tuple[str, ...], balance: Float[Tensor, " class"]) -> None:
        super().__init__()
        self.register_buffer("balance", balance, persistent=False)
        self.balance: Tensor
        self.classes = classes

    def targets(self, labels: Labels) -> PatchTargets:
        """Classes of patches and their weights."""
        return PatchTargets(labels, self.balance)

    def counts(self, prediction: Segmented, labels: Labels) -> dict[str, Tensor]:
        """The loss of every slide of which something is known, and patches by true and predicted class."""
        valid, classes = prediction.sites.valid, len(self.classes)
        logits, lengths = prediction.logits[valid].to(self.balance.dtype), tuple(valid.sum(1).tolist())
        known = labels >= 0
        slides = sum(bool(own.any()) for own in known.split(lengths))
        loss = torch.stack(tuple(patch_losses(logits, self.targets(labels), lengths).values())).sum()
        pairs = labels[known] * classes + logits.argmax(1)[known]
        confusion = torch.bincount(pairs, minlength=classes**2).view(classes, classes)
        return {"loss": loss * slides, "weight": loss.new_tensor(float(slides)), "confusion": confusion}

    def found(self, sums: Mapping[str, Tensor]) -> Validation:
        """Loss, the share of patches classified rightly, recalls, and the mean Dice of all classes but the first."""
        confusion = sums["confusion"].double().cpu()
        right, true, predicted = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
        return Validation(
            loss=float(sums["loss"] / sums["weight"]),
            accuracy=float(right.sum() / confusion.sum()),
            recalls=tuple((right / true).tolist()),
            further={"val_dice": float((2 * right / (true + predicted))[1:].nanmean())},
        )


def goal_of(data: AnyData, class_weights: str) -> Goal:
    """The goal that a data set's labels make, its classes weighted by the training part.

    Args:
        data: All of it.
        class_weights: ``none``, ``inverse`` or ``sampler``, as the recipe's key.
    """
    if isinstance(data, SurvivalData):
        return Survival()
    if isinstance(data, SegmentationData):
        counts = data.part("train").labels.counts(len(data.classes))
        inverse = balancing_weights(counts) if class_weights == "inverse" else torch.ones(len(counts))
        # A class that training lacks may be there in validation, whose loss has to stay finite.
        return Segmentation(data.classes, torch.where(inverse > 0, inverse, 1.0))
    balance = balancing_weights(data.part("train").labels.bincount(minlength=len(data.classes)).tolist())
    balance = torch.ones_like(balance) if class_weights == "none" else balance
    noun = "slide" if isinstance(data, SlideData) else "image"
    return Classification(balance, class_weights == "inverse", noun)


def balancing_weights(counts: list[int]) -> Float[Tensor, " class"]:
    """Inverse frequencies, one on average over the images; a class without images gets 0.

    >>> balancing_weights([1, 3, 0]).tolist()
    [2.0, 0.6666666865348816, 0.0]
    """
    images = torch.tensor(counts, dtype=torch.float64)
    present = (images > 0).sum()
    return torch.where(images > 0, images.sum() / (present * images), 0.0).float()
