"""From decoded images to what a model asks: equal images become one tensor, fields stay as they were stored."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from saccade.imaging.preprocessing import Preprocessing, to_tensor
from saccade.imaging.rasters import PixelStore, Rasters

Opened = Tensor | Rasters
"""A batch of images, normalised or normalised where it is read."""


def open_images(
    arrays: Sequence[np.ndarray],
    preprocessing: Preprocessing,
    device: torch.device | str = "cpu",
) -> Opened:
    """A batch for a model, of images that ``preprocessing.resize`` returned.

    >>> fields = [np.zeros((40, 30, 3), np.uint8), np.zeros((20, 50, 3), np.uint8)]
    >>> open_images(fields, Preprocessing(None, 3, (0.5,) * 3, (0.2,) * 3)).extents.tolist()
    [[40, 30], [20, 50]]
    """
    if preprocessing.size is None:
        return Rasters(PixelStore.of(arrays).to(device), preprocessing.normalise)
    return preprocessing.normalise(to_tensor(np.stack(arrays)).to(device))


def some_of(images: Opened, first: int, last: int) -> Opened:
    """The images ``first … last − 1`` of a batch, with a meter at zero."""
    if isinstance(images, Rasters):
        return images.take(torch.arange(first, min(last, len(images)), device=images.store.start.device))
    return images[first:last]
