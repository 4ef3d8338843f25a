"""Small fields of several sizes, with boxes, and a look that needs no training."""

import numpy as np
import torch
from torch import nn

from saccade.imaging.pixel_store import PixelStore
from saccade.imaging.rasters import Rasters
from saccade.models.parts.field_look import Affine, FieldLook

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


def seek_light(look: FieldLook) -> None:
    """Have an untrained look pass the first channel's brightness on, so that the map is where the light is."""
    with torch.no_grad():
        for each in look.parameters():
            each.zero_()
        for each in look.trunk:
            if isinstance(each, nn.Conv2d):
                each.weight[0, 0, 1, 1] = 1
            elif isinstance(each, Affine):
                each.weight.fill_(1)
        look.score.weight[0, 0, 1, 1] = 60
