"""What it takes to be a classifier here. A class is this interface or complete; nothing is overridden twice."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from saccade.core.bags import Bags
from saccade.core.images import Images
from saccade.core.results import Losses, Prediction, Segmentation

AnyImages = Images | Bags | Float[Tensor, "batch channel height width"]
"""What a classifier may be handed, a bare tensor for a ``Stack``; each says in one line what it cannot take."""


@dataclass(frozen=True, eq=False)
class ClassTargets:
    """What a classifier should have said.

    Attributes:
        labels: Index of each image's class.
        class_weights: Factor of each class in the loss, one in the mean over the training images; ``None`` counts all
            alike.
    """

    labels: Int[Tensor, " batch"]
    class_weights: Float[Tensor, " class"] | None = None

    def cross_entropy(self, logits: Float[Tensor, "batch class"]) -> Float[Tensor, ""]:
        """Mean over the images of the cross-entropy in nats, each times its class's weight.

        Not divided by the weights of the batch, as torch does it: that takes the weight of a batch of one away, and
        makes the loss depend on who shares a batch, or a process.

        >>> one = ClassTargets(torch.tensor([1]), torch.tensor([0.5, 2.0]))
        >>> round(one.cross_entropy(torch.zeros(1, 2)).item(), 4)  # 2 log 2
        1.3863
        """
        losses = F.cross_entropy(logits, self.labels, reduction="none")
        return (losses if self.class_weights is None else losses * self.class_weights[self.labels]).mean()


@dataclass(frozen=True, eq=False)
class SurvivalTargets:
    """When an event was seen, or until when none was, by bins of time.

    A model gives a logit per bin; its sigmoid is the hazard ``h_j``, the probability of the event within bin j for who
    came so far. ``S_j = Π_{i ≤ j} (1 − h_i)`` is that of surviving bin j, ``S_{j−1} h_j`` that of the event within it;
    over all bins the latter and the last ``S`` sum to one.

    Zadeh & Schmid, "Bias in cross-entropy-based training of deep survival networks", TPAMI 2020; for slides, Chen et
    al., "Multimodal co-attention transformer for survival prediction", ICCV 2021.

    Attributes:
        bins: Of each event, or of the time at which the case was lost from sight.
        events: Whether the event was seen.
    """

    bins: Int[Tensor, " batch"]
    events: Bool[Tensor, " batch"]

    def nll(self, logits: Float[Tensor, "batch bin"]) -> Float[Tensor, ""]:
        """Mean negative log-likelihood in nats: ``−log(S_{k−1} h_k)`` where the event was seen, else ``−log S_k``.

        >>> targets = SurvivalTargets(torch.tensor([1, 1]), torch.tensor([True, False]))
        >>> round(targets.nll(torch.zeros(2, 3)).item() / 2, 4)  # log 2: each bin is survived with probability 1/2
        0.6931
        """
        survived = F.logsigmoid(-logits)
        before = torch.arange(logits.shape[1], device=logits.device) < self.bins[:, None]
        own = torch.where(self.events[:, None], F.logsigmoid(logits), survived).gather(1, self.bins[:, None])
        return -((survived * before).sum(1) + own[:, 0]).mean()


@dataclass(frozen=True, eq=False)
class PatchTargets:
    """What a segmenter of slides should have said.

    Attributes:
        labels: Index of each patch's class, slide by slide; −1 where nobody said.
        class_weights: Factor of each class in the cross-entropy; ``None`` counts all alike.
    """

    labels: Int[Tensor, " patch"]
    class_weights: Float[Tensor, " class"] | None = None


Targets = TypeVar("Targets", bound=ClassTargets | SurvivalTargets)
"""What a classifier is trained on: classes where nothing else is said."""


class SparseClassifier(nn.Module, ABC, Generic[Targets]):
    """A model that looks, selects, reads, aggregates and classifies; or tells bins of time apart, as classes.

    Its parts carry those names where it has them. It is built by the function its registry entry names, which leaves
    in ``config`` the plain values that build it again.

    Attributes:
        classes: Names of the classes, in the order of the logits.
        config: ``{"model": name, "classes": [...], "options": {...}}``, set by ``create_model``.
        leaning: Which sites its weights favour for no reason of theirs, in a sentence beside maps; mostly empty.
    """

    classes: tuple[str, ...]
    config: dict[str, Any]
    leaning: str = ""

    @property
    def site_pixels(self) -> int:
        """Base pixels in a site, where all sites are alike; a budget of n sites reads n times as many."""
        return 1

    @property
    def budget(self) -> int | None:
        """How many sites the model may read; ``None`` where it has no such limit."""
        return None

    @budget.setter
    def budget(self, value: int) -> None:
        raise AttributeError(f"{type(self).__name__} has no budget to set")

    def preparation(self) -> Callable[[Bags], Bags]:
        """What readies bags for this model, in a loader's worker; it can be pickled and holds no weights.

        The model takes bags as they are, too, and then does the same work itself, at every pass.
        """
        return unchanged

    @abstractmethod
    def forward(self, images: AnyImages) -> Prediction:
        """Classify; a bare tensor is taken for a ``Stack``."""

    @abstractmethod
    def losses(self, images: AnyImages, targets: Targets) -> Losses[Prediction]:
        """The terms to train on and the prediction, from one forward pass."""


class SparseSegmenter(nn.Module, ABC):
    """A model that says of every site it reads which class it is.

    Attributes:
        classes: Names of the classes, in the order of the logits; the first is what is none of the others.
        config: ``{"model": name, "classes": [...], "options": {...}}``, set by ``create_segmenter``.
    """

    classes: tuple[str, ...]
    config: dict[str, Any]

    def preparation(self) -> Callable[[Bags], Bags]:
        """What readies bags for this model, in a loader's worker; it can be pickled and holds no weights."""
        return unchanged

    @abstractmethod
    def forward(self, images: AnyImages) -> Segmentation:
        """Segment."""

    @abstractmethod
    def losses(self, images: AnyImages, targets: PatchTargets) -> Losses[Segmentation]:
        """The terms to train on and the segmentation, from one forward pass."""


AnyModel = SparseClassifier[Any] | SparseSegmenter
"""A model of whichever task."""


def unchanged(bags: Bags) -> Bags:
    """The preparation of a model that needs none."""
    return bags
