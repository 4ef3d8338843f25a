"""SPAN's transformer layer with several global tokens per slide.

``x ← x + W_o (windows(n(x)) + told(n(x), n(g)))`` and ``g ← g + W_o asked(n(g), n(x))``, then the feed-forward part for
both. With one token it is ``Refinement``, where the cells' softmax over a single key needs no query.
"""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from saccade.models.parts.cell_encoder import WindowAttention
from saccade.models.parts.span_pyramid import Stage
from saccade.ops.token_attention import asked_by_tokens, told_by_tokens


class TokenRefinement(nn.Module):
    """One layer: window attention among cells, attention between cells and tokens both ways, feed-forward.

    Args:
        width: Numbers of a cell and of a token.
        heads: Attention heads.
        dropout: Share of attention weights dropped while training.
        ratio: Hidden width of the feed-forward part over ``width``.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.05, ratio: int = 2) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm, self.feed_forward_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.windows, self.out = WindowAttention(width, heads, dropout), nn.Linear(width, width)
        self.query, self.value = nn.Linear(width, width), nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)  # the same for every key of a query: it would change nothing
        self.feed_forward = nn.Sequential(nn.Linear(width, ratio * width), nn.ReLU(), nn.Linear(ratio * width, width))

    def forward(
        self, cells: Float[Tensor, "cell width"], tokens: Float[Tensor, "slide token width"], stage: Stage
    ) -> tuple[Float[Tensor, "cell width"], Float[Tensor, "slide token width"]]:
        """Refine cells and tokens."""
        asked = asked_by_tokens(
            self.query(self.norm(tokens)),
            self.norm(tokens),
            self.norm(cells),
            stage.grid.lengths,
            self.key.weight,
            self.value.weight,
            self.value.bias,
            self.heads,
            self._rate,
        )
        return self.cells_only(cells, tokens, stage), self._finished(tokens, asked)

    def cells_only(
        self, cells: Float[Tensor, "cell width"], tokens: Float[Tensor, "slide token width"], stage: Stage
    ) -> Float[Tensor, "cell width"]:
        """Refine the cells alone: all that a last layer needs where nothing asks for its tokens."""
        normed, own = self.norm(cells), self.norm(tokens)
        told = told_by_tokens(
            rearrange(self.query(normed), "cell (head dim) -> cell head dim", head=self.heads),
            rearrange(self.key(own), "slide token (head dim) -> slide token head dim", head=self.heads),
            rearrange(self.value(own), "slide token (head dim) -> slide token head dim", head=self.heads),
            stage.grid.lengths,
            self._rate,
        )
        return self._finished(cells, self.windows(normed, stage) + told.flatten(1))

    @property
    def _rate(self) -> float:
        return self.dropout if self.training else 0.0

    def _finished(self, before: Tensor, mixed: Tensor) -> Tensor:
        """Projection and feed-forward, each added to what was there."""
        after = before + self.out(mixed)
        return after + self.feed_forward(self.feed_forward_norm(after))


class TokenSummaries(nn.Module):
    """The three global tokens a slide begins with: its largest features, its mean ones, and fixed random numbers.

    Args:
        in_features: Numbers of a patch.
    """

    fixed: Tensor

    def __init__(self, in_features: int) -> None:
        super().__init__()
        self.register_buffer("fixed", 1e-4 * torch.randn(in_features))  # spread as published

    def forward(
        self, features: Float[Tensor, "patch feature"], lengths: tuple[int, ...]
    ) -> Float[Tensor, "slide 3 feature"]:
        """Of each slide; zeros for the first two where it has no patch."""
        none = features.new_zeros(1, features.shape[1])
        slides = [own if len(own) else none for own in features.split(lengths)]
        rows = [torch.stack([own.amax(0), own.mean(0), self.fixed.to(own)]) for own in slides]
        return torch.stack(rows) if rows else features.new_zeros(0, 3, features.shape[1])
