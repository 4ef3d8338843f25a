"""Looks: from the whole image to a score for every site, and what was seen around it.

Sites are the blocks of ``site`` × ``site`` pixels that tile the image; with ``site=1``, the published form, its pixels.
A look is put together from a trunk, which sees, and a score, which judges.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from saccade.core.errors import BadInput
from saccade.imaging.stack import Stack

View = Float[Tensor, "batch channel height width"]
Seen = Float[Tensor, "batch feature grid_row grid_column"]
Scores = Float[Tensor, "batch 1 site_row site_column"]


@dataclass(frozen=True, eq=False)
class Glance:
    """What a look leaves behind.

    Attributes:
        scores: Logits of the coarse map, one per site, raster order.
        seen: Features on the look's own, coarser grid; ``None`` where nothing was looked at.
        stride: Pixels along the side of a cell of that grid.
    """

    scores: Float[Tensor, "batch site"]
    seen: Seen | None = None
    stride: int = 1


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """Edges are continued, since a rim of zeros looks like a telling edge and draws the budget to the border."""
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False, padding_mode="replicate")
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


class FullTrunk(nn.Sequential):
    """Convolutions at full resolution, as published; how many and how wide is our choice.

    Args:
        channels: Channels of the image.
        width: Channels inside and out.
        layers: 3×3 convolutions.
    """

    stride = 1

    def __init__(self, channels: int, width: int = 16, layers: int = 2) -> None:
        super().__init__(*(_convolution(channels if i == 0 else width, width) for i in range(layers)))
        self.width = width


class StridedTrunk(nn.Sequential):
    """Two strided convolutions and one more, ending at a quarter of the resolution. Our variant.

    Args:
        channels: Channels of the image.
        width: Channels after the first convolution; twice as many after the others.
    """

    stride = 4

    def __init__(self, channels: int, width: int = 16) -> None:
        super().__init__(
            _convolution(channels, width, stride=2),
            _convolution(width, 2 * width, stride=2),
            _convolution(2 * width, 2 * width),
        )
        self.width = 2 * width


class NoTrunk(nn.Identity):
    """Sees the pixels themselves: for scores that need no network."""

    stride = 1


class LearnedScore(nn.Module):
    """One logit per cell of the trunk's grid, shared by all sites in it; averaged where a site has several cells.

    Where sites are finer than the grid, what is read so lies together. With a logit for each site (a pixel shuffle),
    the maps of phase and event images showed the grid's pattern, not the cell (docs/log.md).

    Args:
        trunk: What sees.
        site: Side of a site in pixels.

    Raises:
        BadInput: Sites and grid do not fit into each other.
    """

    def __init__(self, trunk: FullTrunk | StridedTrunk, site: int) -> None:
        super().__init__()
        if trunk.stride % site and site % trunk.stride:
            raise BadInput(f"sites of {site} pixels do not fit a look of stride {trunk.stride}", "give 1, 2 or 4")
        self.finer, self.coarser = max(1, trunk.stride // site), max(1, site // trunk.stride)
        kernel = 3 if trunk.stride == 1 else 1
        self.score = nn.Conv2d(trunk.width, 1, kernel, padding=kernel // 2, padding_mode="replicate")

    def forward(self, view: View, seen: Seen) -> Scores:
        """Scores on the lattice of sites."""
        scores = self.score(seen)
        scores = F.interpolate(scores, scale_factor=float(self.finer), mode="nearest") if self.finer > 1 else scores
        return F.avg_pool2d(scores, self.coarser) if self.coarser > 1 else scores  # torch pools by 1 as dearly as by 2


class IntensityScore(nn.Module):
    """How dark (or bright) a site is: the control for a learned score.

    Args:
        order: ``darkest`` scores dark sites highest, ``brightest`` bright ones.
        site: Side of a site in pixels.
    """

    def __init__(self, order: str, site: int) -> None:
        super().__init__()
        self.sign, self.site = {"darkest": -1.0, "brightest": 1.0}[order], site

    def forward(self, view: View, seen: Seen) -> Scores:
        """Signed mean over channels and pixels."""
        return self.sign * F.avg_pool2d(view.mean(1, keepdim=True), self.site)


class NoScore(nn.Module):
    """All sites alike: for selections that do not ask.

    Args:
        site: Side of a site in pixels.
    """

    def __init__(self, site: int) -> None:
        super().__init__()
        self.site = site

    def forward(self, view: View, seen: Seen) -> Scores:
        """Zeros."""
        return view.new_zeros(len(view), 1, view.shape[-2] // self.site, view.shape[-1] // self.site)


class PixelLook(nn.Module):
    """Look at the whole image once: a trunk sees, a score judges every site.

    Images whose sides do not divide are extended by their edge, and the scores cropped.
    Cost at 64×64 RGB and the default widths: 4.0 million MAC with the strided trunk, 11.8 with the full one.

    Args:
        trunk: From the image to features on a grid.
        score: From both to one score per site.
        site: Side of a site in pixels.
    """

    def __init__(self, trunk: FullTrunk | StridedTrunk | NoTrunk, score: nn.Module, site: int) -> None:
        super().__init__()
        self.trunk, self.score, self.site = trunk, score, site

    def forward(self, images: Stack) -> Glance:
        """Scores of all sites, and the features."""
        view, whole = images.overview(1), max(self.trunk.stride, self.site)
        right, below = -images.width % whole, -images.height % whole
        if right or below:
            view = F.pad(view, (0, right, 0, below), mode="replicate")
        seen = self.trunk(view)
        rows, columns = lattice_of(images, self.site)
        scores = self.score(view, seen)[:, 0, :rows, :columns].flatten(1)
        return Glance(scores, seen, self.trunk.stride)


class NoLook(nn.Module):
    """No look at all: every site scores zero, and no pixel is counted as looked at.

    Args:
        site: Side of a site in pixels.
    """

    def __init__(self, site: int) -> None:
        super().__init__()
        self.site = site

    def forward(self, images: Stack) -> Glance:
        """Zeros, raster order."""
        rows, columns = lattice_of(images, self.site)
        return Glance(images.values.new_zeros(len(images), rows * columns))


def lattice_of(images: Stack, site: int) -> tuple[int, int]:
    """Rows and columns of sites that cover an image."""
    return -(-images.height // site), -(-images.width // site)
