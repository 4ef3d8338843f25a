"""Selections: from scores to the pixels that are read. A selection is a module with ``forward(scores) -> index``."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from saccade.core.errors import BadInput
from saccade.ops.choosing import best_beside, clamp_budget, random_sites, top_sites


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
    """The best-scored pixels, beside a few that are drawn at random.

    Random pixels are our addition, for two reasons. Distillation teaches only pixels that were read, so the first map
    could freeze; and a reader that gets a sample of everything while training must get one in evaluation too, or it
    meets images without background for the first time there (measured: docs/log.md).

    Args:
        budget: Pixels to keep.
        random_share: Share of the budget drawn at random: anew for each image while training, one fixed draw per
            image size in evaluation.
        seed: Of the fixed draw.
    """

    def __init__(self, budget: int, random_share: float = 0.08, seed: int = 0) -> None:
        super().__init__(budget)
        self.random_share, self.seed = random_share, seed

    def forward(self, scores: Float[Tensor, "batch pixel"]) -> Int[Tensor, "batch site"]:
        """Raster index of the pixels kept."""
        budget = clamp_budget(self.budget, scores.shape[1])
        drawn = min(round(self.random_share * budget), budget - 1)
        if drawn < 1:
            return top_sites(scores.detach(), budget)
        return best_beside(scores.detach(), draw_pixels(scores, drawn, None if self.training else self.seed), budget)


class RandomPixels(Budgeted):
    """Pixels drawn uniformly: the control every learned selection must beat.

    Anew for each image while training, one fixed draw per image size in evaluation.

    Args:
        budget: Pixels to keep.
        seed: Of the fixed draw.
    """

    def __init__(self, budget: int, seed: int = 0) -> None:
        super().__init__(budget)
        self.seed = seed

    def forward(self, scores: Float[Tensor, "batch pixel"]) -> Int[Tensor, "batch site"]:
        """Raster index of the pixels kept."""
        return draw_pixels(scores, self.budget, None if self.training else self.seed)


def draw_pixels(scores: Float[Tensor, "batch pixel"], count: int, seed: int | None) -> Int[Tensor, "batch site"]:
    """Distinct random sites: its own for each image, or with a seed the same for all, so that none needs the others."""
    if seed is None:
        return random_sites(scores, count)
    fixed = random_sites(scores[:1].detach().cpu(), count, torch.Generator().manual_seed(seed))
    return fixed.to(scores.device).expand(len(scores), -1)


class AllPixels(nn.Module):
    """Every pixel, in raster order: the ceiling that a selection is measured against."""

    def forward(self, scores: Float[Tensor, "batch pixel"]) -> Int[Tensor, "batch site"]:
        """Raster index of all pixels."""
        return torch.arange(scores.shape[1], device=scores.device).expand(len(scores), -1)
