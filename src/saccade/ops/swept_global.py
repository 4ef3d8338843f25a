"""Attention of each slide's global token over cells that are normalised as they are needed, and never kept so.

Equal to ``global_attention`` of normalised cells, which would be another array the size of the slide, and one more for
the gradient. Some cells are normalised at a time: once for their scores, once for the sum they are mixed into.
"""

import math
from collections.abc import Iterator
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

_ROWS = 2048  # cells at a time


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
    asks = einsum(
        rearrange(query, "slide (head dim) -> slide head dim", head=heads),
        split_heads(key_weight, heads),
        "slide head dim, head dim width -> slide head width",
    ) / math.sqrt(query.shape[-1] // heads)
    seed = int(torch.randint(2**60, ())) if dropout else 0
    mixed, sums, weights = _Mixed.apply(cells, asks, token, norm, lengths, hidden, dropout, seed)  # type: ignore[misc]
    value = einsum(mixed, split_heads(value_weight, heads), "slide head width, head dim width -> slide head dim")
    value = value + sums[..., None] * rearrange(value_bias, "(head dim) -> head dim", head=heads)
    return GlobalAttention(rearrange(value, "slide head dim -> slide (head dim)"), weights)


class _Mixed(torch.autograd.Function):
    """The weighted sums of each slide's normalised cells and its token, by head, and the sums of the weights."""

    @staticmethod
    def forward(
        ctx: Any,
        cells: Tensor,
        asks: Tensor,
        token: Tensor,
        norm: Tensor,
        lengths: tuple[int, ...],
        hidden: Tensor | None,
        dropout: float,
        seed: int,
    ) -> tuple[Tensor, Tensor, Tensor]:
        weights = asks.new_empty(asks.shape[1], len(cells) + len(lengths))  # of each slide's cells, then its token
        mixed = torch.zeros_like(asks)
        for slide, rows, place in _slides(lengths):
            own = weights[:, place]
            for part in _parts(rows):
                own[:, part.start - rows.start : part.stop - rows.start] = asks[slide] @ _values(cells, part, norm).T
            own[:, -1] = asks[slide] @ token[slide]
            if hidden is not None:
                own[:, :-1].masked_fill_(hidden[rows], -math.inf)
            own.copy_(own.softmax(1))
        masks = _masks(weights, dropout, seed)
        counted = weights * masks
        for slide, rows, place in _slides(lengths):
            own = counted[:, place]
            for part in _parts(rows):
                share = own[:, part.start - rows.start : part.stop - rows.start]
                mixed[slide] += share @ _values(cells, part, norm)
            mixed[slide] += own[:, -1:] * token[slide]
        sums = torch.stack([counted[:, place].sum(1) for *_, place in _slides(lengths)])
        found = torch.cat([weights[:, place][:, :-1].mean(0) for *_, place in _slides(lengths)])
        ctx.save_for_backward(cells, asks, token, norm, weights, mixed, sums)
        ctx.lengths, ctx.drawn = lengths, (dropout, seed)
        ctx.mark_non_differentiable(found)
        return mixed, sums, found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        cells, asks, token, norm, weights, mixed, sums = ctx.saved_tensors
        wanted, wanted_sums, _ = grad_outputs
        grads = [torch.empty_like(cells), torch.zeros_like(asks), torch.empty_like(token), torch.zeros_like(norm)]
        masks = _masks(weights, *ctx.drawn)
        means = (wanted * mixed).sum(-1) + wanted_sums * sums  # Σ a ∂a of each slide and head
        for slide, rows, place in _slides(ctx.lengths):
            own, mask, want = weights[:, place], masks[:, place], wanted[slide]

            def through(values: Tensor, some: slice, own=own, mask=mask, want=want, slide=slide) -> tuple[Tensor, Tensor]:  # noqa: ANN001
                """Gradients of some scores, and of the values themselves."""
                share = (want @ values.T + wanted_sums[slide][:, None]) * mask[:, some] - means[slide][:, None]
                scores = own[:, some] * share
                grads[1][slide] += scores @ values
                return scores, scores.T @ asks[slide] + (own[:, some] * mask[:, some]).T @ want

            for part in _parts(rows):
                normal = normed(cells[part], norm[0], norm[1])
                _, values = through(normal.values, slice(part.start - rows.start, part.stop - rows.start))
                grads[0][part], weight, bias = normal.backward(values, norm[0], norm[1])
                grads[3] += torch.stack([weight, bias])
            grads[2][slide] = through(token[slide][None], slice(-1, None))[1][0]
        return *grads, None, None, None, None


def _slides(lengths: tuple[int, ...]) -> Iterator[tuple[int, slice, slice]]:
    """Number of each slide, its rows, and its places among the weights."""
    start = 0
    for slide, length in enumerate(lengths):
        yield slide, slice(start, start + length), slice(start + slide, start + length + slide + 1)
        start += length


def _parts(rows: slice) -> Iterator[slice]:
    for start in range(rows.start, rows.stop, _ROWS):
        yield slice(start, min(start + _ROWS, rows.stop))


def _values(cells: Tensor, rows: slice, norm: Tensor) -> Tensor:
    return normed(cells[rows], norm[0], norm[1]).values


def _masks(weights: Tensor, dropout: float, seed: int) -> Tensor | float:
    """By how much each weight counts."""
    if not dropout:
        return 1.0
    scale = 1 / (1 - rounded(dropout))
    return kept(tuple(weights.shape), dropout, seeded(seed, weights.device)).to(weights) * scale
