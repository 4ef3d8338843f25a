"""Choosing sites from scores: the best ones, with a share left to chance while learning."""

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


def top_and_random_sites(
    scores: Float[Tensor, "batch candidate"],
    budget: int,
    share: float,
    generator: torch.Generator | None = None,
) -> Int[Tensor, "batch site"]:
    """The best candidates, but ``share`` of the budget goes to others drawn uniformly; all distinct.

    Teaching only what was selected lets the first random map freeze; a few random slots keep every candidate
    reachable. Our addition, not the paper's.
    """
    budget = clamp_budget(budget, scores.shape[1])
    chance = min(round(share * budget), budget - 1, scores.shape[1] - budget)
    if chance <= 0:
        return top_sites(scores, budget)
    best = top_sites(scores, budget - chance)
    keys = torch.rand(scores.shape, generator=generator, device=scores.device)
    return torch.cat([best, top_sites(keys.scatter(1, best, -1.0), chance)], dim=1)


def clamp_budget(budget: int, candidates: int) -> int:
    """The budget, but at least one site and no more than there are.

    >>> clamp_budget(0, 9), clamp_budget(5, 9), clamp_budget(50, 9)
    (1, 5, 9)
    """
    return max(1, min(int(budget), candidates))
