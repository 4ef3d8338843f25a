"""SPAN's encoder: three stages of refinement with a condensation before the second and the third.

Every stage keeps its own cells and one global token per slide. For classification only the tokens are asked for, and
the last stage then refines no cells.
"""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from saccade.models.parts.condensations import Condense, Depthwise
from saccade.models.parts.refinement import Refined, Refinement
from saccade.models.parts.span_pyramid import Pyramid
from saccade.models.parts.sweeping import sweeps
from saccade.ops.swept_entry import entered

_TOKEN_SPREAD = 1e-4  # as published


class Entrance(nn.Module):
    """From stored features to the width of the encoder, for cells and for the global token.

    Args:
        in_features: Numbers of a patch.
        width: Numbers of a cell.
        dropout: Share of a cell's numbers dropped while training.
    """

    def __init__(self, in_features: int, width: int, dropout: float) -> None:
        super().__init__()
        self.cells = nn.Linear(in_features, width, bias=False)
        self.token = nn.Linear(in_features, width)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, features: Float[Tensor, "patch feature"], token: Float[Tensor, "slide feature"], pyramid: Pyramid
    ) -> tuple[Float[Tensor, "cell width"], Float[Tensor, "slide width"]]:
        """Project both; each patch to its cell."""
        if not sweeps(features):
            return self.dropout(self.cells(pyramid.entered(features))), self.token(token)
        rate = self.dropout.p if self.training else 0.0
        count = len(pyramid.stages[0].grid)
        return entered(features, self.cells.weight, pyramid.patch, count, rate), self.token(token)


class SpanEncoder(nn.Module):
    """Cells and global tokens of each stage.

    Cost per patch: ``in_features · width`` and 8 · width² MAC at the lowest stage; where tissue is dense a quarter of
    the latter at the next.

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
        self.token = nn.Parameter(_TOKEN_SPREAD * torch.randn(1, in_features))
        self.enter = nn.ModuleList([Entrance(in_features, width, dropout), condense(width), condense(width)])
        self.refine = nn.ModuleList(Refinement(width, heads, dropout) for _ in self.enter)

    def forward(self, features: Float[Tensor, "patch feature"], pyramid: Pyramid) -> tuple[Refined, ...]:
        """Cells and tokens of every stage."""
        return self._climbed(features, pyramid, only_tokens=False)

    def tokens(self, features: Float[Tensor, "patch feature"], pyramid: Pyramid) -> tuple[Refined, ...]:
        """The same without the last stage's cells, which no token depends on."""
        return self._climbed(features, pyramid, only_tokens=True)

    def _climbed(
        self, features: Float[Tensor, "patch feature"], pyramid: Pyramid, only_tokens: bool
    ) -> tuple[Refined, ...]:
        cells, token = features, self.token.expand(len(pyramid.patches), -1)
        found: list[Refined] = []
        for enter, refine, stage in zip(self.enter, self.refine, pyramid.stages, strict=True):
            assert isinstance(refine, Refinement)
            cells, token = enter(cells, token, pyramid if isinstance(enter, Entrance) else stage)
            last = stage is pyramid.stages[-1]
            refined = (
                refine.token_only(cells, token, stage) if only_tokens and last else refine(cells, token, stage, True)
            )
            cells, token = refined.cells, refined.token
            found.append(replace(refined, cells=None) if only_tokens else refined)
        return tuple(found)
