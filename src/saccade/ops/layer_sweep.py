"""What a refinement layer learns, which cells it goes over, and the layer chunk by chunk: ``swept_layer`` says why."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saccade.ops.bands import Band
from saccade.ops.block_attention import Attended, BlockAttention
from saccade.ops.block_chunks import BlockChunk, block_chunks
from saccade.ops.dropping import kept, rounded, seeded
from saccade.ops.norms import Normed, normed
from saccade.ops.union_index import UnionIndex

_ROWS = 384  # cells at a time: temporaries of some 10 MB at 512 channels


class LayerWeights(NamedTuple):
    """What a layer learns.

    Attributes:
        norm: Weight and bias of the first normalisation, as two rows.
        query: Projects to queries.
        query_bias: Added to them.
        both: Projects to keys and values, head by head.
        both_bias: Added to them.
        bias: Position bias of each head's pairs; the last is for pairs that do not count.
        out: Projects what the heads found.
        out_bias: Added to it.
        second_norm: Weight and bias of the second normalisation, as two rows.
        first: To the hidden numbers.
        first_bias: Added to them.
        second: Back to the width.
        second_bias: Added to it.
    """

    norm: Float[Tensor, "2 width"]
    query: Float[Tensor, "width width"]
    query_bias: Float[Tensor, " width"]
    both: Float[Tensor, "both width"]
    both_bias: Float[Tensor, " both"]
    bias: Float[Tensor, "head pair"]
    out: Float[Tensor, "width width"]
    out_bias: Float[Tensor, " width"]
    second_norm: Float[Tensor, "2 width"]
    first: Float[Tensor, "hidden width"]
    first_bias: Float[Tensor, " hidden"]
    second: Float[Tensor, "width hidden"]
    second_bias: Float[Tensor, " width"]


@dataclass(frozen=True, eq=False)
class LayerTask:
    """Which cells a sweep goes over.

    Attributes:
        windows: Who attends to whom, cells in the order of their blocks.
        slide: Number of each cell's slide.
        untold: Cells that their slide's token tells nothing; ``None`` where there are none.
        dropout: Share of attention weights, of what is told and of hidden numbers that is dropped.
        overwrite: Write the result over the input, where no gradient is asked for.
    """

    windows: UnionIndex
    slide: Int[Tensor, " cell"]
    untold: Bool[Tensor, " cell"] | None = None
    dropout: float = 0.0
    overwrite: bool = False


@dataclass(frozen=True, eq=False)
class Masks:
    """Who is kept in a chunk; ``None`` keeps all.

    Attributes:
        edges: Pairs of a query and a key, and by how much those kept count more.
        told: Heads of what cells are told.
        hidden: Hidden numbers.
        scale: By how much what is kept counts more.
    """

    edges: tuple[Bool[Tensor, "head block query key"], float] | None = None
    told: Bool[Tensor, "cell head 1"] | None = None
    hidden: Bool[Tensor, "cell hidden"] | None = None
    scale: float = 1.0


@dataclass(frozen=True, eq=False)
class Halfway:
    """A chunk of cells after its attention, with what its gradient needs.

    Attributes:
        attention: Among which the cells attended.
        masks: Who was kept.
        normed: The cells as they came.
        query: Divided by √dim.
        attended: What they found.
        mixed: The same and what they were told.
        second: The cells after attention.
        hidden: Their hidden numbers, after dropout.
    """

    attention: BlockAttention
    masks: Masks
    normed: Normed
    query: Float[Tensor, "cell head dim"]
    attended: Attended
    mixed: Float[Tensor, "cell width"]
    second: Normed
    hidden: Float[Tensor, "cell hidden"]


@dataclass(frozen=True, eq=False)
class Kept:
    """What a sweep leaves for its gradient, so that half of its projections are not made again.

    Attributes:
        both: Keys and values.
        query: Divided by √dim.
        middle: The cells after attention.
    """

    both: Float[Tensor, "cell head both"]
    query: Float[Tensor, "cell width"]
    middle: Float[Tensor, "cell width"]

    @classmethod
    def like(cls, cells: Float[Tensor, "cell width"], heads: int, both: int) -> "Kept":
        """Room for what is kept of these cells."""
        return cls(cells.new_empty(len(cells), heads, both // heads), torch.empty_like(cells), torch.empty_like(cells))


class Sweep:
    """The layer, chunk by chunk.

    Args:
        cells: In the order of their blocks.
        told: What each slide's token tells its cells.
        weights: What the layer learned.
        task: Who attends to whom.
        seed: Of what is dropped; the same drops the same.
    """

    def __init__(self, cells: Tensor, told: Tensor, weights: LayerWeights, task: LayerTask, seed: int) -> None:
        self.cells, self.told, self.weights, self.task, self.seed = cells, told, weights, task, seed
        self.heads = len(weights.bias)
        self.scale = (cells.shape[1] // self.heads) ** -0.5
        self.keeping: Kept | None = None  # what is left for the gradient, while it is made
        self.kept: Kept | None = None  # and when it is used

    def forward(self, result: Tensor) -> Tensor:
        """The refined cells, written into ``result``, which may be the cells themselves."""
        band = Band(self.both)
        for chunk in self.chunks():
            half = self.halfway(chunk, band.moved(chunk.band), keep=False)
            after = F.linear(half.hidden, self.weights.second, self.weights.second_bias)
            torch.add(half.second.rows, after, out=result[chunk.cells])
        return result

    def chunks(self) -> Iterator[BlockChunk]:
        """The blocks, some at a time."""
        return block_chunks(self.task.windows, _ROWS)

    def both(self, rows: slice) -> Float[Tensor, "row head both"]:
        """Keys and values of some cells."""
        values = normed(self.cells[rows], *self.weights.norm).values
        made = F.linear(values, self.weights.both, self.weights.both_bias).unflatten(1, (self.heads, -1))
        if self.keeping is not None:
            self.keeping.both[rows] = made
        return made

    def halfway(self, chunk: BlockChunk, band: Float[Tensor, "row head both"], keep: bool) -> Halfway:
        """A chunk up to its hidden numbers."""
        weights, masks = self.weights, self.masks_of(chunk)
        own = normed(self.cells[chunk.cells], *weights.norm)
        query = self._query(own, chunk).unflatten(1, (self.heads, -1))
        attention = BlockAttention(chunk, band, weights.bias, masks.edges)
        attended = attention.forward(query, keep)
        mixed = attended.values.add_(self._told(chunk, masks)).flatten(1)
        second = normed(self._middle(own, mixed, chunk), *weights.second_norm)
        hidden = F.linear(second.values, weights.first, weights.first_bias).relu_()
        if masks.hidden is not None:
            hidden.mul_(masks.hidden).mul_(masks.scale)
        return Halfway(attention, masks, own, query, attended, mixed, second, hidden)

    def _query(self, own: Normed, chunk: BlockChunk) -> Float[Tensor, "cell width"]:
        """The queries of a chunk's cells, divided by √dim."""
        if self.kept is not None:
            return self.kept.query[chunk.cells]
        query = F.linear(own.values, self.weights.query, self.weights.query_bias).mul_(self.scale)
        if self.keeping is not None:
            self.keeping.query[chunk.cells] = query
        return query

    def _middle(self, own: Normed, mixed: Float[Tensor, "cell width"], chunk: BlockChunk) -> Tensor:
        """The cells of a chunk after attention."""
        if self.kept is not None:
            return self.kept.middle[chunk.cells]
        middle = own.rows + F.linear(mixed, self.weights.out, self.weights.out_bias)
        if self.keeping is not None:
            self.keeping.middle[chunk.cells] = middle
        return middle

    def heard(self, told: Float[Tensor, "cell head dim"], chunk: BlockChunk, masks: Masks) -> Tensor:
        """What a chunk's cells are told, or its gradient, without what is dropped or not for them."""
        told = told if masks.told is None else (told * masks.told).mul_(masks.scale)
        untold = None if self.task.untold is None else self.task.untold[chunk.cells]
        return told if untold is None else told.masked_fill(untold[:, None, None], 0.0)

    def _told(self, chunk: BlockChunk, masks: Masks) -> Float[Tensor, "cell head dim"]:
        told = self.told[self.task.slide[chunk.cells]].unflatten(1, (self.heads, -1))
        return self.heard(told, chunk, masks)

    def masks_of(self, chunk: BlockChunk) -> Masks:
        """The same whenever the chunk is computed."""
        if not (rate := self.task.dropout):
            return Masks()
        generator = seeded(self.seed + chunk.number, self.cells.device)
        scale, count = 1 / (1 - rounded(rate)), chunk.cells.stop - chunk.cells.start
        edges = kept((self.heads, *chunk.pairs.shape), rate, generator)
        told = kept((count, self.heads, 1), rate, generator)
        hidden = kept((count, len(self.weights.first)), rate, generator)
        return Masks((edges, scale), told, hidden, scale)
