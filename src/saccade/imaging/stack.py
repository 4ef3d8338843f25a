"""Equal images in one tensor: the commonest door to pixels."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saccade.core.contract import AnyImages
from saccade.core.errors import BadInput
from saccade.core.results import Cost
from saccade.imaging.meter import Count, Meter
from saccade.ops.patches import gather_blocks, gather_patches
from saccade.ops.positions import site_boxes


class Stack:
    """A batch of equal images in memory, with a meter.

    >>> images = Stack(torch.rand(2, 3, 8, 8))
    >>> images.overview(2).shape
    torch.Size([2, 3, 4, 4])
    >>> images.cost().pixels_looked_fraction.tolist()
    [0.25, 0.25]

    Args:
        values: The pixels, as the model wants them (normalised).

    Raises:
        BadInput: The tensor is not (batch, channel, height, width), or an image has no pixels.
    """

    def __init__(self, values: Tensor) -> None:  # shape checked below, for everybody
        if values.ndim != 4 or 0 in values.shape[1:]:
            raise BadInput(
                f"images of shape {tuple(values.shape)} cannot be classified",
                remedy="pass (batch, channel, height, width) with at least one pixel",
            )
        self.values = values
        pixels = values.shape[-2] * values.shape[-1]
        self.meter = Meter(len(values), total=pixels, decoded=pixels)

    def __len__(self) -> int:
        """Images in the batch."""
        return len(self.values)

    @property
    def channels(self) -> int:
        """Channels of a pixel."""
        return self.values.shape[1]

    @property
    def height(self) -> int:
        """Rows of base pixels."""
        return self.values.shape[-2]

    @property
    def width(self) -> int:
        """Columns of base pixels."""
        return self.values.shape[-1]

    @property
    def extents(self) -> Int[Tensor, "batch 2"]:
        """Height and width of each image in base pixels."""
        return torch.tensor([[self.height, self.width]], device=self.values.device).expand(len(self), -1)

    def inside(self, factor: int) -> Bool[Tensor, "batch row column"]:
        """Where an overview shows the image: everywhere, since all are of one size."""
        rows, columns = -(-self.height // factor), -(-self.width // factor)
        return torch.ones(len(self), rows, columns, dtype=torch.bool, device=self.values.device)

    def overview(self, factor: int) -> Float[Tensor, "batch channel height width"]:
        """Every image, averaged over ``factor`` × ``factor`` blocks (a last, partial block over what it has)."""
        view = self.values
        if factor > 1:
            view = F.avg_pool2d(view, factor, ceil_mode=True, count_include_pad=False)
        self.meter.count_looked(view.shape[-2] * view.shape[-1])
        return view

    def read(self, boxes: Int[Tensor, "batch site 4"], size: int) -> Float[Tensor, "batch site channel {size} {size}"]:
        """The boxes' pixels, edges reflected; see ``ops.patches.gather_patches``."""
        self.meter.count_read(boxes.shape[1], boxes.shape[1] * size * size)
        return gather_patches(self.values, boxes, size)

    def read_blocks(self, index: Int[Tensor, "batch site"], size: int) -> Float[Tensor, "batch site value"]:
        """Blocks of ``size`` × ``size`` pixels by their raster index: ``read`` on a lattice, without the boxes.

        Values of a block come channel by channel, each row by row. Where the image ends inside a block, its last row or
        column is continued; what that adds is not counted as read.
        """
        self.meter.count_read(index.shape[1], self._pixels_in_blocks(index, size))
        right, below = -self.width % size, -self.height % size
        values = F.pad(self.values, (0, right, 0, below), mode="replicate") if right or below else self.values
        return gather_blocks(values, index, size)

    def _pixels_in_blocks(self, index: Int[Tensor, "batch site"], size: int) -> Count:
        """Pixels of the image that these blocks hold, for each image of the batch."""
        if self.width % size == 0 and self.height % size == 0:
            return index.shape[1] * size * size
        boxes = site_boxes(index, size, self.height, self.width)
        return (boxes[..., 2:] - boxes[..., :2]).prod(-1).sum(1)

    def read_whole(self) -> Float[Tensor, "batch channel height width"]:
        """Every pixel at full detail, as one site: what an ordinary network reads."""
        self.meter.count_read(1, self.height * self.width)
        return self.values

    def metered(self) -> "Stack":
        """The same images with a meter at zero."""
        return Stack(self.values)

    def cost(self) -> Cost:
        """What has been asked for since the meter stood at zero."""
        return self.meter.cost()


def as_stack(images: AnyImages, channels: int) -> Stack:
    """The images as a stack with a meter at zero; a bare tensor is taken for one.

    Raises:
        BadInput: The images are not equal images in memory, or have another number of channels.
    """
    stack = Stack(images) if isinstance(images, Tensor) else images
    if not isinstance(stack, Stack):
        raise BadInput(
            f"this model wants equal images in memory, not {type(images).__name__}", remedy="pass a saccade.Stack"
        )
    if stack.channels != channels:
        raise BadInput(
            f"images with {stack.channels} channels were given to a model of {channels}",
            remedy=f"convert them to {channels} channels, or train a model for these",
        )
    return stack.metered()
