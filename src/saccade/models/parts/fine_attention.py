"""Fine attention over the tokens read, ending in one CLS token. Two forms behind one interface."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from saccade.core.errors import BadInput
from saccade.ops.cls_attention import biased, cls_attention, split_heads

Form = Literal["full", "rounds"]
Row = Literal["first", "last", "mean"]
"""Whose CLS row weighs the sites: the first layer's, the last one's, or the mean of all."""

Bias = Float[Tensor, "batch site"] | None
"""Added to the scores by which CLS weighs the sites, in every layer and head; CLS itself gets none."""

Scores = Float[Tensor, "batch head key"]
"""Of the sites and, last, of CLS, as CLS asks for them; before any bias."""


@dataclass(frozen=True, eq=False)
class Attended:
    """What fine attention leaves behind.

    Attributes:
        summary: The CLS token.
        rows: Scores of the CLS rows that weigh the sites.
        bias: What was added to them.
    """

    summary: Float[Tensor, "batch width"]
    rows: tuple[Scores, ...]
    bias: Bias = None

    @property
    def weights(self) -> Float[Tensor, "batch site"]:
        """What each site weighed: mean over rows and heads, without CLS → CLS, renormalised over the sites."""
        return torch.stack([site_weights(biased(row, self.bias)) for row in self.rows]).mean(0)

    @property
    def content(self) -> Float[Tensor, "batch site"]:
        """The same without the bias: what the tokens by themselves would have weighed. It teaches the look.

        Weights that hold the look's own logits would teach it to agree with itself ever more.
        """
        return torch.stack([site_weights(row) for row in self.rows]).mean(0)


def _feed_forward(width: int, ratio: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(width),
        nn.Linear(width, ratio * width),
        nn.ReLU(),
        nn.Linear(ratio * width, width),
        nn.Dropout(dropout),
    )


class ClsLayer(nn.Module):
    """One attention layer of which only the CLS row is computed: ``c ← c + attend(c, tokens)``, ``c ← c + ffn(c)``.

    Cost per image: ``2 · sites · heads · width`` MAC and a few ``width²``, by ``ops.cls_attention``.

    Args:
        width: Numbers in a token.
        heads: Attention heads.
        dropout: Share of what a layer adds to a token that is dropped while training.
        ratio: Hidden width of the feed-forward part over ``width``.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0, ratio: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)  # a bias would add the same to every score
        self.value = nn.Linear(width, width, bias=False)  # absorbed by the bias of `out`: the weights sum to one
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.feed_forward = _feed_forward(width, ratio, dropout)

    def forward(
        self, cls: Float[Tensor, "batch width"], tokens: Float[Tensor, "batch site width"], bias: Bias = None
    ) -> tuple[Float[Tensor, "batch width"], Scores]:
        """The CLS token after the layer, and its scores of the tokens and, last, itself."""
        own = self.norm(cls)
        query = rearrange(self.query(own), "batch (head dim) -> batch head dim", head=self.heads)
        key, value = (split_heads(layer.weight, self.heads) for layer in (self.key, self.value))
        mixed, scores = cls_attention(query, tokens, own, key, value, bias)
        cls = cls + self.dropout(self.out(rearrange(mixed, "batch head dim -> batch (head dim)")))
        return cls + self.feed_forward(cls), scores


class ClsRounds(nn.Module):
    """A few rounds in which CLS asks and the tokens stay as they are. Our variant of the fine attention.

    Only the CLS row of a last layer is ever used; here every layer is a last layer, asked again with what the one
    before found. Cost per image: ``rounds`` × that of ``ClsLayer``.

    Args:
        width: Numbers in a token.
        heads: Attention heads.
        rounds: Layers.
        dropout: Of every layer.
    """

    def __init__(self, width: int = 64, heads: int = 4, rounds: int = 2, dropout: float = 0.0) -> None:
        super().__init__()
        self.cls = nn.Parameter(0.02 * torch.randn(1, width))
        self.layers = nn.ModuleList(ClsLayer(width, heads, dropout) for _ in range(rounds))

    def forward(self, tokens: Float[Tensor, "batch site width"], bias: Bias = None) -> Attended:
        """Attend to the tokens, CLS as the last key."""
        cls, scores = self.cls.expand(len(tokens), -1), tokens.new_empty(0)
        for layer in self.layers:
            cls, scores = layer(cls, tokens, bias)
        return Attended(cls, (scores,), bias)


