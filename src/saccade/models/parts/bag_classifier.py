"""Slides classified from a set of patches: what the peers share. One part embeds, one pools, one decides.

Slides never meet: each is pooled by itself, so several in a step equal one at a time. A slide without tissue has a
summary too, of zeros or of a learned token alone; its logits are finite and can be trained.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from saccade.core.bags import Bags
from saccade.core.contract import AnyImages, ClassTargets, SparseClassifier
from saccade.core.results import Losses, Prediction
from saccade.models.parts.slide_bags import bag_sites, opened_bags


@dataclass(frozen=True, eq=False)
class Pooled:
    """One slide in one vector.

    Attributes:
        summary: What the slide's patches came to.
        weights: How much each patch counted; ≥ 0, summing to one where there are patches.
    """

    summary: Float[Tensor, " width"]
    weights: Float[Tensor, " patch"]


class SlidePooling(nn.Module, ABC):
    """From one slide's patches to one vector."""

    @abstractmethod
    def forward(self, tokens: Float[Tensor, "patch width"], cells: Int[Tensor, "patch 2"]) -> Pooled:
        """Pool the patches of one slide; there may be none."""


def patch_embedding(in_features: int, width: int, dropout: float) -> nn.Sequential:
    """A linear layer, ReLU and dropout for each patch, as ABMIL, CLAM and TransMIL begin."""
    return nn.Sequential(nn.Linear(in_features, width), nn.ReLU(), nn.Dropout(dropout))


def pool_slides(aggregate: SlidePooling, tokens: Float[Tensor, "patch width"], bags: Bags) -> list[Pooled]:
    """Each slide by itself. Cost: that of the pooling, slide by slide."""
    slides = zip(tokens.split(bags.lengths), bags.cells.split(bags.lengths), strict=True)
    return [aggregate(rows, cells) for rows, cells in slides]


def summaries(pools: Sequence[Pooled]) -> Float[Tensor, "slide width"]:
    """The slides' vectors, one row each."""
    return torch.stack([pooled.summary for pooled in pools])


def bag_prediction(logits: Float[Tensor, "slide class"], weights: Sequence[Tensor], bags: Bags) -> Prediction:
    """The logits with every patch as a site; ``weights`` has one tensor per slide."""
    return Prediction(logits, bag_sites(bags, torch.cat(list(weights)).detach()), bags.cost())


def normalised(shares: Float[Tensor, " patch"]) -> Float[Tensor, " patch"]:
    """Shares as weights: what is negative counts nothing; all alike where nothing counts.

    >>> normalised(torch.tensor([3.0, -0.5, 1.0])).tolist(), normalised(torch.tensor([0.0, -1.0])).tolist()
    ([0.75, 0.0, 0.25], [0.5, 0.5])
    """
    kept = shares.clamp_min(0)
    kept = kept.where(kept.sum() > 0, torch.ones_like(kept))
    return kept / kept.sum()


class BagClassifier(SparseClassifier):
    """Patches embedded one by one, pooled slide by slide, classified by what they came to.

    >>> from saccade.models.baselines.mean_pooling import mean_pooling
    >>> model = mean_pooling(("normal", "tumour"), in_features=8)
    >>> model(Bags(torch.rand(3, 8), torch.tensor([[0, 0], [1, 0], [0, 0]]), (2, 1))).sites.weights.tolist()
    [[0.5, 0.5], [1.0, 0.0]]

    Args:
        classes: Names of the classes.
        in_features: Numbers of a patch.
        read: From a patch's feature to its token.
        aggregate: From a slide's tokens to one vector.
        classify: From that vector to logits.
    """

    def __init__(
        self,
        classes: tuple[str, ...],
        in_features: int,
        *,
        read: nn.Module,
        aggregate: SlidePooling,
        classify: nn.Module,
    ) -> None:
        super().__init__()
        self.classes, self.in_features = tuple(classes), in_features
        self.read, self.aggregate, self.classify = read, aggregate, classify

    def forward(self, images: AnyImages) -> Prediction:
        """Classify some slides."""
        bags = opened_bags(images, self.in_features)
        pools = pool_slides(self.aggregate, self.read(bags.features), bags)
        return bag_prediction(self.classify(summaries(pools)), [pooled.weights for pooled in pools], bags)

    def losses(self, images: AnyImages, targets: ClassTargets) -> Losses:
        """Cross-entropy of the logits."""
        prediction = self(images)
        return Losses({"cross_entropy": targets.cross_entropy(prediction.logits)}, prediction)
