"""From image files to what a model asks: equal images become one tensor, fields stay as they were stored.

A field is decoded where it can be. A TIFF above what ``load_image`` unpacks (``image_files.MAX_PIXELS``) stays in its
file, and tiles of it are unpacked where they are asked for; every other file above that is refused.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from saccade.imaging.image_files import Array, is_too_large_tiff, load_image
from saccade.imaging.pixel_store import PixelStore
from saccade.imaging.preprocessing import Preprocessing, to_tensor
from saccade.imaging.rasters import Rasters
from saccade.imaging.tiled import TiledImage
from saccade.imaging.tiled_files import TiledFile

FieldPixels = Array | TiledFile
"""A field in memory, or one too large for that in its file."""

Decoded = Tensor | Rasters
"""A batch of images in memory, normalised or normalised where it is read."""

Opened = Decoded | TiledImage
"""A batch of images, or one that is read tile by tile."""


def open_field(path: Path | str) -> FieldPixels:
    """The pixels of a field: decoded, or left in the file if it is a TIFF too large for that.

    >>> open_field("images/second.bmp").shape
    (48, 48, 3)

    Raises:
        BadInput: Naming the file: it cannot be loaded, or is too large and not of a kind that ``TiledFile`` reads.
    """
    return TiledFile(path) if is_too_large_tiff(path) else load_image(path)


def extent_of(pixels: FieldPixels) -> tuple[int, int]:
    """Height and width in base pixels."""
    return (pixels.height, pixels.width) if isinstance(pixels, TiledFile) else pixels.shape[:2]


def open_images(
    arrays: Sequence[np.ndarray],
    preprocessing: Preprocessing,
    device: torch.device | str = "cpu",
    boxes: Float[Tensor, "image box 4"] | None = None,
) -> Decoded:
    """A batch for a model, of images that ``preprocessing.resize`` returned.

    >>> fields = [np.zeros((40, 30, 3), np.uint8), np.zeros((20, 50, 3), np.uint8)]
    >>> open_images(fields, Preprocessing(None, 3, (0.5,) * 3, (0.2,) * 3)).extents.tolist()
    [[40, 30], [20, 50]]

    Args:
        arrays: The images.
        preprocessing: How a model wants them.
        device: Where to put them.
        boxes: Where the truth of fields is known to lie, as ``Rasters`` takes it.
    """
    if preprocessing.size is None:
        boxes = None if boxes is None else boxes.to(device)
        return Rasters(PixelStore.of(arrays).to(device), preprocessing.normalise, boxes)
    return preprocessing.normalise(to_tensor(np.stack(arrays)).to(device))


def open_tiled(
    file: TiledFile,
    preprocessing: Preprocessing,
    device: torch.device | str = "cpu",
    boxes: Float[Tensor, "1 box 4"] | None = None,
) -> TiledImage:
    """A field in its file as a batch of one for a model; no pixel is unpacked yet.

    Raises:
        BadInput: Naming the file: another number of channels or kind of values than the model was trained on.
    """
    preprocessing.check(file.dtype, file.channels, str(file.path))
    boxes = None if boxes is None else boxes.to(device)
    return TiledImage(file, preprocessing.normalise, preprocessing.channels, device, boxes)


def some_of(images: Decoded, first: int, last: int) -> Decoded:
    """The images ``first … last − 1`` of a batch, with a meter at zero."""
    if isinstance(images, Rasters):
        if first <= 0 and last >= len(images):
            return images.metered()
        return images.take(torch.arange(first, min(last, len(images)), device=images.store.start.device))
    return images[first:last]
