"""The pyramid of a slide's cells, built once from their places: three grids, their windows, and who becomes whom."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saccade.ops.condensation import CondensationIndex, condensation_index
from saccade.ops.slide_grid import SlideGrid, placed, with_sentinels
from saccade.ops.union_windows import UnionIndex, union_index

Compatibility = Literal["correct", "released"]
"""``released`` repeats two faults: sentinel tokens take part, and some grids have no shifted windows."""

_REDUCTIONS = 2


@dataclass(frozen=True, eq=False)
class Stage:
    """One floor of a pyramid.

    Attributes:
        grid: Its cells.
        windows: Who attends to whom among them.
        condensed: How they came from the floor below; ``None`` at the lowest.
        sentinel: Cells that the release treats as its sentinels; ``None`` where there are none.
    """

    grid: SlideGrid
    windows: UnionIndex
    condensed: CondensationIndex | None
    sentinel: Bool[Tensor, " cell"] | None


@dataclass(frozen=True, eq=False)
class Pyramid:
    """All floors.

    Attributes:
        stages: From the lowest, where a cell is a patch.
        patch: The lowest floor's cell of each patch; other cells are sentinels.
        patches: How many patches each slide has.
    """

    stages: tuple[Stage, ...]
    patch: Int[Tensor, " patch"]
    patches: tuple[int, ...]

    def entered(self, features: Float[Tensor, "patch feature"]) -> Float[Tensor, "cell feature"]:
        """The features of the lowest floor's cells; zeros for sentinels."""
        grid = self.stages[0].grid
        if len(grid) == len(features):
            return features
        return features.new_zeros(len(grid), features.shape[1]).index_copy(0, self.patch, features)

    def spread(self, weights: tuple[Float[Tensor, " _"], ...]) -> Float[Tensor, " patch"]:
        """Weights of the cells of each floor carried down to the patches, mean over floors, one in all per slide.

        A cell's weight is shared evenly among its children. Cost: O(patches).
        """
        total = torch.zeros_like(weights[-1])
        for stage, own in zip(reversed(self.stages), reversed(weights), strict=True):
            total = total + own
            if (down := stage.condensed) is not None:
                total = (total / down.counts)[down.parent]
        return _normalised(total[self.patch].clamp_min(0.0), self.patches)


def _normalised(weights: Float[Tensor, " patch"], patches: tuple[int, ...]) -> Float[Tensor, " patch"]:
    """Weights that sum to one in each slide; all alike where a slide has none."""
    slide = torch.arange(len(patches), device=weights.device).repeat_interleave(
        torch.tensor(patches, dtype=torch.long, device=weights.device)
    )
    sums = weights.new_zeros(len(patches)).index_add(0, slide, weights)[slide]
    alike = 1 / slide.bincount(minlength=len(patches))[slide].to(weights)
    return torch.where(sums > 0, weights / sums.clamp_min(torch.finfo(weights.dtype).tiny), alike)


def span_pyramid(
    cells: Int[Tensor, "patch 2"],
    lengths: tuple[int, ...],
    compatibility: Compatibility = "correct",
) -> Pyramid:
    """Build the pyramid of some slides from the cells of their patches; it can be done in a loader's worker.

    Cost: O(n log n), a few sorts of keys; memory is proportional to the patches, whatever lies between them.

    >>> pyramid = span_pyramid(torch.tensor([[0, 0], [1, 0], [9, 0]]), (3,))
    >>> [len(stage.grid) for stage in pyramid.stages]
    [3, 3, 3]

    Args:
        cells: Column and row of each patch on its slide's lattice.
        lengths: How many patches each slide has.
        compatibility: Which geometry to build.

    Raises:
        BadInput: Two patches share a cell, or lie too far apart to be numbered.
    """
    released = compatibility == "released"
    grid = placed(cells, lengths)
    patch = torch.arange(len(cells), device=cells.device)
    if released:
        patch = patch + 2 * grid.slide + 1  # each slide has a sentinel before its cells and one after
        grid = with_sentinels(grid)
    stages = [_stage(grid, None, released)]
    for _ in range(_REDUCTIONS):
        condensed = condensation_index(stages[-1].grid)
        stages.append(_stage(condensed.grid, condensed, released))
    return Pyramid(tuple(stages), patch, tuple(lengths))


def _stage(grid: SlideGrid, condensed: CondensationIndex | None, released: bool) -> Stage:
    windows = union_index(grid, skip_even_shift=released)
    return Stage(grid, windows, condensed, grid.sentinel if released else None)
