"""Attention of each slide's global token over cells that are normalised as they are needed, and never kept so.

Equal to ``global_attention`` of normalised cells, which would be another array the size of the slide, and one more for
the gradient. Some cells are normalised at a time: once for their scores, once for the sum they are mixed into.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from einops import einsum, rearrange
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from saccade.ops.cls_attention import split_heads
from saccade.ops.dropping import kept, rounded, seeded
from saccade.ops.global_attention import GlobalAttention
from saccade.ops.norms import normed

_ROWS = 512  # cells at a time


def swept_global_attention(
    query: Float[Tensor, "slide width"],
    token: Float[Tensor, "slide width"],
    cells: Float[Tensor, "cell width"],
    norm: Float[Tensor, "2 width"],
    lengths: tuple[int, ...],
    key_weight: Float[Tensor, "width width"],
    value_weight: Float[Tensor, "width width"],
    value_bias: Float[Tensor, " width"],
    heads: int,
    hidden: Bool[Tensor, " cell"] | None = None,
    dropout: float = 0.0,
) -> GlobalAttention:
    """Attend from each slide's token to the slide's normalised cells and itself.

    Cost: O(cells · heads · width), and two products of width² per slide. The weights have no gradient.

    >>> none, one = torch.zeros(1, 2), torch.eye(2)
    >>> cells, norm = torch.tensor([[3.0, 5.0], [6.0, 4.0]]), torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    >>> found = swept_global_attention(none, none, cells, norm, (2,), one, one, none[0], heads=1)
    >>> found.value.round(decimals=3).abs().tolist(), found.weights.sum().item() < 1
    ([[0.0, 0.0]], True)

    Args:
        query: The projected query of each slide's token.
        token: The tokens, normalised and not projected: each is the last key of its own query.
        cells: The cells, not normalised, slide by slide.
        norm: Weight and bias of the cells' normalisation, as two rows.
        lengths: Cells of each slide; 0 is allowed.
        key_weight: Projects to keys; their bias would change nothing.
        value_weight: Projects to values.
        value_bias: Added to every value.
        heads: Shares of the width.
        hidden: Cells that are no keys.
        dropout: Share of the weights that are dropped.
    """
    if not lengths:
        return GlobalAttention(token, cells.new_zeros(0))
    asks = einsum(
        rearrange(query, "slide (head dim) -> slide head dim", head=heads),
        split_heads(key_weight, heads),
        "slide head dim, head dim width -> slide head width",
    ) / math.sqrt(query.shape[-1] // heads)
    seed = int(torch.randint(2**60, ())) if dropout else 0
    task = _Task(lengths, hidden, dropout, seed)
    mixed, sums, weights = _Mixed.apply(cells, asks, token, norm, task)  # type: ignore[misc]
    value = einsum(mixed, split_heads(value_weight, heads), "slide head width, head dim width -> slide head dim")
    value = value + sums[..., None] * rearrange(value_bias, "(head dim) -> head dim", head=heads)
    return GlobalAttention(rearrange(value, "slide head dim -> slide (head dim)"), weights)


class _Mixed(torch.autograd.Function):
    """The weighted sums of each slide's normalised cells and its token, by head, and the sums of the weights."""

    @staticmethod
    def forward(
        ctx: Any, cells: Tensor, asks: Tensor, token: Tensor, norm: Tensor, task: "_Task"
    ) -> tuple[Tensor, ...]:
        weights = torch.empty(asks.shape[1], task.places, dtype=asks.dtype, device=asks.device)
        for slide, rows, place in task.slides():
            weights[:, place] = _weights(cells[rows], asks[slide], token[slide], norm, task.hidden_among(rows))
        counted, mixed = task.dropped(weights), torch.empty_like(asks)
        for slide, rows, place in task.slides():
            mixed[slide] = _mixed(cells[rows], token[slide], norm, counted[:, place])
        sums = torch.stack([counted[:, place].sum(1) for *_, place in task.slides()])
        found = torch.cat([weights[:, place][:, :-1].mean(0) for *_, place in task.slides()])
        ctx.save_for_backward(cells, asks, token, norm, weights, mixed, sums)
        ctx.task = task
        ctx.mark_non_differentiable(found)
        return mixed, sums, found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        cells, asks, token, norm, weights, mixed, sums = ctx.saved_tensors
        wanted, wanted_sums, _ = grad_outputs
        counted = ctx.task.dropped(weights)
        down, token_grad, norm_grad = torch.empty_like(cells), torch.empty_like(token), torch.zeros_like(norm)
        asks_grad = torch.empty_like(asks)
        means = (wanted * mixed).sum(-1) + wanted_sums * sums  # Σ a ∂a of each slide and head
        for slide, rows, place in ctx.task.slides():
            way = _Way(
                asks[slide], weights[:, place], counted[:, place], wanted[slide], wanted_sums[slide], means[slide]
            )
            asked, token_grad[slide] = way.back(token[slide][None], slice(-1, None))
            for part in _parts(rows.stop - rows.start):
                own = normed(cells[rows][part], norm[0], norm[1])
                some, values = way.back(own.values, part)
                asked = asked + some
                down[rows][part], *norms = own.backward(values, norm[0], norm[1])
                norm_grad += torch.stack(norms)
            asks_grad[slide] = asked
        return down, asks_grad, token_grad, norm_grad, None


