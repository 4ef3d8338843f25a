"""A whole refinement layer for the cells of some slides in one sweep from top to bottom.

``x ← x + W_o (windows(n(x)) + told)``, then ``x ← x + W_2 relu(W_1 n'(x))``: some thousand cells at a time go through
all of it while they are in the cache. Keys and values are made one row of blocks ahead and forgotten one row behind,
so a sweep keeps nothing that grows with the slide but its result, which may be written over its input.

The gradient is another sweep. It computes a chunk again, for which the layer's input, keys and values are kept; the
gradients of keys and values live in a band. Equal to the plain layer, which the tests hold it to.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from saccade.ops.bands import Band
from saccade.ops.block_attention import Attended, BlockAttention
from saccade.ops.block_chunks import BlockChunk, block_chunks
from saccade.ops.dropping import kept, rounded, seeded
from saccade.ops.norms import Normed, normed
from saccade.ops.union_windows import UnionIndex

_ROWS = 512  # cells at a time: temporaries of some 15 MB at 512 channels


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


def swept_layer(
    cells: Float[Tensor, "cell width"], told: Float[Tensor, "slide width"], weights: LayerWeights, task: LayerTask
) -> Float[Tensor, "cell width"]:
    """Refine all cells.

    Cost: 8 · width² MAC a cell, and what ``union_window_attention`` costs; for the gradient 20 · width² more. Kept for
    the gradient: three times the input.

    Args:
        cells: In the order of their blocks.
        told: What each slide's token tells its cells.
        weights: What the layer learned.
        task: Who attends to whom.
    """
    seed = int(torch.randint(2**60, ())) if task.dropout else 0
    if torch.is_grad_enabled() and any(part.requires_grad for part in (cells, told, *weights)):
        return _Swept.apply(cells, told, task, seed, *weights)  # type: ignore[return-value]
    return _Sweep(cells, told, weights, task, seed).forward(cells if task.overwrite else torch.empty_like(cells))


class _Swept(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, cells: Tensor, told: Tensor, task: LayerTask, seed: int, *weights: Tensor) -> Tensor:
        sweep = _Sweep(cells, told, LayerWeights(*weights), task, seed)
        sweep.kept = cells.new_empty(len(cells), sweep.heads, len(sweep.weights.both) // sweep.heads)
        ctx.save_for_backward(cells, told, sweep.kept, *weights)
        ctx.task, ctx.seed = task, seed
        return sweep.forward(torch.empty_like(cells))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        cells, told, kept, *weights = ctx.saved_tensors
        sweep = _Sweep(cells, told, LayerWeights(*weights), ctx.task, ctx.seed)
        grad = _Gradient(sweep, kept, grad_outputs[0].contiguous())
        return grad.cells, grad.told, None, None, *grad.weights


@dataclass(frozen=True, eq=False)
class _Masks:
    """Who is kept in a chunk; ``None`` keeps all."""

    edges: tuple[Tensor, float] | None = None  # (head, block, query, key)
    told: Tensor | None = None  # (cell, head, 1)
    hidden: Tensor | None = None  # (cell, hidden)
    scale: float = 1.0


@dataclass(frozen=True, eq=False)
class _Halfway:
    """A chunk of cells after its attention, with what its gradient needs."""

    attention: BlockAttention
    masks: _Masks
    normed: Normed
    query: Tensor  # (cell, head, dim)
    attended: Attended
    mixed: Tensor  # (cell, width)
    second: Normed  # its rows are the cells
    hidden: Tensor  # after relu and dropout


class _Sweep:
    """The layer, chunk by chunk."""

    def __init__(self, cells: Tensor, told: Tensor, weights: LayerWeights, task: LayerTask, seed: int) -> None:
        self.cells, self.told, self.weights, self.task, self.seed = cells, told, weights, task, seed
        self.heads = len(weights.bias)
        self.scale = (cells.shape[1] // self.heads) ** -0.5
        self.kept: Tensor | None = None

    def forward(self, result: Tensor) -> Tensor:
        """The refined cells, written into ``result``, which may be the cells themselves."""
        band = Band(self.both)
        for chunk in self.chunks():
            half = self.halfway(chunk, band.moved(chunk.band), keep=False)
            after = F.linear(half.hidden, self.weights.second, self.weights.second_bias)
            torch.add(half.second.rows, after, out=result[chunk.cells])
        return result

    def chunks(self) -> Any:
        """The blocks, some at a time."""
        return block_chunks(self.task.windows, _ROWS)

    def both(self, rows: slice) -> Float[Tensor, "row head both"]:
        """Keys and values of some cells."""
        values = normed(self.cells[rows], *self.weights.norm).values
        made = F.linear(values, self.weights.both, self.weights.both_bias).unflatten(1, (self.heads, -1))
        if self.kept is not None:
            self.kept[rows] = made
        return made

    def halfway(self, chunk: BlockChunk, band: Float[Tensor, "row head both"], keep: bool) -> _Halfway:
        """A chunk up to its hidden numbers."""
        weights, masks = self.weights, self._masks(chunk)
        own = normed(self.cells[chunk.cells], *weights.norm)
        query = F.linear(own.values, weights.query, weights.query_bias).mul_(self.scale).unflatten(1, (self.heads, -1))
        attention = BlockAttention(chunk, band, weights.bias, masks.edges)
        attended = attention.forward(query, keep)
        mixed = attended.values.add_(self._told(chunk, masks)).flatten(1)
        second = normed(own.rows + F.linear(mixed, weights.out, weights.out_bias), *weights.second_norm)
        hidden = F.linear(second.values, weights.first, weights.first_bias).relu_()
        if masks.hidden is not None:
            hidden.mul_(masks.hidden).mul_(masks.scale)
        return _Halfway(attention, masks, own, query, attended, mixed, second, hidden)

    def heard(self, told: Float[Tensor, "cell head dim"], chunk: BlockChunk, masks: _Masks) -> Tensor:
        """What a chunk's cells are told, or its gradient, without what is dropped or not for them."""
        told = told if masks.told is None else (told * masks.told).mul_(masks.scale)
        untold = None if self.task.untold is None else self.task.untold[chunk.cells]
        return told if untold is None else told.masked_fill(untold[:, None, None], 0.0)

    def _told(self, chunk: BlockChunk, masks: _Masks) -> Float[Tensor, "cell head dim"]:
        told = self.told[self.task.slide[chunk.cells]].unflatten(1, (self.heads, -1))
        return self.heard(told, chunk, masks)

    def _masks(self, chunk: BlockChunk) -> _Masks:
        """The same whenever the chunk is computed."""
        if not (rate := self.task.dropout):
            return _Masks()
        generator = seeded(self.seed + chunk.number, self.cells.device)
        scale, count = 1 / (1 - rounded(rate)), chunk.cells.stop - chunk.cells.start
        edges = kept((self.heads, *chunk.pairs.shape), rate, generator)
        told = kept((count, self.heads, 1), rate, generator)
        hidden = kept((count, len(self.weights.first)), rate, generator)
        return _Masks((edges, scale), told, hidden, scale)


