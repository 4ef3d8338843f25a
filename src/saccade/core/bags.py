"""Bags: what a model of slides takes. Stored features of some slides, with the places of their patches."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saccade.core.errors import BadInput
from saccade.core.results import Cost


@runtime_checkable
class BagIndex(Protocol):
    """What a model works out once from where the patches of some slides lie; features and weights play no part.

    A loader's worker can build it, and whoever keeps bags can keep it beside them.
    """

    @property
    def patches(self) -> tuple[int, ...]:
        """How many patches each slide has."""
        ...

    def to(self, device: torch.device | str) -> "BagIndex":
        """The same index on another device."""
        ...

    @classmethod
    def concatenate(cls, parts: Sequence[Any]) -> "BagIndex":
        """The index of all slides of several of its kind, as if built for them at once."""
        ...


@dataclass(frozen=True, eq=False, init=False)
class Bags:
    """The patches of some slides, one slide after the other, with what it cost to embed them.

    >>> bags = Bags(torch.rand(3, 8), torch.tensor([[0, 0], [1, 0], [0, 0]]), (2, 1))
    >>> len(bags), len(bags[1].features), bags.boxes[1].tolist()
    (2, 1, [224.0, 0.0, 448.0, 224.0])

    Attributes:
        features: Of each patch, as its encoder left them.
        cells: Column and row of each patch on its slide's lattice; none twice in a slide.
        lengths: How many patches each slide has; a slide without tissue has none.
        boxes: Each patch in base pixels, ``x0 y0 x1 y1``; not given, patches are 224 base pixels wide, side by side.
        recorded: What was counted when the slides were embedded; ``None`` where nobody did.
        index: What a model's ``preparation`` found in the places of the patches; ``None`` where nobody prepared.

    Raises:
        BadInput: The parts do not belong to each other, or there is no slide.
    """

    features: Float[Tensor, "patch feature"]
    cells: Int[Tensor, "patch 2"]
    lengths: tuple[int, ...]
    boxes: Float[Tensor, "patch 4"]
    recorded: Cost | None
    index: BagIndex | None

    def __init__(
        self,
        features: Float[Tensor, "patch feature"],
        cells: Int[Tensor, "_ 2"],
        lengths: tuple[int, ...],
        boxes: Float[Tensor, "_ 4"] | None = None,
        recorded: Cost | None = None,
        index: BagIndex | None = None,
    ) -> None:
        boxes = _side_by_side(cells) if boxes is None else boxes
        counts = {len(features), len(cells), len(boxes), sum(lengths)}
        if len(counts) > 1 or min(lengths, default=-1) < 0:
            message = f"{len(features)} features, {len(cells)} cells, {len(boxes)} boxes and lengths of "
            raise BadInput(f"{message}{sum(lengths)} in all make no bags", "give one of each for every patch")
        if index is not None and index.patches != tuple(lengths):
            raise BadInput("an index of other slides was given with these bags", "prepare the bags anew")
        for field, value in zip(fields(self), (features, cells, lengths, boxes, recorded, index), strict=True):
            object.__setattr__(self, field.name, value)

    def __len__(self) -> int:
        """Slides."""
        return len(self.lengths)

    def __getitem__(self, slide: int) -> "Bags":
        """One slide, as bags of one; an index of several slides is not cut, and left behind."""
        slide = range(len(self))[slide]
        rows = slice(sum(self.lengths[:slide]), sum(self.lengths[: slide + 1]))
        recorded = None if self.recorded is None else self.recorded[slide]
        index = self.index if len(self) == 1 else None
        return Bags(self.features[rows], self.cells[rows], (self.lengths[slide],), self.boxes[rows], recorded, index)

    @classmethod
    def concatenate(cls, bags: Sequence["Bags"]) -> "Bags":
        """The slides of several bags, in their order; with an index where each has one of the same kind."""
        features, cells, boxes = (torch.cat([getattr(bag, part) for bag in bags]) for part in _ROWS)
        lengths = tuple(length for bag in bags for length in bag.lengths)
        indices = [bag.index for bag in bags if bag.index is not None]
        whole = len(indices) == len(bags) and len({type(index) for index in indices}) == 1
        index = type(indices[0]).concatenate(indices) if whole else None
        return cls(features, cells, lengths, boxes, Cost.concatenate([bag.cost() for bag in bags]), index)

    def to(self, device: torch.device | str) -> "Bags":
        """The same bags on another device."""
        features, cells, boxes = (getattr(self, part).to(device) for part in _ROWS)
        recorded = None if self.recorded is None else self.recorded.to(device)
        index = None if self.index is None else self.index.to(device)
        return Bags(features, cells, self.lengths, boxes, recorded, index)

    def cost(self) -> Cost:
        """What was recorded; else how many patches were read, and that all else is unknown."""
        if self.recorded is not None:
            return self.recorded
        reads = torch.tensor(self.lengths, dtype=torch.float, device=self.features.device)
        unknown = torch.full_like(reads, torch.nan)
        return Cost(**{field.name: unknown for field in fields(Cost)} | {"reads": reads})


_ROWS = ("features", "cells", "boxes")


def _side_by_side(cells: Int[Tensor, "patch 2"]) -> Float[Tensor, "patch 4"]:
    """Boxes of 224 base pixels on a lattice without gaps."""
    corner = 224.0 * cells
    return torch.cat([corner, corner + 224], dim=1)
