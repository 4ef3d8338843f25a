"""Attention of one global token per slide over all cells of that slide and itself, without projecting a cell.

With one query, key and value projections fold: ``q · (W_k x + b_k) = (W_kᵀ q) · x + q · b_k``, where the last term is
the same for every key and leaves the softmax as it is; ``Σ a (W_v x + b_v) = W_v (Σ a x) + (Σ a) b_v``. That is
4 · n · heads · D FLOPs instead of 4 · n · D².
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import einsum, rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from saccade.ops.cls_attention import split_heads


@dataclass(frozen=True, eq=False)
class GlobalAttention:
    """What the global tokens found.

    Attributes:
        value: The attended values, heads side by side.
        weights: How much each cell counted for its slide's token, mean over heads, before any dropout. What is
            missing to one per slide is the token's weight on itself.
    """

    value: Float[Tensor, "slide width"]
    weights: Float[Tensor, " cell"]


def global_attention(
    query: Float[Tensor, "slide width"],
    token: Float[Tensor, "slide width"],
    cells: Float[Tensor, "cell width"],
    lengths: tuple[int, ...],
    key_weight: Float[Tensor, "width width"],
    value_weight: Float[Tensor, "width width"],
    value_bias: Float[Tensor, " width"],
    heads: int,
    hidden: Bool[Tensor, " cell"] | None = None,
    dropout: float = 0.0,
) -> GlobalAttention:
    """Attend from each slide's token to the slide's cells and itself: ``softmax(q·(W_k x) / √dim) (W_v x + b_v)``.

    Cost: O(cells · heads · width), and two products of width² per slide. Slides come one after the other.

    >>> none, one = torch.zeros(1, 1), torch.ones(1, 1)
    >>> found = global_attention(none, none, torch.tensor([[3.0], [6.0]]), (2,), one, one, none[0], heads=1)
    >>> round(found.value.item(), 3), found.weights.sum().item() < 1
    (3.0, True)

    Args:
        query: The projected query of each slide's token.
        token: The tokens, not projected: each is the last key of its own query.
        cells: The cells, not projected, slide by slide.
        lengths: Cells of each slide; 0 is allowed.
        key_weight: Projects to keys; their bias would change nothing.
        value_weight: Projects to values.
        value_bias: Added to every value.
        heads: Shares of the width.
        hidden: Cells that are no keys.
        dropout: Share of the weights that are dropped.
    """
    folded = einsum(
        rearrange(query, "slide (head dim) -> slide head dim", head=heads),
        split_heads(key_weight, heads),
        "slide head dim, head dim width -> slide head width",
    ) / math.sqrt(query.shape[-1] // heads)
    mixed, kept, found = [], [], []
    masks = [None] * len(lengths) if hidden is None else hidden.split(lengths)
    for ask, own, some, mask in zip(folded, token, cells.split(lengths), masks, strict=True):
        scores = ask @ some.T  # (head, cell)
        if mask is not None:
            scores = scores.masked_fill(mask, -math.inf)
        weights = torch.cat([scores, (ask @ own)[:, None]], dim=1).softmax(1)
        found.append(weights[:, :-1].mean(0))
        weights = F.dropout(weights, dropout, training=dropout > 0)
        mixed.append(weights[:, :-1] @ some + weights[:, -1:] * own)
        kept.append(weights.sum(1))
    if not lengths:
        return GlobalAttention(token, cells.new_zeros(0))
    value = einsum(
        torch.stack(mixed), split_heads(value_weight, heads), "slide head width, head dim width -> slide head dim"
    )
    value = value + torch.stack(kept)[..., None] * rearrange(value_bias, "(head dim) -> head dim", head=heads)
    return GlobalAttention(rearrange(value, "slide head dim -> slide (head dim)"), torch.cat(found))
