"""Gathering patches of pixels out of a batch of images."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saccade.core.errors import BadInput


def gather_patches(
    values: Float[Tensor, "batch channel height width"], boxes: Int[Tensor, "batch site 4"], size: int
) -> Float[Tensor, "batch site channel {size} {size}"]:
    """Cut square patches; pixels outside the image mirror those inside (the edge itself is not repeated).

    An exact gather, with no loop over patches. Cost: one index and one copy per pixel returned.

    >>> image = torch.arange(9.0).view(1, 1, 3, 3)
    >>> gather_patches(image, torch.tensor([[[1, 1, 3, 3]]]), 2).flatten().tolist()
    [4.0, 5.0, 7.0, 8.0]

    Raises:
        BadInput: A box is not ``size`` wide and high.
    """
    sides = boxes[..., 2:] - boxes[..., :2]
    if bool((sides != size).any()):
        raise BadInput(f"a box is not {size} × {size} base pixels", remedy="read boxes at their own size")
    batch, channels, height, width = values.shape
    steps = torch.arange(size, device=values.device)
    columns = reflect(boxes[..., 0, None] + steps, width)  # (batch, site, size)
    rows = reflect(boxes[..., 1, None] + steps, height)
    index = (rows[..., :, None] * width + columns[..., None, :]).flatten(1)  # (batch, site · size · size)
    flat = values.flatten(2).gather(2, index[:, None].expand(-1, channels, -1))
    return flat.view(batch, channels, boxes.shape[1], size, size).transpose(1, 2)


def gather_blocks(
    values: Float[Tensor, "batch channel height width"], index: Int[Tensor, "batch block"], size: int
) -> Float[Tensor, "batch block value"]:
    """The blocks of a lattice of ``size`` × ``size`` pixels with these raster indices.

    Values of a block come channel by channel, each row by row. Whether a pixel's channels lie side by side or apart,
    only what is asked for is touched. Cost: one index and one copy per value returned.

    >>> image = torch.arange(16.0).view(1, 1, 4, 4)
    >>> gather_blocks(image, torch.tensor([[3, 1]]), 2).tolist()
    [[[10.0, 11.0, 14.0, 15.0], [2.0, 3.0, 6.0, 7.0]]]

    Args:
        values: Images whose sides are multiples of ``size``.
        index: Of the blocks, row by row.
        size: Side of a block in pixels.
    """
    channels, height, width = values.shape[1:]
    if values.is_contiguous(memory_format=torch.channels_last):
        flat, strides = values.permute(0, 2, 3, 1).flatten(1), (1, width * channels, channels)
    else:
        flat, strides = values.flatten(1), (height * width, width, 1)
    sides = (channels, size, size)
    within = sum(
        (torch.arange(side, device=index.device) * stride).view([-1 if axis == own else 1 for own in range(3)])
        for axis, (side, stride) in enumerate(zip(sides, strides, strict=True))
    )
    rows, columns = index.div(width // size, rounding_mode="floor"), index % (width // size)
    first = size * (rows * strides[1] + columns * strides[2])
    places = first[..., None] + torch.as_tensor(within).flatten()
    return flat.gather(1, places.flatten(1)).view(*index.shape, -1)


def reflect(position: Int[Tensor, "*axes"], length: int) -> Int[Tensor, "*axes"]:
    """Fold any integer position into ``0 … length − 1`` by mirroring at both ends, edges not repeated.

    >>> reflect(torch.tensor([-2, -1, 0, 3, 4]), 4).tolist()
    [2, 1, 0, 3, 2]
    """
    if length == 1:
        return torch.zeros_like(position)
    period = 2 * (length - 1)
    folded = position.remainder(period)
    return torch.where(folded < length, folded, period - folded)