class TokenLayer(nn.Module):
    """A pre-norm transformer layer in which every token attends to every token.

    Cost per image: ``2 · tokens² · width + 8 · tokens · width²`` MAC.

    Args:
        width: Numbers in a token.
        heads: Attention heads.
        dropout: Share of what a layer adds to a token that is dropped while training.
        ratio: Hidden width of the feed-forward part over ``width``.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0, ratio: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.feed_forward = _feed_forward(width, ratio, dropout)

    def forward(
        self, tokens: Float[Tensor, "batch token width"], bias: Bias = None
    ) -> tuple[Float[Tensor, "batch token width"], Scores]:
        """The tokens after the layer, and the scores that the last of them, CLS, gave all."""
        three = self.query_key_value(self.norm(tokens))
        query, key, value = rearrange(
            three, "batch token (three head dim) -> three batch head token dim", three=3, head=self.heads
        )
        scores = (query[:, :, -1:] @ key.transpose(2, 3))[:, :, 0] / math.sqrt(query.shape[-1])
        own = biased(scores, bias).softmax(-1)[:, :, None] @ value
        among = F.scaled_dot_product_attention(query[:, :, :-1], key, value)  # without a mask, which has no fast kernel
        mixed = torch.cat(
            [rearrange(each, "batch head token dim -> batch token (head dim)") for each in (among, own)], 1
        )
        tokens = tokens + self.dropout(self.out(mixed))
        return tokens + self.feed_forward(tokens), scores


class FullAttention(nn.Module):
    """Fine attention as published: CLS appended last, every token attends to every token, ``layers`` times.

    Of the last layer only the CLS row is computed, since no other is used. Its keys are normed apart: the sites by a
    norm of their own, CLS by that of the layer, where a ``TokenLayer`` has one for both (our choice). Cost per image:
    ``layers − 1`` of ``TokenLayer``, quadratic in the sites, and one ``ClsLayer``.

    Sites are weighed by the CLS row of the first layer: only there is a token its site and nothing else. After a layer
    every token holds something of all sites, and a look that learns from the last row picks sites for what others
    told them (our choice, measured in docs/log.md).

    Args:
        width: Numbers in a token.
        heads: Attention heads.
        layers: Layers, the last included.
        dropout: Of every layer.
        row: Whose CLS row weighs the sites.
    """

    def __init__(
        self, width: int = 64, heads: int = 4, layers: int = 2, dropout: float = 0.0, row: Row = "first"
    ) -> None:
        super().__init__()
        self.row: Row = row
        self.enter = nn.Linear(width, width)
        self.cls = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.layers = nn.ModuleList(TokenLayer(width, heads, dropout) for _ in range(layers - 1))
        self.norm = nn.LayerNorm(width)
        self.last = ClsLayer(width, heads, dropout)

    def forward(self, tokens: Float[Tensor, "batch site width"], bias: Bias = None) -> Attended:
        """Attend among the tokens, CLS last."""
        words = torch.cat([self.enter(tokens), self.cls.expand(len(tokens), -1, -1)], dim=1)
        rows: list[Scores] = []
        for layer in self.layers:
            words, row = layer(words, bias)
            rows.append(row)
        summary, row = self.last(words[:, -1], self.norm(words[:, :-1]), bias)
        rows.append(row)
        wanted = {"first": rows[:1], "last": rows[-1:], "mean": rows}[self.row]
        return Attended(summary, tuple(wanted), bias)


def fine_attention(
    form: Form, width: int, heads: int, layers: int, dropout: float, row: Row
) -> FullAttention | ClsRounds:
    """``full``: tokens attend to each other, as published; ``rounds``: CLS alone attends, our variant.

    Raises:
        BadInput: The width cannot be shared among the heads.
    """
    if width % heads:
        raise BadInput(f"a width of {width} cannot be shared among {heads} heads", "choose a multiple of the heads")
    if form == "full":
        return FullAttention(width, heads, layers, dropout, row)
    return ClsRounds(width, heads, layers, dropout)


def site_weights(scores: Scores) -> Float[Tensor, "batch site"]:
    """Mean over heads of the weights on sites, CLS (the last key) left out, renormalised."""
    sites = scores.softmax(-1)[..., :-1].mean(1)
    return sites / sites.sum(-1, keepdim=True).clamp_min(torch.finfo(sites.dtype).tiny)
