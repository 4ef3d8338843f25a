"""Attention within a window and the window shifted by half, in one softmax over the union of both.

Who attends to whom is found beforehand, block by block (``union_index``). How far a key lies from a query depends on
nothing but their places in their blocks and whether the block's row and column are odd: four tables of position biases
serve all blocks.
"""

import functools
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from einops import einsum, rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from saccade.ops.union_index import KEYS, PLACES, SIDE, STEPS, WINDOW, UnionIndex

REACH = 2 * WINDOW - 1
"""Side of a table of position biases: a key lies up to 5 cells away on either side."""

_CHUNK = 128  # blocks at a time: temporaries of some 30 MB at 512 channels


def union_window_attention(
    query: Float[Tensor, "cell head dim"],
    key: Float[Tensor, "cell head dim"],
    value: Float[Tensor, "cell head dim"],
    table: Float[Tensor, "head 11 11"],
    index: UnionIndex,
    dropout: float = 0.0,
) -> Float[Tensor, "cell head dim"]:
    """Attend from every cell to its at most 63 keys: ``softmax(q·k / √dim + table[Δrow + 5, Δcolumn + 5]) v``.

    Δ is the key's place less the query's. A cell without a key (only a sentinel can be) gets zeros.

    Cost: 63 × 9 scores per block and head, whatever the size of the slide; linear in the blocks. Some blocks are
    computed at a time, and again for the gradient, so that nothing but query, key and value is kept.

    >>> from saccade.ops.slide_grid import placed
    >>> from saccade.ops.union_index import union_index
    >>> index = union_index(placed(torch.tensor([[0, 0], [1, 0], [30, 0]]), (3,)))
    >>> same, value = torch.zeros(3, 1, 1), torch.tensor([1.0, 3.0, 5.0])[:, None, None]
    >>> union_window_attention(same, same, value, torch.zeros(1, 11, 11), index).flatten().tolist()
    [2.0, 2.0, 5.0]

    Args:
        query: Of each cell.
        key: Of each cell.
        value: Of each cell.
        table: Position bias of each head, rows before columns.
        index: Who attends to whom.
        dropout: Share of the weights that are dropped.
    """
    if not len(query):
        return query
    work = _Work(index, dropout, seed=int(torch.randint(2**60, ())) if dropout else 0)
    parts = (query, key, value, position_bias(table))
    needs_gradient = torch.is_grad_enabled() and any(part.requires_grad for part in parts)
    return _Recomputed.apply(*parts, work) if needs_gradient else _attended(*parts, work)  # type: ignore[return-value]


def position_bias(table: Float[Tensor, "head 11 11"]) -> Float[Tensor, "parity head 9 63"]:
    """The bias between the places of a block and those of its keys, for even and odd rows and columns."""
    where = torch.tensor(_places_in_table(), device=table.device).view(-1, PLACES, KEYS)
    return rearrange(table.flatten(1)[:, where], "head parity query key -> parity head query key")


@functools.cache
def _places_in_table() -> tuple[int, ...]:
    """For each parity, query and key the raster index in a table of 11 × 11.

    Numbers, since a tensor that is kept remembers whether it was made while tracing or without gradients.
    """
    places = [(row, column) for row in range(SIDE) for column in range(SIDE)]
    found = []
    for down, across in itertools.product((1, -1), repeat=2):
        keys = [(row + SIDE * down * y, column + SIDE * across * x) for x, y in STEPS for row, column in places]
        for row, column in places:
            found += [(down_to - row + WINDOW - 1) * REACH + over_to - column + WINDOW - 1 for down_to, over_to in keys]
    return tuple(found)


@dataclass(frozen=True, eq=False)
class _Chunk:
    """Some blocks of an index with their keys."""

    queries: Int[Tensor, "block 9"]  # where there is no cell, any
    present: Bool[Tensor, "block 9"]
    keys: Int[Tensor, "block 63"]  # where there is no cell, any
    seen: Bool[Tensor, "block #9 63"]
    parity: Int[Tensor, " block"]
    seed: int


