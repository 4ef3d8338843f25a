"""Features into cells and cells into larger cells, some rows at a time: what is computed on the way is not kept."""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from saccade.ops.condensation import CondensationIndex
from saccade.ops.dropping import kept, rounded, seeded
from saccade.ops.norms import normed

_ROWS = 512  # at a time


def entered(
    features: Float[Tensor, "patch feature"],
    weight: Float[Tensor, "width feature"],
    place: Int[Tensor, " patch"],
    cells: int,
    dropout: float = 0.0,
) -> Float[Tensor, "cell width"]:
    """Project each patch to the cell in which it lies; cells without a patch get zeros.

    >>> entered(torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0]]), torch.tensor([2, 0]), 3).tolist()
    [[6.0], [0.0], [3.0]]

    Args:
        features: Of the patches.
        weight: Projects them.
        place: The cell of each patch, none twice.
        cells: How many there are.
        dropout: Share of a cell's numbers that is dropped.
    """
    seed = int(torch.randint(2**60, ())) if dropout else 0
    return _Entered.apply(features, weight, place, cells, dropout, seed)  # type: ignore[return-value]


def condensed(
    values: Float[Tensor, "child channel"],
    norm: Float[Tensor, "2 channel"],
    weight: Float[Tensor, "channel 1 2 2"],
    index: CondensationIndex,
) -> Float[Tensor, "cell channel"]:
    """``condense_depthwise`` of the normalised children, equal to it.

    >>> from saccade.ops.condensation import condensation_index
    >>> from saccade.ops.slide_grid import placed
    >>> index = condensation_index(placed(torch.tensor([[0, 0], [1, 0]]), (2,)))
    >>> norm = torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    >>> condensed(torch.tensor([[1.0, 3.0], [6.0, 4.0]]), norm, torch.ones(2, 1, 2, 2), index).round().tolist()
    [[-1.0, 1.0], [1.0, -1.0]]

    Args:
        values: Of the children.
        norm: Weight and bias of their normalisation, as two rows.
        weight: By channel, row and column.
        index: Who becomes part of whom.
    """
    return _Condensed.apply(values, norm, weight, index)  # type: ignore[return-value]


class _Entered(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, features: Tensor, weight: Tensor, place: Tensor, cells: int, dropout: float, seed: int
    ) -> Tensor:
        ctx.save_for_backward(features, weight, place)
        ctx.drawn = (dropout, seed)
        result = (
            features.new_zeros(cells, len(weight)) if cells > len(place) else features.new_empty(cells, len(weight))
        )
        for rows in _rows(len(features)):
            result[place[rows]] = _dropped(features[rows] @ weight.T, rows, dropout, seed)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        features, weight, place = ctx.saved_tensors
        total = torch.zeros_like(weight)
        down = torch.empty_like(features) if ctx.needs_input_grad[0] else None
        for rows in _rows(len(features)):
            grad = _dropped(grad_outputs[0][place[rows]], rows, *ctx.drawn)
            total.addmm_(grad.T, features[rows])
            if down is not None:
                down[rows] = grad @ weight
        return down, total, None, None, None, None


class _Condensed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, norm: Tensor, weight: Tensor, index: CondensationIndex) -> Tensor:
        ctx.save_for_backward(values, norm, weight)
        ctx.index = index
        factors = weight.flatten(1).T.contiguous()  # (slot, channel)
        total = values.new_zeros(len(index.grid), values.shape[1])
        for rows in _rows(len(values)):
            shares = normed(values[rows], norm[0], norm[1]).values.mul_(factors[index.slot[rows]])
            total.index_add_(0, index.parent[rows], shares)
        return total.div_(index.counts[:, None])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        values, norm, weight = ctx.saved_tensors
        index, factors = ctx.index, weight.flatten(1).T.contiguous()
        asked = grad_outputs[0] / index.counts[:, None]
        down, norm_grad, factors_grad = torch.empty_like(values), torch.zeros_like(norm), torch.zeros_like(factors)
        for rows in _rows(len(values)):
            own, slot, share = normed(values[rows], norm[0], norm[1]), index.slot[rows], asked[index.parent[rows]]
            factors_grad.index_add_(0, slot, share * own.values)
            down[rows], *norms = own.backward(share.mul_(factors[slot]), norm[0], norm[1])
            norm_grad += torch.stack(norms)
        return down, norm_grad, factors_grad.T.reshape(weight.shape), None


def _rows(count: int) -> Iterator[slice]:
    for start in range(0, count, _ROWS):
        yield slice(start, min(start + _ROWS, count))


def _dropped(values: Tensor, rows: slice, dropout: float, seed: int) -> Tensor:
    """Values without those that are dropped; the same ones for the same rows."""
    if not dropout:
        return values
    mask = kept(tuple(values.shape), dropout, seeded(seed + rows.start, values.device))
    return (values * mask).div_(1 - rounded(dropout))
