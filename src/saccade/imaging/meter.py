"""The meter at the door to pixels: it counts, so that no model has to claim."""

import torch
from jaxtyping import Num
from torch import Tensor

from saccade.core.results import Cost

Count = int | Num[Tensor, " batch"]
"""One number for all images of a batch, or one for each."""


class Meter:
    """Counts what each image of a batch was asked for.

    Args:
        images: Images in the batch.
        total: Pixels of an image.
        decoded: Pixels of an image that were decompressed to get here.
    """

    def __init__(self, images: int, total: Count, decoded: Count) -> None:
        self.images, self.total, self.decoded = images, total, decoded
        self.looked: Count = 0
        self.read: Count = 0
        self.reads = 0

    def count_looked(self, pixels: Count) -> None:
        """Note pixels of an overview, per image."""
        self.looked = self.looked + pixels

    def count_read(self, sites: int, pixels: Count) -> None:
        """Note sites, and the pixels of all of them, per image."""
        self.reads += sites
        self.read = self.read + pixels

    def count_decoded(self, pixels: Count) -> None:
        """Note pixels that were decompressed, per image."""
        self.decoded = self.decoded + pixels

    def cost(self) -> Cost:
        """The counts so far, one row per image."""
        counts = (self.total, self.looked, self.read, self.decoded, self.reads)
        return Cost(*(torch.as_tensor(count, dtype=torch.float64).cpu().expand(self.images) for count in counts))
