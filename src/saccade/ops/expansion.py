"""Sub-pixel expansion: a condensed cell gives each child that is there a share of its own, and no other."""

from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from saccade.ops.condensation import CondensationIndex


def expand_sub_pixel(
    values: Float[Tensor, "cell channel"], weight: Float[Tensor, "out_slot channel"], index: CondensationIndex
) -> Float[Tensor, "child out"]:
    """``x_c = W[·, slot(c)] y_p``: a linear layer to four times the channels, of which a child takes those of its slot.

    That is ``pixel_shuffle`` on the cells that exist. Cost: O(cells · channels · 4 · out).

    >>> import torch
    >>> from saccade.ops.condensation import condensation_index
    >>> from saccade.ops.slide_grid import placed
    >>> index = condensation_index(placed(torch.tensor([[0, 0], [1, 0], [2, 0]]), (3,)))
    >>> expand_sub_pixel(torch.tensor([[1.0], [10.0]]), torch.tensor([[0.0], [1.0], [2.0], [3.0]]), index).tolist()
    [[2.0], [3.0], [20.0]]

    Args:
        values: Of the condensed cells.
        weight: Rows by channel out, then by slot, as before a pixel shuffle.
        index: Who became part of whom.
    """
    shares = rearrange(values @ weight.T, "cell (out slot) -> (cell slot) out", slot=4)
    return shares[4 * index.parent + index.slot]
