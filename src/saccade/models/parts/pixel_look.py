"""Looks: from the whole image to one score per pixel. A look is any module with ``forward(stack) -> scores``."""

import torch.nn.functional as F
from einops import reduce
from jaxtyping import Float
from torch import Tensor, nn

from saccade.imaging.stack import Stack


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """Edges are continued, since a rim of zeros looks like a telling edge and draws the budget to the border."""
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False, padding_mode="replicate")
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


class FullLook(nn.Module):
    """The look as published: convolutions at full resolution, one logit per pixel.

    The paper says "a light convolutional network"; its depth and width are our choice.
    Cost: ``9·(channels·width + (layers−2)·width² + width)`` MAC per pixel; 11.8 million for 64×64 RGB at the default.

    Args:
        channels: Channels of the image.
        width: Channels inside.
        layers: 3×3 convolutions, the one that scores included.
    """

    def __init__(self, channels: int, width: int = 16, layers: int = 3) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            *(_convolution(channels if i == 0 else width, width) for i in range(layers - 1)),
        )
        self.score = nn.Conv2d(width, 1, 3, padding=1, padding_mode="replicate")

    def forward(self, images: Stack) -> Float[Tensor, "batch pixel"]:
        """Logits of the coarse map, raster order."""
        return self.score(self.trunk(images.overview(1))).flatten(1)


class StridedLook(nn.Module):
    """A look at a quarter of the resolution, shuffled back to one logit per pixel. Our variant.

    Two strided convolutions, one more, then a 1×1 convolution to 16 channels that become 4×4 pixels. Images whose
    sides do not divide by four are extended by their edge and the map is cropped.
    Cost: about a third of ``FullLook``'s; 4.1 million MAC for 64×64 RGB.

    Args:
        channels: Channels of the image.
        width: Channels after the first convolution; twice as many after it.
    """

    def __init__(self, channels: int, width: int = 16) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            _convolution(channels, width, stride=2),
            _convolution(width, 2 * width, stride=2),
            _convolution(2 * width, 2 * width),
        )
        self.score = nn.Conv2d(2 * width, 16, 1)

    def forward(self, images: Stack) -> Float[Tensor, "batch pixel"]:
        """Logits of the coarse map, raster order."""
        view = images.overview(1)
        right, below = -images.width % 4, -images.height % 4
        if right or below:
            view = F.pad(view, (0, right, 0, below), mode="replicate")
        scores = F.pixel_shuffle(self.score(self.trunk(view)), 4)
        return scores[:, 0, : images.height, : images.width].flatten(1)


class IntensityLook(nn.Module):
    """A look without parameters: how dark (or bright) a pixel is. The control for a learned look.

    Args:
        order: ``darkest`` scores dark pixels highest, ``brightest`` bright ones.
    """

    def __init__(self, order: str = "darkest") -> None:
        super().__init__()
        self.sign = {"darkest": -1.0, "brightest": 1.0}[order]

    def forward(self, images: Stack) -> Float[Tensor, "batch pixel"]:
        """Signed mean over channels, raster order."""
        return self.sign * reduce(images.overview(1), "batch channel row column -> batch (row column)", "mean")


class NoLook(nn.Module):
    """No look at all: every pixel scores zero, and no pixel is counted as looked at."""

    def forward(self, images: Stack) -> Float[Tensor, "batch pixel"]:
        """Zeros, raster order."""
        return images.values.new_zeros(len(images), images.height * images.width)
