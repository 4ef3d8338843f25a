"""The gradients of a swept layer, found by another sweep: each chunk is computed again, then gone through backwards."""

import torch
from jaxtyping import Float
from torch import Tensor

from saccade.ops.bands import Band
from saccade.ops.block_chunks import BlockChunk
from saccade.ops.layer_sweep import Halfway, Kept, LayerWeights, Sweep
from saccade.ops.norms import Normed, normed


class LayerGradient:
    """The gradients of a sweep.

    Attributes:
        cells: Of the cells.
        told: Of what each slide's token tells.
        weights: Of what the layer learned.

    Args:
        sweep: The layer as it was.
        kept: What that sweep left of all cells.
        grad: Of the refined cells.
    """

    def __init__(self, sweep: Sweep, kept: Kept, grad: Float[Tensor, "cell width"]) -> None:
        sweep.kept, both = kept, kept.both
        self.sweep, self.asked = sweep, grad
        self.cells, self.told = torch.empty_like(grad), torch.zeros_like(sweep.told)
        self.weights = LayerWeights(*(torch.zeros_like(weight) for weight in sweep.weights))
        asked = Band(lambda rows: torch.zeros_like(both[rows]), self._both)
        for chunk in sweep.chunks():
            half = sweep.halfway(chunk, both[chunk.band], keep=True)
            self._chunk(half, chunk, asked.moved(chunk.band))
        asked.close()

    def _chunk(self, half: Halfway, chunk: BlockChunk, band: Float[Tensor, "row head both"]) -> None:
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

    def _feed_forward(self, half: Halfway, asked: Float[Tensor, "cell width"]) -> Float[Tensor, "cell width"]:
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
