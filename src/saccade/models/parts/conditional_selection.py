"""Selections that read while they select: q(p_t | p_<t, image), and the unconditional one in the same form.

A selection of this kind is a module with ``forward(seen, read) -> ChosenCells``: it gets what the look left behind and
a way to read cells, and gives cells, their features and the logarithm of the probability of having drawn them. An
unconditional one reads all at once; a conditional one reads a patch, remembers, and changes the map for the next.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from saccade.models.parts.field_look import log_probabilities
from saccade.models.parts.pixel_select import Budgeted
from saccade.ops.sampling import draw_sites, spread_sites

Reading = Callable[[Int[Tensor, "batch draw"]], Float[Tensor, "batch draw feature"]]
"""From cells, by raster index, to the features of the patches around them."""

Choosing = Callable[[Float[Tensor, "batch cell"], int], Int[Tensor, " batch"]]
"""From a map in logarithms and the number of the draw to a cell of each image."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What a look leaves behind for a selection.

    Attributes:
        scores: The map, in logits.
        features: What the score was made from.
        inside: Where the map shows the image.
    """

    scores: Float[Tensor, "batch row column"]
    features: Float[Tensor, "batch feature row column"]
    inside: Bool[Tensor, "batch row column"]

    def repeated(self, count: int) -> "Seen":
        """Every image ``count`` times in a row; the look has run once."""
        return Seen(*(each.repeat_interleave(count, 0) for each in (self.scores, self.features, self.inside)))

    @property
    def lengths(self) -> Int[Tensor, "batch 2"]:
        """Rows and columns of each image's own map."""
        return torch.stack([self.inside.any(2).sum(1), self.inside.any(1).sum(1)], dim=1)


@dataclass(frozen=True, eq=False)
class ChosenCells:
    """Cells in the order they were drawn, what was read there, and how likely that was.

    Attributes:
        index: Cells by raster index on the map.
        features: Of their patches.
        log_probabilities: Of each draw, given those before it; their sum is that of the sequence.
        negative_entropies: Σ q log q of the map that each draw was made from.
    """

    index: Int[Tensor, "batch draw"]
    features: Float[Tensor, "batch draw feature"]
    log_probabilities: Float[Tensor, "batch draw"]
    negative_entropies: Float[Tensor, "batch draw"]


class IndependentSites(Budgeted):
    """All draws from one map, with replacement, and the map's quantiles in evaluation: attention sampling's own.

    Args:
        budget: Draws.
    """

    def forward(self, seen: Seen, read: Reading) -> ChosenCells:
        """Draw, then read all at once."""
        log_map = log_probabilities(seen.scores, seen.inside)
        choose = draw_sites if self.training else spread_sites
        return self._chosen(log_map, choose(log_map.detach().exp(), self.budget), read)

    def draw(self, seen: Seen, read: Reading) -> ChosenCells:
        """Random draws, in evaluation too."""
        log_map = log_probabilities(seen.scores, seen.inside)
        return self._chosen(log_map, draw_sites(log_map.detach().exp(), self.budget), read)

    def _chosen(
        self, log_map: Float[Tensor, "batch cell"], index: Int[Tensor, "batch draw"], read: Reading
    ) -> ChosenCells:
        chaos = _negative_entropies(log_map)[:, None].expand(-1, self.budget)
        return ChosenCells(index, read(index), log_map.gather(1, index), chaos)


