"""What lies between two stages of SPAN's encoder: the cells are condensed, the global token is normalised."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from saccade.models.parts.span_pyramid import Stage
from saccade.models.parts.sweeping import rows_of, sweeps
from saccade.ops.condensation import condense_depthwise, condense_full, condense_side_by_side
from saccade.ops.swept_entry import condensed


class Condensation(nn.Module, ABC):
    """From the cells of one stage to those of the next; the token passes a norm of its own.

    Attributes:
        token_norm: What the token passes.
    """

    token_norm: nn.Module

    @abstractmethod
    def cells(self, cells: Float[Tensor, "child width"], stage: Stage) -> Float[Tensor, "cell width"]:
        """The cells of a stage from those of the stage below."""

    def forward(
        self, cells: Float[Tensor, "child width"], token: Float[Tensor, "slide width"], stage: Stage
    ) -> tuple[Float[Tensor, "cell width"], Float[Tensor, "slide width"]]:
        """Condense the cells; the token passes a norm of its own."""
        return self.cells(cells, stage), self.token_norm(token)


Condense = Callable[[int], Condensation]
"""Makes a condensation for cells of some width."""


class Depthwise(Condensation):
    """As published: normalise, then up to four neighbours become their weighted mean, each channel by itself.

    Args:
        width: Numbers of a cell.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.token_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.weight = nn.Parameter(nn.Conv2d(width, width, 2, stride=2, groups=width, bias=False).weight.detach())

    def cells(self, cells: Float[Tensor, "child width"], stage: Stage) -> Float[Tensor, "cell width"]:
        """The mean of a cell's children, weighted by their places."""
        assert stage.condensed is not None
        if not sweeps(cells):
            return condense_depthwise(self.norm(cells), self.weight, stage.condensed)
        return condensed(cells, rows_of(self.norm), self.weight, stage.condensed)


class Full(Condensation):
    """Normalise, then a convolution of all channels together, not divided by the children.

    Norm before, as in classification; where patches are segmented it comes after (``Descent``). Our choice.

    Args:
        width: Numbers of a cell.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.token_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.weight = nn.Parameter(nn.Conv2d(width, width, 2, stride=2, bias=False).weight.detach())

    def cells(self, cells: Float[Tensor, "child width"], stage: Stage) -> Float[Tensor, "cell width"]:
        """The sum over a cell's children of what a matrix for their place makes of them."""
        assert stage.condensed is not None
        return condense_full(self.norm(cells), self.weight, stage.condensed)


class Merge(Condensation):
    """The four children side by side, zeros where one is absent, normalised together, then a linear layer.

    As a Swin transformer merges its patches (Liu et al. 2021), but to the width there was.

    Args:
        width: Numbers of a cell.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.token_norm = nn.LayerNorm(4 * width), nn.LayerNorm(width)
        self.linear = nn.Linear(4 * width, width, bias=False)

    def cells(self, cells: Float[Tensor, "child width"], stage: Stage) -> Float[Tensor, "cell width"]:
        """What a linear layer makes of a cell's four children."""
        assert stage.condensed is not None
        return self.linear(self.norm(condense_side_by_side(cells, stage.condensed)))


class Passage(Condensation):
    """Condenses nothing: the cells stay what they are, but for the norm that a condensation begins with.

    Args:
        width: Numbers of a cell.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.token_norm = nn.LayerNorm(width), nn.LayerNorm(width)

    def cells(self, cells: Float[Tensor, "child width"], stage: Stage) -> Float[Tensor, "cell width"]:
        """The same cells, normalised."""
        return self.norm(cells)


CondensationName = Literal["depthwise", "full", "merge"]
"""What users call the kinds."""

CONDENSATIONS: dict[CondensationName, type[Depthwise] | type[Full] | type[Merge]] = {
    "depthwise": Depthwise,
    "full": Full,
    "merge": Merge,
}
"""The kinds by their names; ``depthwise`` as published."""
