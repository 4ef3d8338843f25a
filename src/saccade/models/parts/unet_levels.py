"""Down and up between the levels of SPAN-UNet: full condensation, and sub-pixel expansion to exactly what was there."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from saccade.ops.condensation import CondensationIndex, condense_full
from saccade.ops.expansion import expand_sub_pixel

_SLOTS = 4


class Descent(nn.Module):
    """A convolution of all channels of the children, not divided by them, normalised after; tokens are projected.

    Args:
        width: Numbers of a child.
        wide: Numbers of a cell.
    """

    def __init__(self, width: int, wide: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.Conv2d(width, wide, 2, stride=2, bias=False).weight.detach())
        self.norm, self.tokens = nn.LayerNorm(wide), nn.Linear(width, wide)

    def forward(
        self, cells: Float[Tensor, "child width"], tokens: Float[Tensor, "slide 3 width"], index: CondensationIndex
    ) -> tuple[Float[Tensor, "cell wide"], Float[Tensor, "slide 3 wide"]]:
        """Condense the cells."""
        return self.norm(condense_full(cells, self.weight, index)), self.tokens(tokens)


class Ascent(nn.Module):
    """Every stored child takes its slot's share of what its parent expands to, normalised after.

    All four shares begin alike (Aitken et al. 2017), so that no checkerboard does.

    Args:
        wide: Numbers of a cell.
        width: Numbers of a child.
    """

    def __init__(self, wide: int, width: int) -> None:
        super().__init__()
        share = nn.init.kaiming_normal_(torch.empty(width, wide), mode="fan_out", nonlinearity="relu")
        self.weight = nn.Parameter(share.repeat_interleave(_SLOTS, dim=0))
        self.norm, self.tokens = nn.LayerNorm(width), nn.Linear(wide, width)

    def forward(
        self, cells: Float[Tensor, "cell wide"], tokens: Float[Tensor, "slide 3 wide"], index: CondensationIndex
    ) -> tuple[Float[Tensor, "child width"], Float[Tensor, "slide 3 width"]]:
        """Expand the cells."""
        return self.norm(expand_sub_pixel(cells, self.weight, index)), self.tokens(tokens)
