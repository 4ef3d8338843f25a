"""Images for the eye: all of one as a picture, and the very pixels of some places, whether or not it fits in memory."""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Num, UInt8
from torch import Tensor

from saccade.imaging.distinct_sites import cut_patches
from saccade.imaging.drawing import as_picture
from saccade.imaging.field_drawing import Drawn, shrunk
from saccade.imaging.image_files import Array
from saccade.imaging.opening import FieldPixels, extent_of
from saccade.imaging.tiled import TiledImage
from saccade.imaging.tiled_files import TiledFile

LONGEST = 2000
"""Pixels along the longer side of the picture of an image that is too large to decode."""

Patches = UInt8[np.ndarray, "site side side 3"]


@runtime_checkable
class Shown(Protocol):
    """An image that can be shown."""

    @property
    def extent(self) -> tuple[int, int]:
        """Height and width in base pixels."""
        ...

    def whole(self, longest: int | None = None) -> Drawn:
        """All of it, brought down to at most ``longest`` pixels on its longer side."""
        ...

    def patches(self, boxes: Num[Tensor, "site 4"]) -> Patches:
        """The pixels of square boxes of one size, as a model reads them."""
        ...


@dataclass(frozen=True, eq=False)
class ShownArray:
    """An image in memory; without ``longest``, ``whole`` has all its pixels."""

    pixels: Array

    @property
    def extent(self) -> tuple[int, int]:
        """Height and width in base pixels."""
        return extent_of(self.pixels)

    def whole(self, longest: int | None = None) -> Drawn:
        """All of it, brought down to at most ``longest`` pixels on its longer side."""
        return shrunk(as_picture(self.pixels), longest)

    def patches(self, boxes: Num[Tensor, "site 4"]) -> Patches:
        """The pixels of square boxes of one size, as a model reads them."""
        return cut_patches(as_picture(self.pixels), boxes)


@dataclass(frozen=True, eq=False)
class ShownFile:
    """An image in a tiled file; ``whole`` is an overview, of at most ``LONGEST`` pixels on its longer side.

    Cost: an overview unpacks a level of the file once, patches the tiles they touch.
    """

    file: TiledFile

    @property
    def extent(self) -> tuple[int, int]:
        """Height and width in base pixels."""
        return extent_of(self.file)

    def whole(self, longest: int | None = None) -> Drawn:
        """All of it, averaged over blocks of whole pixels."""
        factor = math.ceil(max(self.extent) / min(LONGEST, longest or LONGEST))
        return as_picture(self._stored(self._image().overview(factor)[0].permute(1, 2, 0)))

    def patches(self, boxes: Num[Tensor, "site 4"]) -> Patches:
        """The pixels of square boxes of one size, as a model reads them; all in one contrast."""
        whole = boxes.detach().cpu().round().long()
        if not len(whole):
            return np.empty((0, 0, 0, 3), np.uint8)
        side = int(whole[0, 2] - whole[0, 0])
        values = self._image().read(whole[None], side)[0].permute(0, 2, 3, 1)
        return as_picture(self._stored(values.flatten(0, 1))).reshape(-1, side, side, 3)

    def _image(self) -> TiledImage:
        """The file, its values as they are but for their type."""
        return TiledImage(self.file, torch.Tensor.float)

    def _stored(self, values: Float[Tensor, "*axes"]) -> Num[np.ndarray, "*axes"]:
        """Values in the type of the file."""
        return values.round().numpy().astype(self.file.dtype)


def shown(pixels: FieldPixels) -> Shown:
    """Pixels as something to show.

    >>> shown(np.zeros((40, 60, 3), np.uint8)).whole(longest=30).shape
    (20, 30, 3)
    """
    return ShownFile(pixels) if isinstance(pixels, TiledFile) else ShownArray(pixels)
