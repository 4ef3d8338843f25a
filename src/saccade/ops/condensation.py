"""Sparse strided condensation: up to four neighbouring cells become one, and background is never touched.

A convolution of kernel 2 and stride 2 whose output cell exists iff at least one of its four children does. Absent
children contribute nothing. The index is built once from a slide's cells and serves any number of features.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor

from saccade.ops.indices import renumbered
from saccade.ops.slide_grid import SlideGrid, coarsened


@dataclass(frozen=True, eq=False)
class CondensationIndex:
    """Who becomes part of whom.

    Attributes:
        grid: The condensed cells; in raster order, unless reordered.
        parent: The condensed cell of each child.
        slot: The child's place in its parent: 2 × row + column, 0 to 3.
        counts: Children of each condensed cell, 1 to 4.
    """

    grid: SlideGrid
    parent: Int[Tensor, " child"]
    slot: Int[Tensor, " child"]
    counts: Int[Tensor, " cell"]

    @classmethod
    def concatenate(cls, parts: Sequence["CondensationIndex"], grid: SlideGrid) -> "CondensationIndex":
        """The index of all slides, whose condensed cells are those of ``grid``."""
        parent = renumbered([part.parent for part in parts], [len(part.grid) for part in parts])
        slot, counts = (torch.cat([getattr(part, name) for part in parts]) for name in ("slot", "counts"))
        return cls(grid, parent, slot, counts)

    def reordered(self, order: Int[Tensor, " cell"]) -> "CondensationIndex":
        """The same with the condensed cells in another order, in which slides still follow each other."""
        place = torch.empty_like(order)
        place[order] = torch.arange(len(order), device=order.device)
        return CondensationIndex(self.grid.reordered(order), place[self.parent], self.slot, self.counts[order])


def condensation_index(grid: SlideGrid) -> CondensationIndex:
    """Find the parents of a grid's cells. Cost: O(n log n), one sort of the keys.

    >>> import torch
    >>> from saccade.ops.slide_grid import placed
    >>> index = condensation_index(placed(torch.tensor([[0, 0], [1, 0], [2, 0]]), (3,)))
    >>> index.parent.tolist(), index.slot.tolist(), index.counts.tolist()
    ([0, 0, 1], [2, 3, 2], [2, 1])
    """
    coarse, parent = coarsened(grid, 2)
    inside = grid.cells % 2
    return CondensationIndex(coarse, parent, 2 * inside[:, 1] + inside[:, 0], parent.bincount(minlength=len(coarse)))


def condense_depthwise(
    values: Float[Tensor, "child channel"], weight: Float[Tensor, "channel 1 2 2"], index: CondensationIndex
) -> Float[Tensor, "cell channel"]:
    """Each channel by itself: ``y_p = Σ_c w[slot(c)] ∘ x_c / |children of p|``. Cost: O(children · channels).

    >>> import torch
    >>> from saccade.ops.slide_grid import placed
    >>> index = condensation_index(placed(torch.tensor([[0, 0], [1, 0], [2, 0]]), (3,)))
    >>> condense_depthwise(torch.tensor([[1.0], [3.0], [5.0]]), torch.ones(1, 1, 2, 2), index).tolist()
    [[2.0], [5.0]]

    Args:
        values: Of the children.
        weight: By channel, row and column, as of a depthwise convolution.
        index: Who becomes part of whom.
    """
    factors = weight.flatten(1).transpose(0, 1)  # (slot, channel)
    shares = values * factors[index.slot]
    total = shares.new_zeros(len(index.grid), shares.shape[1]).index_add(0, index.parent, shares)
    return total / index.counts[:, None].to(total)


def condense_full(
    values: Float[Tensor, "child channel"], weight: Float[Tensor, "out channel 2 2"], index: CondensationIndex
) -> Float[Tensor, "cell out"]:
    """All channels together, not divided: ``y_p = Σ_c W[slot(c)] x_c``. Cost: O(children · channels · out).

    >>> import torch
    >>> from saccade.ops.slide_grid import placed
    >>> index = condensation_index(placed(torch.tensor([[0, 0], [1, 0], [2, 0]]), (3,)))
    >>> condense_full(torch.tensor([[1.0], [3.0], [5.0]]), torch.ones(2, 1, 2, 2), index).tolist()
    [[4.0, 4.0], [5.0, 5.0]]

    Args:
        values: Of the children.
        weight: By channel out, channel in, row and column, as of a convolution.
        index: Who becomes part of whom.
    """
    total = values.new_zeros(len(index.grid), weight.shape[0])
    for slot, matrix in enumerate(weight.flatten(2).unbind(2)):
        child = (index.slot == slot).nonzero()[:, 0]
        total = total.index_add(0, index.parent[child], (values[child] @ matrix.T).to(total))
    return total


def condense_side_by_side(
    values: Float[Tensor, "child channel"], index: CondensationIndex
) -> Float[Tensor, "cell slot_channel"]:
    """All channels of the four children one after the other, by slot, zeros where a child is absent: a patch merge.

    What a linear layer makes of them is a full condensation, unless something is done to the four together before, as
    to normalise them (Swin, Liu et al. 2021). Cost: O(cells · 4 · channels).

    >>> import torch
    >>> from saccade.ops.slide_grid import placed
    >>> index = condensation_index(placed(torch.tensor([[0, 0], [1, 0], [2, 0]]), (3,)))
    >>> condense_side_by_side(torch.tensor([[1.0], [3.0], [5.0]]), index).tolist()
    [[0.0, 0.0, 1.0, 3.0], [0.0, 0.0, 5.0, 0.0]]

    Args:
        values: Of the children.
        index: Who becomes part of whom.
    """
    beside = values.new_zeros(4 * len(index.grid), values.shape[1]).index_copy(0, 4 * index.parent + index.slot, values)
    return rearrange(beside, "(cell slot) channel -> cell (slot channel)", slot=4)
