"""A whole refinement layer for the cells of some slides in one sweep from top to bottom.

``x ← x + W_o (windows(n(x)) + told)``, then ``x ← x + W_2 relu(W_1 n'(x))``: some thousand cells at a time go through
all of it while they are in the cache. Keys and values are made one row of blocks ahead and forgotten one row behind,
so a sweep keeps nothing that grows with the slide but its result, which may be written over its input.

The gradient is another sweep. It computes a chunk again, for which the layer's input, its queries, keys and values and
what came of attention are kept; the gradients of keys and values live in a band. Equal to the plain layer, which the
tests hold it to.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from saccade.core.errors import BadInput
from saccade.ops.block_chunks import in_block_order
from saccade.ops.layer_gradient import LayerGradient
from saccade.ops.layer_sweep import Kept, LayerTask, LayerWeights, Sweep


def swept_layer(
    cells: Float[Tensor, "cell width"], told: Float[Tensor, "slide width"], weights: LayerWeights, task: LayerTask
) -> Float[Tensor, "cell width"]:
    """Refine all cells.

    Cost: 8 · width² MAC a cell, and what ``union_window_attention`` costs; for the gradient 18 · width² more. Kept for
    the gradient: five times the input.

    Args:
        cells: In the order of their blocks.
        told: What each slide's token tells its cells.
        weights: What the layer learned.
        task: Who attends to whom.

    Raises:
        BadInput: The cells lie in another order.
    """
    if not in_block_order(task.windows):
        raise BadInput("cells do not lie in the order of their blocks", "reorder their grid by block_order")
    seed = int(torch.randint(2**60, ())) if task.dropout else 0
    if torch.is_grad_enabled() and any(part.requires_grad for part in (cells, told, *weights)):
        return _Swept.apply(cells, told, task, seed, *weights)  # type: ignore[return-value]
    return Sweep(cells, told, weights, task, seed).forward(cells if task.overwrite else torch.empty_like(cells))


class _Swept(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, cells: Tensor, told: Tensor, task: LayerTask, seed: int, *weights: Tensor) -> Tensor:
        sweep = Sweep(cells, told, LayerWeights(*weights), task, seed)
        kept = sweep.keeping = Kept.like(cells, sweep.heads, len(sweep.weights.both))
        ctx.save_for_backward(cells, told, kept.both, kept.query, kept.middle, *weights)
        ctx.task, ctx.seed = task, seed
        return sweep.forward(torch.empty_like(cells))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        cells, told, both, query, middle, *weights = ctx.saved_tensors
        sweep = Sweep(cells, told, LayerWeights(*weights), ctx.task, ctx.seed)
        grad = LayerGradient(sweep, Kept(both, query, middle), grad_outputs[0].contiguous())
        return grad.cells, grad.told, None, None, *grad.weights
