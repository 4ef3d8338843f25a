"""Drawing cells of a map by their probability: with or without replacement, or evenly for evaluation.

Maps may have many millions of cells (a slide's overview has), so cells are found in the cumulative sum, which has no
limit on their number, unlike ``torch.multinomial``, and the sum runs over stretches of the map: what is needed beside
the map itself does not grow with it. The draws are those of one long sum, to the last bit on a CPU.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saccade.core.errors import BadInput

_STRETCH = 2**20  # cells summed at a time: 8 MB as float64


def draw_sites(
    probabilities: Float[Tensor, "batch cell"], count: int, generator: torch.Generator | None = None
) -> Int[Tensor, "batch draw"]:
    """``count`` independent draws from each map, with replacement.

    Cost: one cumulative sum and ``count`` binary searches per map.

    >>> draw_sites(torch.tensor([[0.0, 1.0, 0.0]]), 3).tolist()
    [[1, 1, 1]]
    """
    return _sites_at(probabilities, _random_places(probabilities, count, generator))


def spread_sites(probabilities: Float[Tensor, "batch cell"], count: int) -> Int[Tensor, "batch draw"]:
    """The draws of evaluation: the cells at the quantiles (i + ½) / count of the cumulative sum, in raster order.

    A cell with probability p is chosen ``count · p`` times, give or take one, so a mean over these draws estimates the
    same thing as one over random draws, without their noise.

    >>> spread_sites(torch.tensor([[0.5, 0.0, 0.25, 0.25]]), 4).tolist()
    [[0, 0, 2, 3]]
    """
    return _sites_at(probabilities, _even_places(probabilities, count))


def draw_sites_by_log(
    log_probabilities: Float[Tensor, "batch cell"], count: int, generator: torch.Generator | None = None
) -> Int[Tensor, "batch draw"]:
    """The draws of ``draw_sites(log_probabilities.exp(), …)``, without a second map for the probabilities.

    >>> draw_sites_by_log(torch.tensor([[0.0, 1.0, 0.0]]).log(), 3).tolist()
    [[1, 1, 1]]
    """
    return _sites_at(log_probabilities, _random_places(log_probabilities, count, generator), torch.exp)


def spread_sites_by_log(log_probabilities: Float[Tensor, "batch cell"], count: int) -> Int[Tensor, "batch draw"]:
    """The draws of ``spread_sites(log_probabilities.exp(), …)``, without a second map for the probabilities.

    >>> spread_sites_by_log(torch.tensor([[0.5, 0.0, 0.25, 0.25]]).log(), 4).tolist()
    [[0, 0, 2, 3]]
    """
    return _sites_at(log_probabilities, _even_places(log_probabilities, count), torch.exp)


def draw_distinct_sites(
    log_probabilities: Float[Tensor, "batch cell"], count: int, generator: torch.Generator | None = None
) -> Int[Tensor, "batch draw"]:
    """``count`` distinct cells of each map, in the order drawn, each by its probability among those left.

    Gumbel-top-k: the ``count`` largest of ``log p + Gumbel noise``, in falling order, have that distribution.
    Source: Vieira 2014; Kool, van Hoof & Welling, ICML 2019.

    Raises:
        BadInput: There are fewer cells (with any probability) than draws.
    """
    log_probabilities = log_probabilities.detach()
    possible = _possible_cells(log_probabilities, count)
    if count > possible:
        raise BadInput(
            f"{count} different sites were asked for, but only {possible} can be drawn",
            remedy="ask for fewer, or draw with replacement",
        )
    # a batch that is too much at once goes image by image: the noise is the same, for it is drawn in that order
    whole = log_probabilities.numel() <= _STRETCH
    rows = [log_probabilities] if whole else log_probabilities.split(1)
    return torch.cat([_best_with_noise(row, count, generator) for row in rows])


def _possible_cells(log_probabilities: Float[Tensor, "batch cell"], enough: int) -> int:
    """The least number of cells with any probability that a map of the batch has; not counted beyond ``enough``."""
    found = torch.zeros(len(log_probabilities), dtype=torch.long, device=log_probabilities.device)
    for stretch in log_probabilities.split(_STRETCH, dim=1):
        found += (stretch > -torch.inf).sum(1)
        if bool((found >= enough).all()):
            return enough
    return int(found.min())


def _best_with_noise(
    log_probabilities: Float[Tensor, "batch cell"], count: int, generator: torch.Generator | None
) -> Int[Tensor, "batch draw"]:
    """The largest of ``log p + Gumbel noise``, in falling order: each stretch is held against the best before it."""
    rows, all_cells = log_probabilities.shape
    best = log_probabilities.new_full((rows, count), -torch.inf, dtype=torch.float64)
    cells = torch.zeros_like(best, dtype=torch.long)
    # one space for all stretches, and of each only what beats the best so far: see _sites_at on memory
    space = log_probabilities.new_empty(rows, min(_STRETCH, all_cells), dtype=torch.float64)
    for number, stretch in enumerate(log_probabilities.split(_STRETCH, dim=1)):
        noise = space[:, : stretch.shape[1]].uniform_(generator=generator)
        noise.clamp_(1e-300, 1 - 1e-16).log_().neg_().log_().neg_().add_(stretch)
        if number == 0:
            better = noise.topk(min(count, noise.shape[1]), dim=1).indices
        else:  # one image alone
            better = (noise[0] > best[0, -1]).nonzero()[None, :, 0]
        best, order = torch.cat([best, noise.gather(1, better)], dim=1).topk(count, dim=1)
        cells = torch.cat([cells, better + number * _STRETCH], dim=1).gather(1, order)
    return cells


def _random_places(
    values: Float[Tensor, "batch cell"], count: int, generator: torch.Generator | None
) -> Float[Tensor, "batch {count}"]:
    """Independent shares of each map's cumulative sum."""
    return torch.rand((len(values), count), generator=generator, device=values.device, dtype=torch.float64)