@dataclass(frozen=True, eq=False)
class _Task:
    """Which cells belong to which slide, and who is not counted."""

    lengths: tuple[int, ...]
    hidden: Tensor | None
    dropout: float
    seed: int

    @property
    def places(self) -> int:
        """Weights: one for each cell, after those of a slide one for its token."""
        return sum(self.lengths) + len(self.lengths)

    def slides(self) -> Iterator[tuple[int, slice, slice]]:
        """Number of each slide, its rows, and its places among the weights."""
        start = 0
        for slide, length in enumerate(self.lengths):
            yield slide, slice(start, start + length), slice(start + slide, start + length + slide + 1)
            start += length

    def hidden_among(self, rows: slice) -> Tensor | None:
        return None if self.hidden is None else self.hidden[rows]

    def dropped(self, weights: Tensor) -> Tensor:
        """The weights as they count, the same at every call."""
        if not self.dropout:
            return weights
        mask = kept(tuple(weights.shape), self.dropout, seeded(self.seed, weights.device))
        return (weights * mask).div_(1 - rounded(self.dropout))


@dataclass(frozen=True, eq=False)
class _Way:
    """What the gradients of one slide's cells and token have in common."""

    asks: Float[Tensor, "head width"]
    weights: Float[Tensor, "head place"]
    counted: Float[Tensor, "head place"]
    wanted: Float[Tensor, "head width"]
    wanted_sums: Float[Tensor, " head"]
    means: Float[Tensor, " head"]

    def back(self, values: Float[Tensor, "some width"], places: slice) -> tuple[Tensor, Tensor]:
        """Gradients of what is asked, through some values, and of these values."""
        counted = self.counted[:, places]
        share = counted * (self.wanted @ values.T + self.wanted_sums[:, None])
        scores = share - self.weights[:, places] * self.means[:, None]
        return scores @ values, scores.T @ self.asks + counted.T @ self.wanted


def _weights(
    cells: Tensor, asks: Tensor, token: Tensor, norm: Tensor, hidden: Tensor | None
) -> Float[Tensor, "head place"]:
    """How much each cell of a slide counts, and the token after them."""
    scores = asks.new_empty(len(asks), len(cells) + 1)
    for part, values in zip(_parts(len(cells)), _values(cells, norm), strict=True):
        torch.matmul(asks, values.T, out=scores[:, part])
    scores[:, -1] = asks @ token
    if hidden is not None:
        scores[:, :-1].masked_fill_(hidden, -math.inf)
    return scores.softmax(1)


def _mixed(cells: Tensor, token: Tensor, norm: Tensor, counted: Tensor) -> Float[Tensor, "head width"]:
    """The weighted sum of a slide's cells and its token."""
    mixed, parts = counted[:, -1:] * token, _parts(len(cells))
    for part, values in zip(parts, _values(cells, norm), strict=True):
        mixed.addmm_(counted[:, part], values)
    return mixed


def _parts(count: int) -> Iterator[slice]:
    for start in range(0, count, _ROWS):
        yield slice(start, min(start + _ROWS, count))


def _values(cells: Tensor, norm: Tensor) -> Iterator[Float[Tensor, "some width"]]:
    """The cells, normalised, some at a time."""
    for part in _parts(len(cells)):
        yield normed(cells[part], norm[0], norm[1]).values
