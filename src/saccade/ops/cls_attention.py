"""Attention with a single query: what a last layer really needs, at a hundredth of the price.

When one CLS query attends to n tokens, key and value projections fold algebraically. With ``W_k`` and ``W_v`` per
head, ``q · (W_k t) = (W_kᵀ q) · t`` and ``Σ aᵢ (W_v tᵢ) = W_v (Σ aᵢ tᵢ)``, so no token is ever projected: 4·n·heads·D
FLOPs instead of 4·n·D². The token itself is one of its keys, after the others.
"""

import math

import torch
import torch.nn.functional as F
from einops import einsum, rearrange
from jaxtyping import Float
from torch import Tensor


def cls_attention(
    query: Float[Tensor, "batch head dim"],
    tokens: Float[Tensor, "batch site token"],
    own: Float[Tensor, "batch token"],
    key_weight: Float[Tensor, "head dim token"],
    value_weight: Float[Tensor, "head dim token"],
    bias: Float[Tensor, "batch site"] | None = None,
) -> tuple[Float[Tensor, "batch head dim"], Float[Tensor, "batch head key"]]:
    """Attend from one query to all tokens and, last, to its own; projections folded.

    Args:
        query: The projected query.
        tokens: What it attends to, not projected.
        own: The querying token itself, not projected: the last key.
        key_weight: Projects a token to a key.
        value_weight: Projects a token to a value.
        bias: Added to each head's scores of the tokens; its own gets none.

    Returns:
        The attended value, and the scores of ``site + 1`` keys before any bias, whose softmax are weights.
    """
    folded = einsum(query, key_weight, "batch head dim, head dim token -> batch head token")
    folded = folded / math.sqrt(query.shape[-1])
    scores = torch.cat([folded @ tokens.transpose(1, 2), folded @ own[:, :, None]], dim=-1)
    weights = biased(scores, bias).softmax(-1)
    mixed = weights[..., :-1] @ tokens + weights[..., -1:] * own[:, None]
    return einsum(mixed, value_weight, "batch head token, head dim token -> batch head dim"), scores


def cls_attention_plain(
    query: Float[Tensor, "batch head dim"],
    tokens: Float[Tensor, "batch site token"],
    own: Float[Tensor, "batch token"],
    key_weight: Float[Tensor, "head dim token"],
    value_weight: Float[Tensor, "head dim token"],
    bias: Float[Tensor, "batch site"] | None = None,
) -> tuple[Float[Tensor, "batch head dim"], Float[Tensor, "batch head key"]]:
    """``cls_attention`` as the textbook has it, every token projected: the form the folded one must equal."""
    everything = torch.cat([tokens, own[:, None]], dim=1)
    keys = einsum(everything, key_weight, "batch key token, head dim token -> batch head key dim")
    values = einsum(everything, value_weight, "batch key token, head dim token -> batch head key dim")
    scores = einsum(query, keys, "batch head dim, batch head key dim -> batch head key") / math.sqrt(query.shape[-1])
    weights = biased(scores, bias).softmax(-1)
    return einsum(weights, values, "batch head key, batch head key dim -> batch head dim"), scores


def biased(
    scores: Float[Tensor, "batch head key"], bias: Float[Tensor, "batch site"] | None
) -> Float[Tensor, "batch head key"]:
    """Scores with a bias added to those of the sites; the last key, CLS itself, gets none."""
    return scores if bias is None else scores + F.pad(bias, (0, 1))[:, None]


def split_heads(weight: Float[Tensor, "out token"], heads: int) -> Float[Tensor, "head dim token"]:
    """A linear layer's weight as one matrix per head."""
    return rearrange(weight, "(head dim) token -> head dim token", head=heads)
