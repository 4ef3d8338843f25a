"""Selections: from scores to the pixels that are read. A selection is a module with ``forward(scores) -> index``."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from saccade.core.errors import BadInput
from saccade.ops.choosing import random_sites, top_and_random_sites, top_sites


class Budgeted(nn.Module):
    """A selection that keeps at most ``budget`` pixels; the budget is part of the saved state.

    Args:
        budget: Pixels to keep; more than an image has keeps them all.

    Raises:
        BadInput: The budget is below one.
    """

    limit: Tensor

    def __init__(self, budget: int) -> None:
        super().__init__()
        self.register_buffer("limit", torch.tensor(0))
        self.budget = budget

    @property
    def budget(self) -> int:
        """Pixels kept per image."""
        return int(self.limit)

    @budget.setter
    def budget(self, value: int) -> None:
        if value < 1:
            raise BadInput(f"a budget of {value} pixels cannot classify anything", remedy="give at least 1")
        self.limit.fill_(value)


class TopPixels(Budgeted):
    """The best-scored pixels; while training, a share of the budget goes to pixels drawn at random.

    Args:
        budget: Pixels to keep.
        exploration: Share of the budget left to chance while training (our addition, see METHODS: lock-in).
    """

    def __init__(self, budget: int, exploration: float = 0.08) -> None:
        super().__init__(budget)
        self.exploration = exploration

    def forward(self, scores: Float[Tensor, "batch pixel"]) -> Int[Tensor, "batch site"]:
        """Raster index of the pixels kept."""
        scores = scores.detach()
        if self.training and self.exploration > 0:
            return top_and_random_sites(scores, self.budget, self.exploration)
        return top_sites(scores, self.budget)


class RandomPixels(Budgeted):
    """Pixels drawn uniformly: the control every learned selection must beat.

    Fresh pixels for each image while training. In evaluation one fixed draw, the same for every image of a size, so
    that a prediction depends on its image alone.

    Args:
        budget: Pixels to keep.
        seed: Of the fixed draw.
    """

    def __init__(self, budget: int, seed: int = 0) -> None:
        super().__init__(budget)
        self.seed = seed

    def forward(self, scores: Float[Tensor, "batch pixel"]) -> Int[Tensor, "batch site"]:
        """Raster index of the pixels kept."""
        if self.training:
            return random_sites(scores, self.budget)
        fixed = random_sites(scores[:1].cpu(), self.budget, torch.Generator().manual_seed(self.seed))
        return fixed.to(scores.device).expand(len(scores), -1)


class AllPixels(nn.Module):
    """Every pixel, in raster order: the ceiling that a selection is measured against."""

    def forward(self, scores: Float[Tensor, "batch pixel"]) -> Int[Tensor, "batch site"]:
        """Raster index of all pixels."""
        return torch.arange(scores.shape[1], device=scores.device).expand(len(scores), -1)
