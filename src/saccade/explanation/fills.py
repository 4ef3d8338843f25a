"""Fills: what a pixel becomes when it is taken away. Every choice invents an image; none is neutral.

The mean of the border is the usual background of a cropped cell: deleting a nucleus leaves a hole that looks like empty
glass. Another fill is another class with a name and a call.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

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