class _Gradient:
    """The gradients of a sweep, found by another one."""

    def __init__(self, sweep: _Sweep, both: Float[Tensor, "cell head both"], grad: Float[Tensor, "cell width"]) -> None:
        self.sweep, self.asked = sweep, grad
        self.cells, self.told = torch.empty_like(grad), torch.zeros_like(sweep.told)
        self.weights = LayerWeights(*(torch.zeros_like(weight) for weight in sweep.weights))
        asked = Band(lambda rows: torch.zeros_like(both[rows]), self._both)
        for chunk in sweep.chunks():
            half = sweep.halfway(chunk, both[chunk.band], keep=True)
            self._chunk(half, chunk, asked.moved(chunk.band))
        asked.close()

    def _chunk(self, half: _Halfway, chunk: BlockChunk, band: Float[Tensor, "row head both"]) -> None:
        """All gradients of a chunk but those through the band, which are added to it."""
        sweep, weights, total = self.sweep, self.sweep.weights, self.weights
        after = self._feed_forward(half, self.asked[chunk.cells])
        asked = _linear(after, half.mixed, weights.out, total.out, total.out_bias).unflatten(1, (sweep.heads, -1))
        heard = sweep.heard(asked, chunk, half.masks).flatten(1)
        self.told.index_add_(0, sweep.task.slide[chunk.cells], heard)
        query = half.attention.backward(half.query, half.attended.weights, asked, band, total.bias)
        query = query.flatten(1).mul_(sweep.scale)
        own = _linear(query, half.normed.values, weights.query, total.query, total.query_bias)
        torch.add(after, self._norm(half.normed, own, weights.norm, total.norm), out=self.cells[chunk.cells])

    def _feed_forward(self, half: _Halfway, asked: Float[Tensor, "cell width"]) -> Float[Tensor, "cell width"]:
        """From the gradient of the result to that of the cells after attention."""
        weights, total = self.sweep.weights, self.weights
        hidden = _linear(asked, half.hidden, weights.second, total.second, total.second_bias)
        hidden = torch.ops.aten.threshold_backward(hidden, half.hidden, 0).mul_(half.masks.scale)
        values = _linear(hidden, half.second.values, weights.first, total.first, total.first_bias)
        return self._norm(half.second, values, weights.second_norm, total.second_norm).add_(asked)

    def _both(self, rows: slice, grad: Float[Tensor, "row head both"]) -> None:
        """Hand the finished gradient of keys and values down to their cells."""
        weights, total = self.sweep.weights, self.weights
        own = normed(self.sweep.cells[rows], *weights.norm)
        values = _linear(grad.flatten(1), own.values, weights.both, total.both, total.both_bias)
        self.cells[rows] += self._norm(own, values, weights.norm, total.norm)

    def _norm(self, own: Normed, grad: Tensor, weights: Tensor, total: Tensor) -> Tensor:
        rows, weight, bias = own.backward(grad, weights[0], weights[1])
        total[0] += weight
        total[1] += bias
        return rows


def _linear(
    grad: Float[Tensor, "row out"],
    rows: Float[Tensor, "row in"],
    weight: Float[Tensor, "out in"],
    weight_grad: Float[Tensor, "out in"],
    bias_grad: Float[Tensor, " out"],
) -> Float[Tensor, "row in"]:
    """The gradient of a projection's rows; those of its weight and bias are added to what is there."""
    weight_grad.addmm_(grad.T, rows)
    bias_grad += grad.sum(0)
    return grad @ weight
