"""Augmentation of slides on their grid: patches are moved to other cells, their features stay as they are.

A slide is mirrored, sheared and turned, each with a probability that fades while training, and every patch then gets a
cell of its own. Rounding each place to the nearest cell would put two patches on some; here a turn is three shears
(Paeth 1986), and a shear moves whole rows or columns by whole cells, ``x ← x + ⌊a y + ½⌋``. That maps the grid onto
itself one to one, so that no two patches can meet, in any order and without a search.

After Wu et al., "Learning Spatial-Preserving Hierarchical Representations for Digital Pathology", arXiv 2406.09333.
Changed: the authors' code looks for the nearest free cell, one patch after the other, which depends on their order; and
the probability fades along a cosine there.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saccade.core.bags import Bags
from saccade.core.errors import BadInput

Fading = Literal["linear", "cosine"]
"""How the probability falls from the first to the last epoch."""

_STEEPEST = 45.0  # degrees; a turn beyond is a quarter turn and a smaller one
_QUARTERS = torch.tensor([[1, 0], [0, 1], [-1, 0], [0, -1]])  # cosine and sine


@dataclass(frozen=True, eq=False)
class GridMoves:
    """What was drawn for some slides.

    Attributes:
        mirror: 1, or −1 where columns or rows change sides.
        slant: Columns per row, and rows per column, that a shear moves by; at most one is not 0.
        quarters: Turns by 90 degrees, 0 to 3.
        angle: Further turn in radians.
    """

    mirror: Int[Tensor, "slide 2"]
    slant: Float[Tensor, "slide 2"]
    quarters: Int[Tensor, " slide"]
    angle: Float[Tensor, " slide"]


@dataclass(frozen=True)
class GridAugmentation:
    """How slides may be moved about; the defaults are as published.

    A patch ends within 2.1 cells of its exact place, half a cell on average. Cost: O(patches), a dozen passes.

    >>> bags = Bags(torch.rand(3, 8), torch.tensor([[0, 0], [1, 0], [7, 2]]), (3,))
    >>> other = GridAugmentation()(bags, torch.Generator().manual_seed(3), progress=0.0)
    >>> other.cells.tolist(), other.features is bags.features
    ([[6, 0], [5, 0], [-1, 2]], True)

    Args:
        probability: Of mirroring, of shearing and of turning each, at first.
        shear: Degrees that columns or rows may be slanted by, either way.
        turn: Degrees either way beside 0, 90, 180 or 270.
        first: Factor of the probability when training begins.
        last: Factor when it ends.
        fading: How it gets there.

    Raises:
        BadInput: A probability outside 0 to 1, or an angle outside 0 to 45 degrees.
    """

    probability: float = 0.75
    shear: float = 10.0
    turn: float = 30.0
    first: float = 1.0
    last: float = 0.2
    fading: Fading = "linear"

    def __post_init__(self) -> None:
        for name in ("shear", "turn"):
            if not 0 <= getattr(self, name) <= _STEEPEST:
                raise BadInput(f"a {name} of {getattr(self, name)} degrees", "give 0 to 45")
        for name in ("first", "last"):
            if not 0 <= self.probability * getattr(self, name) <= 1:
                raise BadInput(f"a probability of {self.probability * getattr(self, name)}", "give 0 to 1")

    def __call__(self, bags: Bags, dice: torch.Generator, progress: float) -> Bags:
        """The same patches on other cells; each slide draws its own moves.

        Args:
            bags: The slides; their features and boxes are untouched.
            dice: Everything is drawn from it, wanted or not.
            progress: Share of the training that is done.
        """
        cells = moved(bags.cells, bags.lengths, self.drawn(len(bags), dice, progress))
        return Bags(bags.features, cells, bags.lengths, bags.boxes, bags.recorded)

    def chance(self, progress: float) -> float:
        """The probability of each change at some point of the training.

        >>> [round(GridAugmentation().chance(progress), 3) for progress in (0, 0.5, 1)]
        [0.75, 0.45, 0.15]
        """
        left = 1 - progress if self.fading == "linear" else (1 + math.cos(math.pi * progress)) / 2
        return self.probability * (self.last + (self.first - self.last) * left)

    def drawn(self, slides: int, dice: torch.Generator, progress: float) -> GridMoves:
        """Draw the moves of some slides."""
        uniform = torch.rand(slides, 9, generator=dice, device=dice.device, dtype=torch.float64)
        mirrors, shears, turns = (uniform[:, :3] < self.chance(progress)).unbind(1)
        sides = mirrors[:, None] & (uniform[:, 3:5] < 0.5)
        slant = math.tan(math.radians(self.shear)) * (2 * uniform[:, 6:7] - 1)
        along = torch.stack([uniform[:, 5] < 0.5, uniform[:, 5] >= 0.5], dim=1) & shears[:, None]
        angle = math.radians(self.turn) * (2 * uniform[:, 8] - 1)
        return GridMoves(1 - 2 * sides.long(), slant * along, (4 * uniform[:, 7]).long() * turns, angle * turns)


def moved(cells: Int[Tensor, "patch 2"], lengths: tuple[int, ...], moves: GridMoves) -> Int[Tensor, "patch 2"]:
    """Cells mirrored, then sheared, then turned about the middle of their slide; none meet that were apart.

    >>> none, quarter = torch.zeros(1), torch.ones(1, dtype=torch.long)
    >>> moves = GridMoves(torch.ones(1, 2, dtype=torch.long), torch.zeros(1, 2), quarter, none)
    >>> moved(torch.tensor([[0, 0], [4, 0]]), (2,), moves).tolist()
    [[2, -2], [2, 2]]

    Args:
        cells: Column and row of each patch, slide by slide.
        lengths: Patches of each slide.
        moves: Of each slide.
    """
    counts = torch.tensor(lengths, dtype=torch.long, device=cells.device)
    slide = torch.arange(len(lengths), device=cells.device).repeat_interleave(counts)
    middle = _middles(cells, slide, len(lengths))[slide]
    mirror, slant, quarters, angle = (
        part.to(cells.device)[slide] for part in (moves.mirror, moves.slant, moves.quarters, moves.angle)
    )
    x, y = ((cells - middle) * mirror).unbind(1)
    x = x + _whole(slant[:, 0] * y)
    y = y + _whole(slant[:, 1] * x)
    cosine, sine = _QUARTERS.to(cells.device)[quarters].unbind(1)
    x, y = cosine * x - sine * y, sine * x + cosine * y
    x = x - _whole((angle / 2).tan() * y)
    y = y + _whole(angle.sin() * x)
    x = x - _whole((angle / 2).tan() * y)
    return torch.stack([x, y], dim=1) + middle


def _whole(cells: Float[Tensor, " patch"]) -> Int[Tensor, " patch"]:
    """Rounded to the nearest whole number, halves upwards."""
    return (cells + 0.5).floor().long()


def _middles(cells: Int[Tensor, "patch 2"], slide: Int[Tensor, " patch"], slides: int) -> Int[Tensor, "slide 2"]:
    """The cell in the middle of each slide's extent."""
    least, most = (
        cells.new_zeros(slides, 2).scatter_reduce(0, slide[:, None].expand(-1, 2), cells, end, include_self=False)
        for end in ("amin", "amax")
    )
    return least + (most - least) // 2
