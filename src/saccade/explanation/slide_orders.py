"""Orders of a slide's patches, the most important first. Ties are broken at random, by a fixed seed.

An order is a function of the slide's bag and the weights of its patches; it returns a permutation of the patches.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saccade.core.bags import Bags

BagOrder = Callable[[Bags, Tensor], Int[Tensor, " patch"]]
"""From a slide and the weights of its patches to their numbers."""


@dataclass(frozen=True)
class HeaviestPatches:
    """By falling weight: the model's own order."""

    seed: int = 0

    def __call__(self, bags: Bags, weights: Float[Tensor, " patch"]) -> Int[Tensor, " patch"]:
        """Numbers of the patches, most important first."""
        return _falling(weights, self.seed)


@dataclass(frozen=True)
class LightestPatches:
    """By rising weight: the model's own order from its end, so that one's deletion is the other's insertion."""

    seed: int = 0

    def __call__(self, bags: Bags, weights: Float[Tensor, " patch"]) -> Int[Tensor, " patch"]:
        """Numbers of the patches, most important first."""
        return _falling(weights, self.seed).flip(0)


@dataclass(frozen=True)
class RandomOrder:
    """Shuffled: an order that knows nothing."""

    seed: int = 0

    def __call__(self, bags: Bags, weights: Float[Tensor, " patch"]) -> Int[Tensor, " patch"]:
        """Numbers of the patches, most important first."""
        return _falling(torch.zeros_like(weights), self.seed)


@dataclass(frozen=True)
class LargestFeatures:
    """By falling norm of the features, which the model had no part in."""

    seed: int = 0

    def __call__(self, bags: Bags, weights: Float[Tensor, " patch"]) -> Int[Tensor, " patch"]:
        """Numbers of the patches, most important first."""
        return _falling(bags.features.norm(dim=1), self.seed)


@dataclass(frozen=True, eq=False)
class ByEvidence:
    """By falling evidence for a class, from the strongest for it to the strongest against it."""

    evidence: Float[Tensor, " patch"]
    seed: int = 0

    def __call__(self, bags: Bags, weights: Float[Tensor, " patch"]) -> Int[Tensor, " patch"]:
        """Numbers of the patches, most important first."""
        return _falling(self.evidence, self.seed)


BAG_ORDERS: Mapping[str, Sequence[BagOrder]] = {
    "heaviest first": (HeaviestPatches(),),
    "lightest first": (LightestPatches(),),
    "largest features first": (LargestFeatures(),),
    "random patches": (RandomOrder(),),
}
"""The model's own order, and what it must beat."""


def _falling(scores: Float[Tensor, " patch"], seed: int) -> Int[Tensor, " patch"]:
    shuffled = torch.randperm(len(scores), generator=torch.Generator().manual_seed(seed))
    return shuffled[scores.detach().cpu()[shuffled].argsort(descending=True, stable=True)]
