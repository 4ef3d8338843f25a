"""What a model may ask of images: an overview, the pixels of some boxes, and what that has cost so far."""

from typing import Protocol, runtime_checkable

from jaxtyping import Bool, Float, Int
from torch import Tensor

from saccade.core.results import Cost


@runtime_checkable
class Images(Protocol):
    """A batch of images of any storage. Coordinates are base pixels: those of the finest level."""

    def __len__(self) -> int:
        """Images in the batch."""
        ...

    @property
    def extents(self) -> Int[Tensor, "batch 2"]:
        """Height and width of each image in base pixels."""
        ...

    def inside(self, factor: int) -> Bool[Tensor, "batch row column"]:
        """Where the overview shows an image, and not what continues it to the size of the largest."""
        ...

    def overview(self, factor: int) -> Float[Tensor, "batch channel height width"]:
        """Every image, averaged over ``factor`` × ``factor`` blocks; counted as *looked*."""
        ...

    def read(self, boxes: Int[Tensor, "batch site 4"], size: int) -> Float[Tensor, "batch site channel {size} {size}"]:
        """The boxes' pixels, edges reflected; exact where a box is ``size`` wide. Counted as *read*."""
        ...

    def metered(self) -> "Images":
        """The same images with a meter at zero."""
        ...

    def cost(self) -> Cost:
        """What has been asked for since the meter stood at zero."""
        ...
