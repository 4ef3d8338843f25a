"""What models of fields ask of images beside ``overview`` and ``read``: parts of a batch, and all pixels, once."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saccade.core.bags import Bags
from saccade.core.contract import AnyImages
from saccade.core.errors import BadInput
from saccade.core.images import Images
from saccade.core.results import Sites
from saccade.imaging.rasters import Rasters
from saccade.imaging.stack import Stack
from saccade.imaging.tiled import TiledImage
from saccade.imaging.views import RasterView

Rows = Callable[[int, int], Float[Tensor, "batch channel rows width"]]
"""From a first and an end row of images of one size to their pixels."""

_TILE = 256


def opened(images: AnyImages, channels: int) -> Images:
    """The images with a meter at zero; a bare tensor is taken for a stack.

    Raises:
        BadInput: They are bags, or have another number of channels.
    """
    if isinstance(images, Bags):
        raise BadInput("this model wants images, not stored features", "use a model of slides: saccade models")
    fresh = Stack(images) if isinstance(images, Tensor) else images.metered()
    found = getattr(fresh, "channels", channels)
    if found != channels:
        raise BadInput(
            f"images with {found} channels were given to a model of {channels}",
            remedy=f"convert them to {channels} channels, or train a model for these",
        )
    return fresh


def cells_of(extents: Int[Tensor, "batch 2"], factor: int) -> Int[Tensor, "batch 2"]:
    """Rows and columns of each image's own overview; a last, partial cell counts.

    >>> cells_of(torch.tensor([[10, 11]]), 5).tolist()
    [[2, 3]]
    """
    return (extents + factor - 1).div(factor, rounding_mode="floor")


def whole_sites(extents: Int[Tensor, "batch 2"]) -> Sites:
    """Each image as its one site."""
    corners = extents.flip(1).float()
    boxes = torch.cat([torch.zeros_like(corners), corners], dim=1)[:, None]
    return Sites(boxes, torch.ones_like(boxes[..., 0]), torch.ones_like(boxes[..., 0], dtype=torch.bool))


def equal_groups(extents: Int[Tensor, "batch 2"]) -> list[Int[Tensor, " chosen"]]:
    """Images of one size together, by their rows in the batch.

    >>> [each.tolist() for each in equal_groups(torch.tensor([[4, 5], [6, 6], [4, 5]]))]
    [[0, 2], [1]]
    """
    _, kind = extents.unique(dim=0, return_inverse=True)
    return [(kind == each).nonzero()[:, 0] for each in kind.unique()]


def taken(images: Images, rows: Int[Tensor, " chosen"]) -> Images:
    """Some of the images, with a meter at zero; all of them are themselves.

    Raises:
        BadInput: The images are of a kind that cannot be taken apart.
    """
    if len(rows) == len(images):
        return images.metered()
    if isinstance(images, Stack):
        return Stack(images.values[rows])
    take = getattr(images, "take", None)
    if take is None:
        raise BadInput(f"a batch of {type(images).__name__} cannot be taken apart", "pass images of one size")
    return take(rows)


def rows_of(images: Images) -> Rows:
    """A way to all pixels of images of one size, some rows at a time; they are counted as read, once, by this call.

    Asking for a row twice is free: what is counted is the image, which a model that reads it whole has read. Stacks
    and rasters keep nothing more in memory; of other images the pixels are, read in tiles that at the right and lower
    edges count as whole ones.

    Raises:
        BadInput: The image lies in a file because it is too large for memory.
    """
    if isinstance(images, TiledImage):
        message = "is too large for a model that holds every pixel at once"
        remedy = "use a model that reads patches, such as attention-sampling, or cut it into smaller images"
        raise BadInput(message, remedy, str(images.file.path))
    if isinstance(images, Stack):
        values = images.read_whole()
        return lambda first, end: values[:, :, first:end]
    if isinstance(images, Rasters):
        stored, normalise = [images.store.image(row) for row in range(len(images))], images.normalise
        images.meter.count_read(1, stored[0].shape[0] * stored[0].shape[1])
        return lambda first, end: normalise(torch.stack([each[first:end] for each in stored]).permute(0, 3, 1, 2))
    whole = _from_tiles(images)
    return lambda first, end: whole[:, :, first:end]


def stored_steps(images: Images) -> tuple[float, ...]:
    """How far apart one stored value and the next lie, in each channel, as a model is given them.

    >>> import numpy as np
    >>> from saccade.imaging.pixel_store import PixelStore
    >>> halved = torch.tensor([1.0, 0.5])[:, None, None]
    >>> stored_steps(Rasters(PixelStore.of([np.zeros((4, 4, 2), np.uint8)]), lambda values: values * halved - 3))
    (1.0, 0.5)
    """
    source = images.images if isinstance(images, RasterView) else images
    if not isinstance(source, Rasters | TiledImage):
        return (1.0,) * int(getattr(images, "channels", 3))
    ends = torch.tensor([0.0, 256.0], device=source.extents.device)  # far apart: a shift costs float32 its last digits
    low, high = source.normalise(ends[:, None, None, None].expand(-1, source.channels, 1, 1)).flatten(1)
    return tuple(((high - low) / 256).tolist())


def _from_tiles(images: Images) -> Float[Tensor, "batch channel height width"]:
    """All pixels of images of one size through ``read`` alone."""
    height, width = images.extents[0].tolist()
    side = min(_TILE, max(height, width))
    strips = []
    for top in range(0, height, side):
        corners = torch.tensor([[left, top, left + side, top + side] for left in range(0, width, side)])
        boxes = corners.to(images.extents.device).expand(len(images), -1, -1)
        strip = torch.cat(tuple(images.read(boxes, side).unbind(1)), dim=-1)
        strips.append(strip[..., :width])
    return torch.cat(strips, dim=-2)[..., :height, :]
