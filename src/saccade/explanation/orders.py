"""Orders: every pixel of an image, the most important first. Ties are broken at random, by a fixed seed.

An order is a function of images and of the sites a model read there; it returns a permutation of the raster indices.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saccade.core.results import Sites
from saccade.explanation.maps import coverage_map, weight_map

Order = Callable[[Tensor, Sites], Int[Tensor, "batch pixel"]]
"""From images and sites to raster indices."""


@dataclass(frozen=True)
class ByWeight:
    """Pixels read by falling weight, then the others at random: the model's own order."""

    seed: int = 0

    def __call__(self, images: Float[Tensor, "batch channel height width"], sites: Sites) -> Int[Tensor, "batch pixel"]:
        """Raster indices, most important first."""
        height, width = images.shape[2:]
        weights = weight_map(sites, height, width)
        return _falling(torch.where(coverage_map(sites, height, width) > 0, weights, -1.0), self.seed)


@dataclass(frozen=True)
class ShuffledSites:
    """Pixels read, shuffled, then the others: what is left when the weights are taken away."""

    seed: int = 0

    def __call__(self, images: Float[Tensor, "batch channel height width"], sites: Sites) -> Int[Tensor, "batch pixel"]:
        """Raster indices, most important first."""
        return _falling((coverage_map(sites, *images.shape[2:]) > 0).float(), self.seed)


@dataclass(frozen=True)
class AtRandom:
    """All pixels shuffled: an order that knows nothing."""

    seed: int = 0

    def __call__(self, images: Float[Tensor, "batch channel height width"], sites: Sites) -> Int[Tensor, "batch pixel"]:
        """Raster indices, most important first."""
        return _falling(images.new_zeros(len(images), *images.shape[2:]), self.seed)


@dataclass(frozen=True)
class ByIntensity:
    """Pixels by the mean of their channels: the darkest first, as stain darkens a cell, or the brightest.

    A cell is brighter than its surroundings in maps of the optical path difference, and where events are counted.
    """

    brightest: bool = False
    seed: int = 0

    def __call__(self, images: Float[Tensor, "batch channel height width"], sites: Sites) -> Int[Tensor, "batch pixel"]:
        """Raster indices, most important first."""
        intensity = images.mean(1)
        return _falling(intensity if self.brightest else -intensity, self.seed)


STANDARD_ORDERS: Mapping[str, Sequence[Order]] = {
    "model's weights": (ByWeight(),),
    "pixels read, in random order": (ShuffledSites(),),
    "darkest pixels": (ByIntensity(),),
    "brightest pixels": (ByIntensity(brightest=True),),
    "random pixels": (AtRandom(0), AtRandom(1)),
}
"""The model's own order and what it must beat; names with several members are averaged."""


def ranks(order: Int[Tensor, "batch pixel"]) -> Int[Tensor, "batch pixel"]:
    """Place of every pixel in an order: the inverse permutation.

    >>> ranks(torch.tensor([[2, 0, 1]])).tolist()
    [[1, 2, 0]]
    """
    places = torch.arange(order.shape[1], device=order.device).expand_as(order)
    return torch.empty_like(order).scatter_(1, order, places)


def _falling(scores: Float[Tensor, "batch height width"], seed: int) -> Int[Tensor, "batch pixel"]:
    """Raster indices by falling score; equal scores in random order, drawn for each image in turn."""
    flat = scores.flatten(1).cpu()
    generator = torch.Generator().manual_seed(seed)
    shuffled = torch.stack([torch.randperm(flat.shape[1], generator=generator) for _ in flat])
    places = flat.gather(1, shuffled).argsort(dim=1, descending=True, stable=True)
    return shuffled.gather(1, places).to(scores.device)
