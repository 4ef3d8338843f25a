"""Models of slides whose answers are known in closed form."""

import torch
from torch import Tensor, nn

from saccade.core.bags import Bags
from saccade.core.contract import AnyImages, ClassTargets, SparseClassifier
from saccade.core.results import Losses, Prediction
from saccade.models.parts.slide_bags import bag_sites, opened_bags


class LinearMean(SparseClassifier):
    """Logits are linear in the mean of the features; a patch weighs what its first feature says."""

    def __init__(self, head: Tensor) -> None:
        super().__init__()
        self.classes = tuple("abcdef"[: len(head)])
        self.head = nn.Parameter(head)
        self.asked: list[tuple[int, ...]] = []

    def forward(self, images: AnyImages) -> Prediction:
        bags = opened_bags(images, self.head.shape[1])
        self.asked.append(bags.lengths)
        parts = bags.features.split(bags.lengths)
        means = torch.stack([part.sum(0) / max(1, len(part)) for part in parts])
        weights = torch.cat([part[:, 0].exp() / part[:, 0].exp().sum() for part in parts]).detach()
        return Prediction(means @ self.head.T, bag_sites(bags, weights), bags.cost())

    def losses(self, images: AnyImages, targets: ClassTargets) -> Losses:
        raise NotImplementedError


class Deaf(LinearMean):
    """Says the same to every slide."""

    def forward(self, images: AnyImages) -> Prediction:
        prediction = super().forward(images)
        return Prediction(torch.zeros_like(prediction.logits).detach(), prediction.sites, prediction.cost)


def linear_mean(classes: int = 2, dim: int = 5) -> LinearMean:
    """With weights drawn from the seed of the test."""
    return LinearMean(torch.randn(classes, dim, dtype=torch.float64)).eval()


def slide(patches: int, dim: int = 5, side: int = 16) -> Bags:
    """A slide of noise, in raster order on a lattice ``side`` wide."""
    number = torch.arange(patches)
    cells = torch.stack([number % side, number // side], dim=1)
    return Bags(torch.randn(patches, dim, dtype=torch.float64), cells, (patches,))
