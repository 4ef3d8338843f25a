"""The pyramid of a slide's cells, built once from their places: three grids, their windows, and who becomes whom."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saccade.core.bags import Bags
from saccade.core.errors import BadInput
from saccade.ops.condensation import CondensationIndex, condensation_index
from saccade.ops.indices import moved, renumbered
from saccade.ops.slide_grid import SlideGrid, placed, with_sentinels
from saccade.ops.union_index import UnionIndex, block_order, union_index

Compatibility = Literal["correct", "released"]
"""``released`` repeats two faults: sentinel tokens take part, and some grids have no shifted windows."""

_REDUCTIONS = 2


@dataclass(frozen=True, eq=False)
class Stage:
    """One floor of a pyramid.

    Attributes:
        grid: Its cells, in the order of their blocks.
        windows: Who attends to whom among them.
        condensed: How they came from the floor below; ``None`` at the lowest.
        sentinel: Cells that the release treats as its sentinels; ``None`` where there are none.
    """

    grid: SlideGrid
    windows: UnionIndex
    condensed: CondensationIndex | None
    sentinel: Bool[Tensor, " cell"] | None

    @classmethod
    def concatenate(cls, parts: Sequence["Stage"]) -> "Stage":
        """The floor of all slides."""
        grid = SlideGrid.concatenate([part.grid for part in parts])
        condensed = [part.condensed for part in parts if part.condensed is not None]
        sentinels = [part.sentinel for part in parts if part.sentinel is not None]
        return cls(
            grid,
            UnionIndex.concatenate([part.windows for part in parts]),
            CondensationIndex.concatenate(condensed, grid) if condensed else None,
            torch.cat(sentinels) if sentinels else None,
        )


@dataclass(frozen=True, eq=False)
class Pyramid:
    """All floors. It is built from places alone, and fits any features of the same patches.

    >>> parts = [span_pyramid(torch.tensor([[0, 0], [1, 0]]), (2,)), span_pyramid(torch.tensor([[0, 0]]), (1,))]
    >>> Pyramid.concatenate(parts).stages[1].condensed.parent.tolist()
    [0, 1, 2]

    Attributes:
        stages: From the lowest, where a cell is a patch.
        patch: The lowest floor's cell of each patch; other cells are sentinels.
        patches: How many patches each slide has.
        compatibility: Which geometry it has.
    """

    stages: tuple[Stage, ...]
    patch: Int[Tensor, " patch"]
    patches: tuple[int, ...]
    compatibility: Compatibility

    @classmethod
    def concatenate(cls, parts: Sequence["Pyramid"]) -> "Pyramid":
        """The pyramid of all slides, as if built for them at once.

        Raises:
            BadInput: Their geometries differ.
        """
        kinds: set[Compatibility] = {part.compatibility for part in parts}
        if len(kinds) != 1:
            raise BadInput("pyramids of both geometries were joined", "prepare all bags for one model")
        stages = tuple(Stage.concatenate(floor) for floor in zip(*(part.stages for part in parts), strict=True))
        patch = renumbered([part.patch for part in parts], [len(part.stages[0].grid) for part in parts])
        return cls(stages, patch, tuple(count for part in parts for count in part.patches), kinds.pop())

    def to(self, device: torch.device | str) -> "Pyramid":
        """The same pyramid on another device."""
        return moved(self, device)

    def fits(self, cells: Int[Tensor, "patch 2"], lengths: tuple[int, ...]) -> bool:
        """Whether it is that of these patches, wherever each slide's lattice begins. Cost: O(patches)."""
        if self.patches != tuple(lengths):
            return False
        away = cells - self.stages[0].grid.cells[self.patch]
        return all(bool((slide == slide[:1]).all()) for slide in away.split(lengths))

    def entered(self, features: Float[Tensor, "patch feature"]) -> Float[Tensor, "cell feature"]:
        """The features of the lowest floor's cells; zeros for sentinels."""
        return features.new_zeros(len(self.stages[0].grid), features.shape[1]).index_copy(0, self.patch, features)

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
    order = block_order(grid)
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order), device=order.device)
    stages = [_stage(grid.reordered(order), None, released)]
    for _ in range(_REDUCTIONS):
        condensed = condensation_index(stages[-1].grid)
        condensed = condensed.reordered(block_order(condensed.grid))
        stages.append(_stage(condensed.grid, condensed, released))
    return Pyramid(tuple(stages), place[patch], tuple(lengths), compatibility)


def with_pyramid(bags: Bags, compatibility: Compatibility = "correct") -> Bags:
    """The same bags with their pyramid, built unless they have it.

    >>> with_pyramid(Bags(torch.rand(1, 8), torch.tensor([[3, 4]]), (1,))).index.patches
    (1,)
    """
    return replace(bags, index=pyramid_of(bags, compatibility))


def pyramid_of(bags: Bags, compatibility: Compatibility = "correct") -> Pyramid:
    """The pyramid that lies beside the bags, where it is theirs and has the geometry; else a new one."""
    kept = bags.index
    if isinstance(kept, Pyramid) and kept.compatibility == compatibility and kept.fits(bags.cells, bags.lengths):
        return kept
    return span_pyramid(bags.cells, bags.lengths, compatibility)


def _stage(grid: SlideGrid, condensed: CondensationIndex | None, released: bool) -> Stage:
    windows = union_index(grid, skip_even_shift=released)
    return Stage(grid, windows, condensed, grid.sentinel if released else None)
