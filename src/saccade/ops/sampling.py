"""Drawing cells of a map by their probability: with or without replacement, or evenly for evaluation.

Maps may have millions of cells (a slide's overview has), so cells are found in the cumulative sum, which has no limit on
their number, unlike ``torch.multinomial``.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saccade.core.errors import BadInput


def draw_sites(
    probabilities: Float[Tensor, "batch cell"], count: int, generator: torch.Generator | None = None
) -> Int[Tensor, "batch draw"]:
    """``count`` independent draws from each map, with replacement.

    Cost: one cumulative sum and ``count`` binary searches per map.

    >>> draw_sites(torch.tensor([[0.0, 1.0, 0.0]]), 3).tolist()
    [[1, 1, 1]]
    """
    shape = (len(probabilities), count)
    places = torch.rand(shape, generator=generator, device=probabilities.device, dtype=torch.float64)
    return _sites_at(probabilities, places)


def spread_sites(probabilities: Float[Tensor, "batch cell"], count: int) -> Int[Tensor, "batch draw"]:
    """The draws of evaluation: the cells at the quantiles (i + ½) / count of the cumulative sum, in raster order.

    A cell with probability p is chosen ``count · p`` times, give or take one, so a mean over these draws estimates the
    same thing as one over random draws, without their noise.

    >>> spread_sites(torch.tensor([[0.5, 0.0, 0.25, 0.25]]), 4).tolist()
    [[0, 0, 2, 3]]
    """
    places = (torch.arange(count, device=probabilities.device, dtype=torch.float64) + 0.5) / count
    return _sites_at(probabilities, places.expand(len(probabilities), -1))


def draw_distinct_sites(
    log_probabilities: Float[Tensor, "batch cell"], count: int, generator: torch.Generator | None = None
) -> Int[Tensor, "batch draw"]:
    """``count`` distinct cells of each map, in the order drawn, each by its probability among those left.

    Gumbel-top-k: the ``count`` largest of ``log p + Gumbel noise``, in falling order, have that distribution.
    Source: Vieira 2014; Kool, van Hoof & Welling, ICML 2019.

    Raises:
        BadInput: There are fewer cells (with any probability) than draws.
    """
    possible = int((log_probabilities > -torch.inf).sum(1).min()) if len(log_probabilities) else count
    if count > possible:
        raise BadInput(
            f"{count} different sites were asked for, but only {possible} can be drawn",
            remedy="ask for fewer, or draw with replacement",
        )
    uniform = torch.rand(
        log_probabilities.shape, generator=generator, device=log_probabilities.device, dtype=torch.float64
    )
    noise = -torch.log(-torch.log(uniform.clamp(1e-300, 1 - 1e-16)))
    return (log_probabilities.double() + noise).topk(count, dim=1).indices


def _sites_at(
    probabilities: Float[Tensor, "batch cell"], places: Float[Tensor, "batch draw"]
) -> Int[Tensor, "batch draw"]:
    """The cell whose share of the cumulative sum holds each place in [0, 1); never one without probability."""
    cumulative = probabilities.detach().double().cumsum(1)
    total = cumulative[:, -1:]
    index = torch.searchsorted(cumulative, (places * total).contiguous(), right=True)
    last = torch.searchsorted(cumulative, total.contiguous())  # the first cell that reaches the total
    return torch.minimum(index, last)
