"""The meter at the door to pixels: it counts, so that no model has to claim."""

import torch

from saccade.core.results import Cost


class Meter:
    """Counts what each image of a batch was asked for.

    All images of a batch are asked for the same number of pixels at a time, so a count is one number per call.

    Args:
        images: Images in the batch.
        total: Pixels of one image.
        decoded: Pixels of one image that were decompressed to get here.
    """

    def __init__(self, images: int, total: int, decoded: int) -> None:
        self.images, self.total, self.decoded = images, total, decoded
        self.looked = 0
        self.read = 0
        self.reads = 0

    def count_looked(self, pixels: int) -> None:
        """Note pixels of an overview, per image."""
        self.looked += pixels

    def count_read(self, sites: int, pixels_each: int) -> None:
        """Note sites, and the pixels of each, per image."""
        self.reads += sites
        self.read += sites * pixels_each

    def cost(self) -> Cost:
        """The counts so far, one row per image."""
        counts = (self.total, self.looked, self.read, self.decoded, self.reads)
        return Cost(*torch.tensor(counts, dtype=torch.float64)[:, None].expand(-1, self.images))
