"""What it takes to be a classifier here. A class is this interface or complete; nothing is overridden twice."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from saccade.core.bags import Bags
from saccade.core.images import Images
from saccade.core.results import Losses, Prediction

AnyImages = Images | Bags | Float[Tensor, "batch channel height width"]
"""What a classifier may be handed, a bare tensor for a ``Stack``; each says in one line what it cannot take."""


@dataclass(frozen=True, eq=False)
class ClassTargets:
    """What a classifier should have said.

    Attributes:
        labels: Index of each image's class.
        class_weights: Factor of each class in the loss; ``None`` counts all alike.
    """

    labels: Int[Tensor, " batch"]
    class_weights: Float[Tensor, " class"] | None = None

    def cross_entropy(self, logits: Float[Tensor, "batch class"]) -> Float[Tensor, ""]:
        """Mean cross-entropy in nats, weighted by class."""
        return F.cross_entropy(logits, self.labels, weight=self.class_weights)


class SparseClassifier(nn.Module, ABC):
    """A model that looks, selects, reads, aggregates and classifies.

    Its parts carry those names where it has them. It is built by the function its registry entry names, which leaves
    in ``config`` the plain values that build it again.

    Attributes:
        classes: Names of the classes, in the order of the logits.
        config: ``{"model": name, "classes": [...], "options": {...}}``, set by ``create_model``.
    """

    classes: tuple[str, ...]
    config: dict[str, Any]

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
    def losses(self, images: AnyImages, targets: ClassTargets) -> Losses:
        """The terms to train on and the prediction, from one forward pass."""


def unchanged(bags: Bags) -> Bags:
    """The preparation of a model that needs none."""
    return bags