class ConditionalSites(Budgeted):
    """Each draw follows from those before it: q(p_t | p_<t, image), our form of the report's improvement B.

    After each patch a small recurrent state takes in its feature and its place. The next map is a mixture,

        q = (1 − λ) · softmax(scores + ⟨U s, features⟩) + λ · softmax over the window around the last site of K(s),

    of looking elsewhere, on a map that the state has changed, and of following up beside the last site, where K gives
    logits at knots of a grid of offsets, with straight lines between. A mixture and not a sum of logits, so that
    following up is tried from the start, however sure the map is. The first draw is the map's own. A cell is not drawn
    twice as long as another is left.

    Draws are random while training; in evaluation each is the most probable cell, given those before it. (Quantiles, as
    attention sampling takes them, have no meaning for one draw at a time.)

    Cost per draw: one pass over the cells of the map; the patches of an image are read one after the other.

    Args:
        budget: Draws.
        feature: Numbers in a patch's feature.
        seen: Numbers in a cell's features.
        state: Numbers in the state.
        stride: Cells from knot to knot.
        reach: Knots to each side of the last site.
    """

    def __init__(
        self, budget: int, *, feature: int, seen: int, state: int = 16, stride: int = 1, reach: int = 2
    ) -> None:
        super().__init__(budget)
        self.state, self.stride, self.reach = state, stride, reach
        self.remember = nn.GRUCell(feature + 2, state)
        self.change = nn.Linear(state, seen, bias=False)
        self.follow = nn.Linear(state, 1)
        self.beside = nn.Linear(state, (2 * reach + 1) ** 2)
        nn.init.zeros_(self.change.weight)  # elsewhere is the look's own map until something is learned
        nn.init.zeros_(self.follow.bias)
        nn.init.zeros_(self.beside.bias)

    def forward(self, seen: Seen, read: Reading) -> ChosenCells:
        """Draw and read in turns."""
        return self._run(seen, read, _drawn if self.training else _likeliest)

    def draw(self, seen: Seen, read: Reading) -> ChosenCells:
        """Random draws, in evaluation too."""
        return self._run(seen, read, _drawn)

    def along(self, seen: Seen, read: Reading, index: Int[Tensor, "batch draw"]) -> ChosenCells:
        """The draws given, and how likely they were."""
        return self._run(seen, read, lambda log_map, step: index[:, step])

    def _run(self, seen: Seen, read: Reading, choose: Choosing) -> ChosenCells:
        state = seen.scores.new_zeros(len(seen.scores), self.state)
        taken, last = torch.zeros_like(seen.inside).flatten(1), None
        cells, features, logs, chaos = [], [], [], []
        for step in range(self.budget):
            log_map = self._log_map(seen, state, taken, last)
            last = choose(log_map, step)
            features.append(read(last[:, None])[:, 0])
            cells.append(last)
            logs.append(log_map.gather(1, last[:, None])[:, 0])
            chaos.append(_negative_entropies(log_map))
            taken = taken.scatter(1, last[:, None], True)
            state = self.remember(torch.cat([features[-1], self._place(seen, last)], dim=1), state)
        return ChosenCells(*(torch.stack(each, dim=1) for each in (cells, features, logs, chaos)))

    def _log_map(
        self,
        seen: Seen,
        state: Float[Tensor, "batch state"],
        taken: Bool[Tensor, "batch cell"],
        last: Int[Tensor, " batch"] | None,
    ) -> Float[Tensor, "batch cell"]:
        """The logarithm of q for the next draw."""
        inside = seen.inside.flatten(1)
        free = inside & ~taken
        free = torch.where(free.any(1, keepdim=True), free, inside)  # all have been drawn: begin again
        changed = seen.scores + torch.einsum("bf,bfrc->brc", self.change(state), seen.features)
        elsewhere = changed.flatten(1).masked_fill(~free, -torch.inf).softmax(1)
        if last is None:
            return _safe_log(elsewhere, free)
        logits, window = self._window(seen, state, last)
        window = window & free
        some = window.any(1, keepdim=True)
        near = logits.masked_fill(~(window | ~some), -torch.inf).softmax(1)  # any values do where the share is nought
        share = torch.where(some, self.follow(state).sigmoid(), 0.0)
        return _safe_log((1 - share) * elsewhere + share * near, free)

    def _window(
        self, seen: Seen, state: Float[Tensor, "batch state"], last: Int[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch cell"], Bool[Tensor, "batch cell"]]:
        """The logit of every cell by its offset from the last site, and which cells have one."""
        rows, columns = seen.scores.shape[1:]
        down = torch.arange(rows, device=last.device) - last[:, None].div(columns, rounding_mode="floor")
        right = torch.arange(columns, device=last.device) - last[:, None] % columns
        far = self.reach * self.stride
        window = (down.abs() <= far)[:, :, None] & (right.abs() <= far)[:, None]
        knots = self.beside(state).unflatten(1, (2 * self.reach + 1, -1))
        logits = torch.einsum("brk,bkl,bcl->brc", self._tents(down, knots), knots, self._tents(right, knots))
        return logits.flatten(1), window.flatten(1)

    def _tents(self, offset: Int[Tensor, "batch place"], like: Tensor) -> Float[Tensor, "batch place knot"]:
        """How much each knot has to say at each offset: all at its own, nothing at the next."""
        knots = torch.arange(-self.reach, self.reach + 1, device=offset.device)
        return (1 - (offset[..., None] / self.stride - knots).abs()).clamp_min(0).to(like)

    def _place(self, seen: Seen, index: Int[Tensor, " batch"]) -> Float[Tensor, "batch 2"]:
        """Where a cell lies in its image, from -1 to 1."""
        columns = seen.scores.shape[2]
        cell = torch.stack([index.div(columns, rounding_mode="floor"), index % columns], dim=1)
        return ((cell + 0.5) / seen.lengths * 2 - 1).to(seen.scores)


def _drawn(log_map: Float[Tensor, "batch cell"], step: int) -> Int[Tensor, " batch"]:
    return draw_sites(log_map.detach().exp(), 1)[:, 0]


def _likeliest(log_map: Float[Tensor, "batch cell"], step: int) -> Int[Tensor, " batch"]:
    return log_map.argmax(1)


def _safe_log(values: Float[Tensor, "batch cell"], free: Bool[Tensor, "batch cell"]) -> Float[Tensor, "batch cell"]:
    """The logarithm where it is wanted, −∞ elsewhere; no gradient is lost in a division of nought by nought."""
    known = values.masked_fill(~free, 1.0).clamp_min(torch.finfo(values.dtype).tiny)
    return known.log().masked_fill(~free, -torch.inf)


def _negative_entropies(log_map: Float[Tensor, "batch cell"]) -> Float[Tensor, " batch"]:
    """Σ q log q of each map."""
    logs = log_map.masked_fill(log_map == -torch.inf, 0.0)
    return (log_map.exp() * logs).sum(1)
