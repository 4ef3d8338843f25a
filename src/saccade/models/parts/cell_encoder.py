"""SPAN's encoder without a global token: cells learn from their windows alone, a slide is the mean of its last.

For the ablation that asks what the global token is good for. That the cells of the last stage are averaged in its stead
is our choice: the paper does not say what its own did.
"""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from saccade.models.parts.condensations import Condensation, Condense, Depthwise
from saccade.models.parts.refinement import Refined
from saccade.models.parts.span_pyramid import Pyramid, Stage
from saccade.ops.slide_grid import SlideGrid
from saccade.ops.union_windows import REACH, union_window_attention

_TABLE_SPREAD = 0.02  # as published


class WindowAttention(nn.Module):
    """Attention of every cell within its two windows, heads side by side.

    Args:
        width: Numbers of a cell.
        heads: Attention heads.
        dropout: Share of attention weights dropped while training.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.table = nn.Parameter(_TABLE_SPREAD * torch.randn(heads, REACH, REACH))

    def forward(self, cells: Float[Tensor, "cell width"], stage: Stage) -> Float[Tensor, "cell width"]:
        """What cells learn from their neighbours."""
        query, key, value = (
            rearrange(layer(cells), "cell (head dim) -> cell head dim", head=self.heads)
            for layer in (self.query, self.key, self.value)
        )
        rate = self.dropout if self.training else 0.0
        return union_window_attention(query, key, value, self.table, stage.windows, rate).flatten(1)


class CellRefinement(nn.Module):
    """``x ← x + W_o windows(n(x))``, then ``x ← x + ffn(n'(x))``.

    Args:
        width: Numbers of a cell.
        heads: Attention heads.
        dropout: Share of attention weights and hidden numbers dropped while training.
        ratio: Hidden width of the feed-forward part over ``width``.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.05, ratio: int = 2) -> None:
        super().__init__()
        self.norm, self.feed_forward_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.windows, self.out = WindowAttention(width, heads, dropout), nn.Linear(width, width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, ratio * width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(ratio * width, width)
        )

    def forward(self, cells: Float[Tensor, "cell width"], stage: Stage) -> Float[Tensor, "cell width"]:
        """Refine the cells."""
        cells = cells + self.out(self.windows(self.norm(cells), stage))
        return cells + self.feed_forward(self.feed_forward_norm(cells))


class CellEncoder(nn.Module):
    """The stages of ``SpanEncoder``, its global token left out of all of them.

    Args:
        in_features: Numbers of a patch.
        width: Numbers of a cell, at all stages.
        heads: Attention heads.
        dropout: Everywhere.
        condense: Makes the condensation between two stages.
    """

    def __init__(
        self, in_features: int, width: int, heads: int, dropout: float = 0.05, condense: Condense = Depthwise
    ) -> None:
        super().__init__()
        self.enter, self.dropout = nn.Linear(in_features, width, bias=False), nn.Dropout(dropout)
        steps = [condense(width), condense(width)]
        for step in steps:
            step.token_norm = nn.Identity()  # no token comes by
        self.condense = nn.ModuleList(steps)
        self.refine = nn.ModuleList(CellRefinement(width, heads, dropout) for _ in range(3))

    def tokens(self, features: Float[Tensor, "patch feature"], pyramid: Pyramid) -> tuple[Refined, ...]:
        """The mean of a slide's cells at every stage, as if they were tokens; the last has all the weight."""
        cells = self.dropout(self.enter(pyramid.entered(features)))
        found: list[Refined] = []
        for number, (refine, stage) in enumerate(zip(self.refine, pyramid.stages, strict=True)):
            if number:
                step = self.condense[number - 1]
                assert isinstance(step, Condensation)
                cells = step.cells(cells, stage)
            cells = refine(cells, stage)
            found.append(Refined(cells, _means(cells, stage.grid), _shares(stage.grid, stage is pyramid.stages[-1])))
        return tuple(found)


def _counts(grid: SlideGrid) -> Float[Tensor, " slide"]:
    """Cells of each slide, one where there is none."""
    return torch.tensor(grid.lengths, device=grid.cells.device).clamp_min(1).float()


def _shares(grid: SlideGrid, counted: bool) -> Float[Tensor, " cell"]:
    """What each cell counts in the mean of its slide; zeros where that mean is not used."""
    return float(counted) / _counts(grid)[grid.slide]


def _means(cells: Float[Tensor, "cell width"], grid: SlideGrid) -> Float[Tensor, "slide width"]:
    """Mean of each slide's cells, zeros where there is none."""
    total = cells.new_zeros(len(grid.lengths), cells.shape[1]).index_add(0, grid.slide, cells)
    return total / _counts(grid).to(total)[:, None]
