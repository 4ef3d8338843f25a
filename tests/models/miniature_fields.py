"""Small fields of several sizes, with boxes, and the models that are tested on them."""

import numpy as np
import torch

from saccade.imaging.pixel_store import PixelStore
from saccade.imaging.rasters import Rasters

SIZES = ((40, 52), (30, 30), (5, 7))
"""The last is smaller than a patch."""

BOXES = torch.tensor(
    [
        [[4.0, 6.0, 16.0, 18.0], [30.0, 20.0, 44.0, 34.0]],
        [[10.0, 10.0, 20.0, 20.0], [torch.nan] * 4],
        [[torch.nan] * 4, [torch.nan] * 4],
    ]
)


def fields(sizes: tuple[tuple[int, int], ...] = SIZES, channels: int = 3, boxes: bool = True) -> Rasters:
    """Noise of these sizes, centred; truth boxes where there are three images."""
    dice = np.random.default_rng(0)
    store = PixelStore.of([dice.integers(0, 256, (*size, channels), dtype=np.uint8) for size in sizes])
    return Rasters(store, lambda values: values / 64 - 2, BOXES[: len(sizes)] if boxes else None)
