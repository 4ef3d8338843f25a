"""Images of any size, read where a model asks: kept as they were stored, converted patch by patch."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saccade.core.results import Cost
from saccade.imaging.gathering import gather_stored
from saccade.imaging.meter import Meter
from saccade.imaging.pixel_store import PixelStore
from saccade.imaging.reducing import reduced, side_by_side

Normalise = Callable[[Tensor], Tensor]
"""From stored values (batch, channel, height, width) to those the model wants."""


class Rasters:
    """A batch of images of any size in memory, with a meter.

    >>> import numpy as np
    >>> small, large = np.zeros((10, 12, 3), np.uint8), np.zeros((20, 16, 3), np.uint8)
    >>> images = Rasters(PixelStore.of([small, large]), lambda values: values / 255)
    >>> images.overview(4).shape, images.inside(4).sum((1, 2)).tolist()
    (torch.Size([2, 3, 5, 4]), [9, 20])

    Args:
        store: The pixels.
        normalise: Applied to what is handed out.
        boxes: Where the truth is known to lie, in base pixels, rows of NaN where an image has fewer; no model but a
            control may ask for them.
    """

    def __init__(
        self, store: PixelStore, normalise: Normalise, boxes: Float[Tensor, "batch box 4"] | None = None
    ) -> None:
        self.store, self.normalise, self.boxes = store, normalise, boxes
        pixels = store.height * store.width
        self.meter = Meter(len(store), total=pixels, decoded=pixels)

    def __len__(self) -> int:
        """Images in the batch."""
        return len(self.store)

    @property
    def channels(self) -> int:
        """Channels of a pixel."""
        return self.store.pixels.shape[1]

    @property
    def extents(self) -> Int[Tensor, "batch 2"]:
        """Height and width of each image in base pixels."""
        return torch.stack([self.store.height, self.store.width], dim=1)

    def overview(self, factor: int) -> Float[Tensor, "batch channel row column"]:
        """Every image, averaged over blocks; smaller ones are continued by their edge to the size of the largest."""
        small = [reduced(self.store.image(row), factor) for row in range(len(self))]
        self.meter.count_looked(torch.tensor([each.shape[0] * each.shape[1] for each in small]))
        return self.normalise(side_by_side(small))

    def inside(self, factor: int) -> Bool[Tensor, "batch row column"]:
        """Where the overview shows the image and not its continuation."""
        rows, columns = -(-self.store.height // factor), -(-self.store.width // factor)
        row, column = (torch.arange(int(each.max()), device=each.device) for each in (rows, columns))
        return (row < rows[:, None])[:, :, None] & (column < columns[:, None])[:, None]

    def read(self, boxes: Int[Tensor, "batch site 4"], size: int) -> Float[Tensor, "batch site channel {size} {size}"]:
        """The boxes' pixels, edges reflected: an exact gather, one look-up for all."""
        self.meter.count_read(boxes.shape[1], boxes.shape[1] * size * size)
        patches = gather_stored(self.store, boxes, size)
        return self.normalise(patches.flatten(0, 1)).unflatten(0, boxes.shape[:2])

    def take(self, rows: Int[Tensor, " chosen"]) -> "Rasters":
        """Some of the images, with a meter at zero; no pixel is copied."""
        boxes = None if self.boxes is None else self.boxes[rows]
        return Rasters(self.store.take(rows), self.normalise, boxes)

    def metered(self) -> "Rasters":
        """The same images with a meter at zero."""
        return Rasters(self.store, self.normalise, self.boxes)

    def cost(self) -> Cost:
        """What has been asked for since the meter stood at zero."""
        return self.meter.cost()
