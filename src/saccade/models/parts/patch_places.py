"""Where patches lie: around the middles of cells of the map, alike for every model of fields."""

import torch
from jaxtyping import Int
from torch import Tensor

from saccade.core.errors import BadInput

Middles = Int[Tensor, "batch site 2"]
"""In base pixels, ``x`` before ``y``."""


def check_no_gaps(patch: int, factor: int) -> None:
    """Refuse patches that are not larger than a cell.

    Raises:
        BadInput: The places between the patches could never be read.
    """
    if patch <= factor:
        message = f"patches of {patch} pixels leave gaps between cells of {factor}"
        raise BadInput(message, "choose a patch larger than the factor")


def middles_of(cells: Int[Tensor, "batch site 2"], extents: Int[Tensor, "batch 2"], factor: int) -> Middles:
    """``x y`` of the middles of cells given as row and column; one beyond the edge is moved onto it."""
    return onto(cells.flip(-1) * factor + factor // 2, extents)


def onto(middles: Middles, extents: Int[Tensor, "batch 2"]) -> Middles:
    """The same places, those outside the image moved to its nearest pixel."""
    return torch.minimum(middles, extents.flip(1)[:, None] - 1).clamp_min(0)


def boxes_around(middles: Middles, patch: int) -> Int[Tensor, "batch site 4"]:
    """Squares around middles.

    >>> boxes_around(torch.tensor([[[10, 20]]]), 4).tolist()
    [[[8, 18, 12, 22]]]
    """
    corner = middles - patch // 2
    return torch.cat([corner, corner + patch], dim=-1)


def boxes_of_cells(
    index: Int[Tensor, "batch site"], columns: int, extents: Int[Tensor, "batch 2"], factor: int, patch: int
) -> Int[Tensor, "batch site 4"]:
    """Patches of cells given by their number in raster order.

    >>> boxes_of_cells(torch.tensor([[7]]), 5, torch.tensor([[17, 23]]), factor=5, patch=8).tolist()
    [[[8, 3, 16, 11]]]

    Args:
        index: Of each cell.
        columns: Cells in a row of the map.
        extents: Height and width of each image in base pixels.
        factor: Base pixels along the side of a cell.
        patch: Side of a patch in base pixels.
    """
    cells = torch.stack([index.div(columns, rounding_mode="floor"), index % columns], dim=-1)
    return boxes_around(middles_of(cells, extents, factor), patch)
