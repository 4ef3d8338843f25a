"""The attention network of fields: a small version of the image in, a probability for each of its cells out."""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

SLOPE = 0.2
"""Of the leaky ReLU for negative values, as published."""

_KERAS_EPSILON = 1e-3


class Affine(nn.Module):
    """A scale and a shift per channel: ``y = γ · x / √(1 + 10⁻³) + β``.

    The published network normalises its channels, but in the authors' checkpoints that layer never saw a batch's
    statistics (mean 0 and variance 1 to the last digit), so this is what it did.

    Args:
        width: Channels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, values: Float[Tensor, "batch channel row column"]) -> Float[Tensor, "batch channel row column"]:
        """Channel by channel."""
        scale = self.weight / math.sqrt(1 + _KERAS_EPSILON)
        return torch.addcmul(self.bias[:, None, None], values, scale[:, None, None])


class FieldLook(nn.Module):
    """Scores every cell of an overview; its receptive field is 9 × 9 cells.

    ``look.trunk`` sees, ``look.score`` judges. 1,513 parameters for RGB and the published width.
    Cost per cell at that size: 1,440 MAC.

    Source: Sinigaglia, report on attention sampling for lymphoma subtypes; the authors' notebook.

    Args:
        channels: Channels of the image.
        width: Channels of the hidden layers.
        layers: 3×3 convolutions before the one that scores.
        norm: ``affine`` as the published checkpoints behave; ``batch`` for a batch norm.
    """

    def __init__(
        self, channels: int = 3, width: int = 8, layers: int = 3, norm: Literal["affine", "batch"] = "affine"
    ) -> None:
        super().__init__()
        norms = {"affine": Affine, "batch": nn.BatchNorm2d}
        parts: list[nn.Module] = []
        for depth in range(layers):
            parts += [
                nn.Conv2d(channels if depth == 0 else width, width, 3, padding=1),
                nn.LeakyReLU(SLOPE),
                norms[norm](width),
            ]
        self.trunk = nn.Sequential(*parts)
        self.score = nn.Conv2d(width, 1, 3, padding=1)
        self.width = width

    def forward(self, view: Float[Tensor, "batch channel row column"]) -> Float[Tensor, "batch row column"]:
        """The map of an overview, in logits."""
        return self.score(self.trunk(view))[:, 0]


def log_probabilities(
    scores: Float[Tensor, "batch row column"], inside: Tensor | None = None
) -> Float[Tensor, "batch cell"]:
    """Softmax over all cells of a map, in logarithms, raster order; cells that are not inside get none."""
    flat = scores.flatten(1).float()
    if inside is not None:
        flat = flat.masked_fill(~inside.flatten(1), -torch.inf)
    return F.log_softmax(flat, dim=1)
