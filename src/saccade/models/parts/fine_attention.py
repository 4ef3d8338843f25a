"""Fine attention over the tokens read, ending in one CLS token. Two forms behind one interface."""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from saccade.ops.cls_attention import cls_attention, split_heads

Form = Literal["full", "rounds"]


@dataclass(frozen=True, eq=False)
class Attended:
    """What fine attention leaves behind.

    Attributes:
        summary: The CLS token.
        weights: The last layer's CLS row, mean over heads, without CLS → CLS, renormalised over the sites.
    """

    summary: Float[Tensor, "batch width"]
    weights: Float[Tensor, "batch site"]


def _feed_forward(width: int, ratio: int) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(width), nn.Linear(width, ratio * width), nn.ReLU(), nn.Linear(ratio * width, width)
    )


class ClsLayer(nn.Module):
    """One attention layer of which only the CLS row is computed: ``c ← c + attend(c, tokens)``, ``c ← c + ffn(c)``.

    Cost per image: ``4 · sites · heads · width`` MAC and a few ``width²``, by ``ops.cls_attention``.

    Args:
        width: Numbers in a token.
        heads: Attention heads.
        ratio: Hidden width of the feed-forward part over ``width``.
    """

    def __init__(self, width: int, heads: int, ratio: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)  # a bias would add the same to every score
        self.value = nn.Linear(width, width, bias=False)  # absorbed by the bias of `out`: the weights sum to one
        self.out = nn.Linear(width, width)
        self.feed_forward = _feed_forward(width, ratio)

    def forward(
        self, cls: Float[Tensor, "batch width"], tokens: Float[Tensor, "batch site width"]
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch head key"]]:
        """The CLS token after the layer, and its attention over the tokens and, last, itself."""
        own = self.norm(cls)
        query = rearrange(self.query(own), "batch (head dim) -> batch head dim", head=self.heads)
        key, value = (split_heads(layer.weight, self.heads) for layer in (self.key, self.value))
        mixed, weights = cls_attention(query, tokens, own, key, value)
        cls = cls + self.out(rearrange(mixed, "batch head dim -> batch (head dim)"))
        return cls + self.feed_forward(cls), weights


class ClsRounds(nn.Module):
    """A few rounds in which CLS asks and the tokens stay as they are. Our variant of the fine attention.

    Only the CLS row of a last layer is ever used; here every layer is a last layer, asked again with what the one
    before found. Cost per image: ``rounds`` × that of ``ClsLayer``.

    Args:
        width: Numbers in a token.
        heads: Attention heads.
        rounds: Layers.
    """

    def __init__(self, width: int = 64, heads: int = 4, rounds: int = 2) -> None:
        super().__init__()
        self.cls = nn.Parameter(0.02 * torch.randn(1, width))
        self.layers = nn.ModuleList(ClsLayer(width, heads) for _ in range(rounds))

    def forward(self, tokens: Float[Tensor, "batch site width"]) -> Attended:
        """Attend to the tokens, CLS as the last key."""
        cls = self.cls.expand(len(tokens), -1)
        weights = tokens.new_empty(0)
        for layer in self.layers:
            cls, weights = layer(cls, tokens)
        return Attended(cls, site_weights(weights))


class TokenLayer(nn.Module):
    """A pre-norm transformer layer in which every token attends to every token.

    Cost per image: ``2 · tokens² · width + 8 · tokens · width²`` MAC.

    Args:
        width: Numbers in a token.
        heads: Attention heads.
        ratio: Hidden width of the feed-forward part over ``width``.
    """

    def __init__(self, width: int, heads: int, ratio: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.feed_forward = _feed_forward(width, ratio)

    def forward(self, tokens: Float[Tensor, "batch token width"]) -> Float[Tensor, "batch token width"]:
        """The tokens after the layer."""
        three = self.query_key_value(self.norm(tokens))
        query, key, value = rearrange(
            three, "batch token (three head dim) -> three batch head token dim", three=3, head=self.heads
        )
        mixed = F.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.out(rearrange(mixed, "batch head token dim -> batch token (head dim)"))
        return tokens + self.feed_forward(tokens)


class FullAttention(nn.Module):
    """Fine attention as published: CLS appended last, every token attends to every token, ``layers`` times.

    Of the last layer only the CLS row is computed, which changes nothing that is used. Cost per image: ``layers − 1``
    of ``TokenLayer``, quadratic in the sites, and one ``ClsLayer``.

    Args:
        width: Numbers in a token.
        heads: Attention heads.
        layers: Layers, the last included.
    """

    def __init__(self, width: int = 64, heads: int = 4, layers: int = 2) -> None:
        super().__init__()
        self.enter = nn.Linear(width, width)
        self.cls = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.layers = nn.ModuleList(TokenLayer(width, heads) for _ in range(layers - 1))
        self.norm = nn.LayerNorm(width)
        self.last = ClsLayer(width, heads)

    def forward(self, tokens: Float[Tensor, "batch site width"]) -> Attended:
        """Attend among the tokens, CLS last."""
        words = torch.cat([self.enter(tokens), self.cls.expand(len(tokens), -1, -1)], dim=1)
        for layer in self.layers:
            words = layer(words)
        summary, weights = self.last(words[:, -1], self.norm(words[:, :-1]))
        return Attended(summary, site_weights(weights))


def fine_attention(form: Form, width: int, heads: int, layers: int) -> FullAttention | ClsRounds:
    """``full``: tokens attend to each other, as published; ``rounds``: CLS alone attends, our variant."""
    return (FullAttention if form == "full" else ClsRounds)(width, heads, layers)


def site_weights(weights: Float[Tensor, "batch head key"]) -> Float[Tensor, "batch site"]:
    """Mean over heads of the weights on sites, CLS (the last key) left out, renormalised."""
    sites = weights[..., :-1].mean(1)
    return sites / sites.sum(-1, keepdim=True).clamp_min(torch.finfo(sites.dtype).tiny)