@dataclass(frozen=True, eq=False)
class _Work:
    """What is to be attended, chunk by chunk; the same seed drops the same weights again."""

    index: UnionIndex
    dropout: float
    seed: int

    def chunks(self) -> Iterator[_Chunk]:
        """All blocks, some at a time."""
        index = self.index
        for start in range(0, len(index.tokens), _CHUNK):
            queries, neighbours, parity = (
                part[start : start + _CHUNK] for part in (index.tokens, index.neighbours, index.parity)
            )
            keys = index.tokens[neighbours.clamp_min(0)].masked_fill((neighbours < 0)[..., None], -1).flatten(1)
            seen = (keys >= 0)[:, None]
            present, queries, keys = queries >= 0, queries.clamp_min(0), keys.clamp_min(0)
            if (selfless := index.selfless[queries]).any():
                seen = seen & ~(selfless[..., None] & (queries[..., None] == keys[:, None]))
            yield _Chunk(queries, present, keys, seen, parity, self.seed + start)

    def attention(
        self,
        query: Float[Tensor, "block 9 head dim"],
        key: Float[Tensor, "block 63 head dim"],
        value: Float[Tensor, "block 63 head dim"],
        bias: Float[Tensor, "block head 9 63"],
        chunk: _Chunk,
    ) -> Float[Tensor, "block 9 head dim"]:
        """The attention of some blocks; in places without a cell, numbers that nobody uses."""
        own = query / math.sqrt(query.shape[-1])
        scores = einsum(own, key, "block query head dim, block key head dim -> block head query key") + bias
        seen = chunk.seen[:, None]
        # The least number instead of −∞: a query without keys gets even weights, which the mask then takes to zero.
        weights = scores.masked_fill(~seen, torch.finfo(scores.dtype).min).softmax(-1) * seen
        if self.dropout:
            generator = torch.Generator(weights.device).manual_seed(chunk.seed)
            drawn = torch.rand(weights.shape, generator=generator, device=weights.device)
            weights = weights * (drawn >= self.dropout) / (1 - self.dropout)
        weights = weights.to(value.dtype)  # in mixed precision the bias made them wider
        return einsum(weights, value, "block head query key, block key head dim -> block query head dim")


def _attended(
    query: Float[Tensor, "cell head dim"],
    key: Float[Tensor, "cell head dim"],
    value: Float[Tensor, "cell head dim"],
    bias: Float[Tensor, "parity head 9 63"],
    work: _Work,
) -> Float[Tensor, "cell head dim"]:
    """Every cell's attention."""
    found = [
        work.attention(query[chunk.queries], key[chunk.keys], value[chunk.keys], bias[chunk.parity], chunk)
        for chunk in work.chunks()
    ]
    return torch.cat(found).flatten(0, 1)[work.index.place]


class _Recomputed(torch.autograd.Function):
    """The same with a gradient that keeps no chunk: each is computed again, and added where its cells are.

    Left to autograd, every chunk would keep its keys and values (seven times those of the slide), and each would add a
    gradient the size of the slide: quadratic in the slide.
    """

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, bias: Tensor, work: _Work) -> Tensor:
        ctx.save_for_backward(query, key, value, bias)
        ctx.work = work
        return _attended(query, key, value, bias, work)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        parts = ctx.saved_tensors
        totals = [torch.zeros_like(part) for part in parts]
        for chunk in ctx.work.chunks():
            rows = (chunk.queries, chunk.keys, chunk.keys, chunk.parity)
            own = [part.detach()[row].requires_grad_() for part, row in zip(parts, rows, strict=True)]
            with torch.enable_grad():
                found = ctx.work.attention(*own, chunk)
            asked = grad_outputs[0][chunk.queries] * chunk.present[..., None, None]
            for total, row, share in zip(totals, rows, torch.autograd.grad(found, own, asked), strict=True):
                total.index_add_(0, row.flatten(), share.reshape(-1, *total.shape[1:]))
        return *totals, None
