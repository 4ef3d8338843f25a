"""Attention between the cells of a slide and several global tokens, both ways.

A cell's softmax is over the tokens of its slide; a token's over all cells of its slide and all its tokens. Queries are
folded into keys, ``q · (W_k x) = (W_kᵀ q) · x``, so that no cell is projected for the tokens; a key's bias would add
the same to every score of a query and change nothing.
"""

import math

import torch
import torch.nn.functional as F
from einops import einsum, rearrange
from jaxtyping import Float
from torch import Tensor

from saccade.ops.cls_attention import split_heads


def told_by_tokens(
    query: Float[Tensor, "cell head dim"],
    key: Float[Tensor, "slide token head dim"],
    value: Float[Tensor, "slide token head dim"],
    lengths: tuple[int, ...],
    dropout: float = 0.0,
) -> Float[Tensor, "cell head dim"]:
    """What each cell is told by the tokens of its slide: ``softmax(q·k / √dim) v``. Cost: O(cells · tokens · width).

    >>> query, value = torch.zeros(2, 1, 1), torch.tensor([1.0, 3.0]).view(1, 2, 1, 1)
    >>> told_by_tokens(query, value, value, (2,)).flatten().tolist()
    [2.0, 2.0]

    Args:
        query: Of each cell, slide by slide.
        key: Of each token.
        value: Of each token.
        lengths: Cells of each slide; 0 is allowed.
        dropout: Share of the weights that are dropped.
    """
    told = [query[:0]]
    for ask, keys, values in zip(query.split(lengths), key, value, strict=True):
        scores = einsum(ask, keys, "cell head dim, token head dim -> cell head token") / math.sqrt(query.shape[-1])
        weights = F.dropout(scores.softmax(-1), dropout, training=dropout > 0).to(values.dtype)
        told.append(einsum(weights, values, "cell head token, token head dim -> cell head dim"))
    return torch.cat(told)


def asked_by_tokens(
    query: Float[Tensor, "slide token width"],
    tokens: Float[Tensor, "slide token width"],
    cells: Float[Tensor, "cell width"],
    lengths: tuple[int, ...],
    key_weight: Float[Tensor, "width width"],
    value_weight: Float[Tensor, "width width"],
    value_bias: Float[Tensor, " width"],
    heads: int,
    dropout: float = 0.0,
) -> Float[Tensor, "slide token width"]:
    """What each token learns from all cells and all tokens of its slide. Cost: O(tokens · heads · cells · width).

    >>> none, one = torch.zeros(1, 1, 1), torch.ones(1, 1)
    >>> asked_by_tokens(none, none, torch.tensor([[3.0], [6.0]]), (2,), one, one, none[0, 0], heads=1).item()
    3.0

    Args:
        query: The projected query of each token.
        tokens: Not projected.
        cells: Not projected, slide by slide.
        lengths: Cells of each slide; 0 is allowed.
        key_weight: Projects to keys.
        value_weight: Projects to values.
        value_bias: Added to every value.
        heads: Shares of the width.
        dropout: Share of the weights that are dropped.
    """
    if not lengths:
        return tokens
    split = rearrange(query, "slide token (head dim) -> slide token head dim", head=heads)
    pattern = "slide token head dim, head dim width -> slide token head width"
    folded = einsum(split, split_heads(key_weight, heads), pattern) / math.sqrt(split.shape[-1])
    mixed, kept = [], []
    for ask, own, some in zip(folded, tokens, cells.split(lengths), strict=True):
        inputs = torch.cat([some, own.to(some)])
        weights = einsum(ask, inputs, "token head width, key width -> token head key").softmax(-1)
        weights = F.dropout(weights, dropout, training=dropout > 0)
        mixed.append(einsum(weights.to(inputs), inputs, "token head key, key width -> token head width"))
        kept.append(weights.sum(-1))
    pattern = "slide token head width, head dim width -> slide token head dim"
    value = einsum(torch.stack(mixed), split_heads(value_weight, heads), pattern)
    value = value + torch.stack(kept)[..., None] * rearrange(value_bias, "(head dim) -> head dim", head=heads)
    return rearrange(value, "slide token head dim -> slide token (head dim)")
