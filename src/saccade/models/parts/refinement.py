"""Context-aware refinement: SPAN's transformer layer over the cells of a grid and one global token per slide.

``x ← x + W_o (windows(n(x)) + v_g(n(g)))`` and ``g ← g + W_o (all(n(g)))``, then ``x ← x + ffn(n'(x))`` for both. The
softmax of a cell over the only global token is 1, so its part is that token's value and needs no query.
"""

from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from saccade.models.parts.span_pyramid import Stage
from saccade.models.parts.sweeping import rows_of, sweeps
from saccade.ops.global_attention import GlobalAttention, global_attention
from saccade.ops.layer_sweep import LayerTask, LayerWeights
from saccade.ops.swept_global import swept_global_attention
from saccade.ops.swept_layer import swept_layer
from saccade.ops.union_windows import REACH, position_bias, union_window_attention

_TABLE_SPREAD = 0.02  # as published


@dataclass(frozen=True, eq=False)
class Refined:
    """What a layer leaves behind.

    Attributes:
        cells: Of each cell; ``None`` where only the tokens were asked for.
        token: Of each slide.
        weights: What each cell counted for its slide's token, mean over heads.
    """

    cells: Float[Tensor, "cell width"] | None
    token: Float[Tensor, "slide width"]
    weights: Float[Tensor, " cell"]


class Refinement(nn.Module):
    """One layer: window attention among cells, attention of the global token over all of them, feed-forward.

    Cost per cell: 8 · width² MAC, and 2 · 63 · 9 · width per block of 3×3 places for the windows.

    Args:
        width: Numbers of a cell and of a token.
        heads: Attention heads.
        dropout: Share of attention weights and hidden numbers dropped while training.
        ratio: Hidden width of the feed-forward part over ``width``.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.05, ratio: int = 2) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm = nn.LayerNorm(width)
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.table = nn.Parameter(_TABLE_SPREAD * torch.randn(heads, REACH, REACH))
        self.global_query, self.global_key, self.global_value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, ratio * width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(ratio * width, width)
        )

    def forward(
        self,
        cells: Float[Tensor, "cell width"],
        token: Float[Tensor, "slide width"],
        stage: Stage,
        overwrite: bool = False,
    ) -> Refined:
        """Refine cells and tokens.

        Args:
            cells: Of the stage.
            token: Of each slide.
            stage: Where the cells lie.
            overwrite: The cells are not needed any more; where no gradient is asked for, the result takes their place.
        """
        normed_token = self.norm(token)
        if sweeps(cells):
            asked = self._asked(cells, normed_token, stage, rows_of(self.norm))
            task = LayerTask(stage.windows, stage.grid.slide, stage.sentinel, self._rate, overwrite)
            refined = swept_layer(cells, self.global_value(normed_token), self._weights(), task)
        else:
            normed = self.norm(cells)
            asked = self._asked(normed, normed_token, stage)
            mixed = self._windows(normed, stage) + self._told(normed_token, stage)
            refined = self._finished(cells, mixed)
        return Refined(refined, self._finished(token, asked.value), asked.weights)

    def token_only(
        self, cells: Float[Tensor, "cell width"], token: Float[Tensor, "slide width"], stage: Stage
    ) -> Refined:
        """Refine the tokens alone: all that a last layer needs where nothing asks for its cells."""
        if sweeps(cells):
            asked = self._asked(cells, self.norm(token), stage, rows_of(self.norm))
        else:
            asked = self._asked(self.norm(cells), self.norm(token), stage)
        return Refined(None, self._finished(token, asked.value), asked.weights)

    @property
    def _rate(self) -> float:
        return self.dropout if self.training else 0.0

    def _asked(
        self,
        cells: Float[Tensor, "cell width"],
        token: Float[Tensor, "slide width"],
        stage: Stage,
        norm: Float[Tensor, "2 width"] | None = None,
    ) -> GlobalAttention:
        """What the tokens learn from all cells of their slide; with ``norm`` these are normalised on the way."""
        attention = global_attention if norm is None else partial(swept_global_attention, norm=norm)
        return attention(
            self.global_query(token),
            token,
            cells,
            lengths=stage.grid.lengths,
            key_weight=self.global_key.weight,
            value_weight=self.global_value.weight,
            value_bias=self.global_value.bias,
            heads=self.heads,
            hidden=stage.sentinel,
            dropout=self._rate,
        )

    def _weights(self) -> LayerWeights:
        """What the sweep takes, keys and values side by side for each head."""
        pairs = [
            torch.cat([part.unflatten(0, (self.heads, -1)) for part in parts], dim=1).flatten(0, 1)
            for parts in ((self.key.weight, self.value.weight), (self.key.bias, self.value.bias))
        ]
        first, second = self.feed_forward[0], self.feed_forward[3]
        assert isinstance(first, nn.Linear) and isinstance(second, nn.Linear)
        bias = rearrange(position_bias(self.table), "parity head query key -> head (parity query key)")
        return LayerWeights(
            rows_of(self.norm),
            self.query.weight,
            self.query.bias,
            pairs[0],
            pairs[1],
            F.pad(bias, (0, 1), value=torch.finfo(bias.dtype).min),
            self.out.weight,
            self.out.bias,
            rows_of(self.feed_forward_norm),
            first.weight,
            first.bias,
            second.weight,
            second.bias,
        )

    def _windows(self, cells: Float[Tensor, "cell width"], stage: Stage) -> Float[Tensor, "cell width"]:
        """What cells learn from their neighbours."""
        query, key, value = (
            layer(cells).unflatten(1, (self.heads, -1)) for layer in (self.query, self.key, self.value)
        )
        return union_window_attention(query, key, value, self.table, stage.windows, self._rate).flatten(1)

    def _told(self, token: Float[Tensor, "slide width"], stage: Stage) -> Float[Tensor, "cell width"]:
        """What each cell is told by its slide's token; dropped by cell and head while training."""
        told = self.global_value(token)[stage.grid.slide]
        if self._rate:
            kept = F.dropout(told.new_ones(len(told), self.heads, 1), self._rate)
            told = rearrange(told, "cell (head dim) -> cell head dim", head=self.heads) * kept
            told = rearrange(told, "cell head dim -> cell (head dim)")
        return told if stage.sentinel is None else told.masked_fill(stage.sentinel[:, None], 0.0)

    def _finished(self, before: Float[Tensor, "row width"], mixed: Float[Tensor, "row width"]) -> Tensor:
        """Projection and feed-forward, each added to what was there."""
        after = before + self.out(mixed)
        return after + self.feed_forward(self.feed_forward_norm(after))
