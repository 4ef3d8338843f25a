"""Fills: what a pixel becomes when it is taken away. Every choice invents an image; none is neutral.

The default, the mean of the border, is the usual background of a cropped cell: deleting a nucleus leaves a hole
that looks like empty glass. A blurred image keeps the colour of the place and takes only its detail, so that a model
that lives on colour barely notices; the image's own mean lies between.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


@runtime_checkable
class Fill(Protocol):
    """From images to images of the same shape (or one that broadcasts to it), each from itself alone."""

    @property
    def name(self) -> str:
        """In words, for captions: "pixels are replaced by …"."""
        ...

    def __call__(
        self, images: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch channel #height #width"]:
        """What each pixel becomes."""
        ...


@dataclass(frozen=True)
class BorderMean:
    """The mean of each channel over the image's border, a sixteenth of the shorter side wide."""

    name: str = "the mean of the image's border"

    def __call__(self, images: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch channel 1 1"]:
        """One colour per image."""
        height, width = images.shape[2:]
        ring = max(1, min(height, width) // 16)
        border = torch.ones(height, width, dtype=torch.bool, device=images.device)
        border[ring : height - ring, ring : width - ring] = False
        return images[:, :, border].mean(2)[:, :, None, None]


@dataclass(frozen=True)
class ImageMean:
    """The mean of each channel over the whole image."""

    name: str = "the image's mean"

    def __call__(self, images: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch channel 1 1"]:
        """One colour per image."""
        return images.mean((2, 3), keepdim=True)


@dataclass(frozen=True)
class Blurred:
    """The image under a Gaussian blur: the place keeps its colour and loses its detail.

    Attributes:
        sigma: Of the blur, as a share of the shorter side.
    """

    sigma: float = 0.1
    name: str = "a blurred copy of the image"

    def __call__(
        self, images: Float[Tensor, "batch channel height width"]
    ) -> Float[Tensor, "batch channel height width"]:
        """The blurred images, edges reflected."""
        sigma = self.sigma * min(images.shape[2:])
        planes = images.detach().cpu().float().flatten(0, 1).numpy()
        blurred = [cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REFLECT) for plane in planes]
        return torch.from_numpy(np.stack(blurred)).view(images.shape).to(images)
