"""Choosing sites from scores: the best ones, random ones, or the best beside some that are given."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def top_sites(scores: Float[Tensor, "batch candidate"], budget: int) -> Int[Tensor, "batch site"]:
    """Index of the ``budget`` best-scored candidates, in no particular order; all of them if there are fewer.

    Cost: O(candidates) per image, no pixels.

    >>> top_sites(torch.tensor([[0.1, 0.9, 0.5]]), 2).sort().values.tolist()
    [[1, 2]]
    """
    return scores.topk(clamp_budget(budget, scores.shape[1]), dim=1, sorted=False).indices


def random_sites(
    scores: Float[Tensor, "batch candidate"], budget: int, generator: torch.Generator | None = None
) -> Int[Tensor, "batch site"]:
    """As many distinct candidates, every subset equally likely; the scores give only their number."""
    keys = torch.rand(scores.shape, generator=generator, device=scores.device)
    return top_sites(keys, budget)


def best_beside(
    scores: Float[Tensor, "batch candidate"], given: Int[Tensor, "batch some"], budget: int
) -> Int[Tensor, "batch site"]:
    """The candidates already given and the best of the others, ``budget`` in all, no two the same.

    >>> best_beside(torch.tensor([[0.1, 0.9, 0.5]]), torch.tensor([[0]]), 2).tolist()
    [[1, 0]]
    """
    budget = clamp_budget(budget, scores.shape[1])
    others = scores.scatter(1, given, -torch.inf)
    return torch.cat([others.topk(budget - given.shape[1], dim=1, sorted=False).indices, given], dim=1)


def clamp_budget(budget: int, candidates: int) -> int:
    """The budget, but at least one site and no more than there are.

    >>> clamp_budget(0, 9), clamp_budget(5, 9), clamp_budget(50, 9)
    (1, 5, 9)
    """
    return max(1, min(int(budget), candidates))