def _even_places(values: Float[Tensor, "batch cell"], count: int) -> Float[Tensor, "batch {count}"]:
    """The middles of ``count`` equal shares."""
    places = (torch.arange(count, device=values.device, dtype=torch.float64) + 0.5) / count
    return places.expand(len(values), -1)


def _sites_at(
    values: Float[Tensor, "batch cell"],
    places: Float[Tensor, "batch draw"],
    weigh: Callable[[Tensor], Tensor] | None = None,
) -> Int[Tensor, "batch draw"]:
    """The cell whose share of the cumulative sum holds each place in [0, 1); never one without probability.

    Args:
        values: The map.
        places: Where to stand in the sum, as a share of its total.
        weigh: From values to probabilities, where they are not the same.
    """
    stretches = -(-values.shape[1] // _STRETCH)
    # the sum at the start of each stretch, and of all; one tensor, for small ones kept between large ones that come and
    # go would leave holes too small for the next large one, and memory would grow with the map after all
    before = values.new_zeros(len(values), stretches + 1, dtype=torch.float64)
    cumulative = before
    for number in range(stretches):
        cumulative = _running_sum(values, number, before[:, number, None], weigh)
        before[:, number + 1] = cumulative[:, -1]
    ends = before[:, 1:].contiguous()
    total = ends[:, -1:].contiguous()
    targets = places * total
    # the stretch that holds the target, at most the one that first reaches the total: behind it all is zero
    holding = torch.minimum(torch.searchsorted(ends, targets, right=True), torch.searchsorted(ends, total))
    sites = torch.zeros_like(holding)
    for number in [0] if stretches == 1 else holding.unique().tolist():
        if stretches > 1:
            cumulative = _running_sum(values, number, before[:, number, None], weigh)
        found = torch.searchsorted(cumulative, targets, right=True)
        last = torch.searchsorted(cumulative, cumulative[:, -1:].contiguous())  # the first cell that reaches the end
        sites = torch.where(holding == number, torch.minimum(found, last) + number * _STRETCH, sites)
    return sites


def _running_sum(
    values: Float[Tensor, "batch cell"],
    number: int,
    before: Float[Tensor, "batch 1"],
    weigh: Callable[[Tensor], Tensor] | None,
) -> Float[Tensor, "batch stretch"]:
    """The cumulative sum over one stretch, running on from what came before it."""
    stretch = values[:, number * _STRETCH : (number + 1) * _STRETCH].detach()
    weights = stretch if weigh is None else weigh(stretch)
    if number == 0:  # nothing came before
        return weights.cumsum(1, dtype=torch.float64)
    return torch.cat([before, weights.double()], dim=1).cumsum_(1)[:, 1:].contiguous()
