"""SPAN with one of its parts taken out: each is another geometry or another encoder, put in where the whole one was."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch

from saccade.models.parts.cell_encoder import CellEncoder
from saccade.models.parts.condensations import Condense, Passage
from saccade.models.parts.refinement import Refinement
from saccade.models.parts.span_encoder import SpanEncoder
from saccade.models.parts.span_pyramid import Pyramid
from saccade.ops.union_index import UnionIndex

Ablation = Literal["none", "no-shift", "no-pyramid", "no-global-token", "no-position-bias"]
"""Which part is taken out."""

Encoder = SpanEncoder | CellEncoder

_SHIFTED = slice(4, 7)  # of the blocks that hold a block's keys: those of its shifted window alone


def whole(pyramid: Pyramid) -> Pyramid:
    """The index as it is; a function of no name could not be sent to other processes."""
    return pyramid


@dataclass(frozen=True)
class Variant:
    """What is put together for an ablation.

    Attributes:
        encoder: Makes the encoder: of features, width, heads, dropout and what makes a condensation.
        geometry: Changes the index of some slides, whoever built it.
    """

    encoder: Callable[[int, int, int, float, Condense], Encoder] = SpanEncoder
    geometry: Callable[[Pyramid], Pyramid] = whole


def unshifted(index: UnionIndex) -> UnionIndex:
    """The same windows without the shifted ones: a cell attends to its regular window alone.

    >>> from saccade.ops.slide_grid import placed
    >>> from saccade.ops.union_index import union_index
    >>> index = union_index(placed(torch.tensor([[0, 0], [4, 0]]), (2,)))
    >>> [(each.neighbours >= 0).sum().item() for each in (index, unshifted(index))]
    [4, 2]
    """
    neighbours = index.neighbours.clone()
    neighbours[:, _SHIFTED] = -1
    return replace(index, neighbours=neighbours)


def without_shift(pyramid: Pyramid) -> Pyramid:
    """Every stage with its regular windows alone."""
    return replace(pyramid, stages=tuple(replace(each, windows=unshifted(each.windows)) for each in pyramid.stages))


def without_pyramid(pyramid: Pyramid) -> Pyramid:
    """As many stages, all on the patches' own grid."""
    return replace(pyramid, stages=tuple(replace(pyramid.stages[0]) for _ in pyramid.stages))


def level_encoder(in_features: int, width: int, heads: int, dropout: float, condense: Condense) -> SpanEncoder:
    """An encoder whose stages all keep the cells of the first; ``condense`` is not asked."""
    return SpanEncoder(in_features, width, heads, dropout, Passage)


def unbiased_encoder(in_features: int, width: int, heads: int, dropout: float, condense: Condense) -> SpanEncoder:
    """An encoder to which it does not matter where in its windows a key lies."""
    encoder = SpanEncoder(in_features, width, heads, dropout, condense)
    for layer in encoder.refine:
        assert isinstance(layer, Refinement)
        table = torch.zeros_like(layer.table)
        del layer.table
        layer.register_buffer("table", table, persistent=False)
    return encoder


VARIANTS: dict[Ablation, Variant] = {
    "none": Variant(),
    "no-shift": Variant(geometry=without_shift),
    "no-pyramid": Variant(encoder=level_encoder, geometry=without_pyramid),
    "no-global-token": Variant(encoder=CellEncoder),
    "no-position-bias": Variant(encoder=unbiased_encoder),
}
"""What is put together for each."""
