"""Bags: what a model of slides takes. Stored features of some slides, with the places of their patches."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saccade.core.errors import BadInput
from saccade.core.results import Cost


@dataclass(frozen=True, eq=False)
class Bags:
    """The patches of some slides, one slide after the other, with what it cost to embed them.

    >>> bags = Bags(torch.rand(3, 8), torch.tensor([[0, 0], [1, 0], [0, 0]]), (2, 1))
    >>> len(bags), len(bags[1].features), bags.boxes[1].tolist()
    (2, 1, [224.0, 0.0, 448.0, 224.0])

    Attributes:
        features: Of each patch, as its encoder left them.
        cells: Column and row of each patch on its slide's lattice; none twice in a slide.
        lengths: How many patches each slide has; a slide without tissue has none.
        boxes: Each patch in base pixels, ``x0 y0 x1 y1``; ``None`` takes patches of 224 base pixels, side by side.
        recorded: What was counted when the slides were embedded; ``None`` where nobody did.

    Raises:
        BadInput: The parts do not belong to each other, or there is no slide.
    """

    features: Float[Tensor, "patch feature"]
    cells: Int[Tensor, "patch 2"]
    lengths: tuple[int, ...]
    boxes: Float[Tensor, "patch 4"] = None  # type: ignore[assignment]  # filled in below
    recorded: Cost | None = None

    def __post_init__(self) -> None:
        if self.boxes is None:
            corner = 224.0 * self.cells
            object.__setattr__(self, "boxes", torch.cat([corner, corner + 224], dim=1))
        counts = {len(self.features), len(self.cells), len(self.boxes), sum(self.lengths)}
        if len(counts) > 1 or min(self.lengths, default=-1) < 0:
            message = f"{len(self.features)} features, {len(self.cells)} cells, {len(self.boxes)} boxes and lengths of "
            raise BadInput(f"{message}{sum(self.lengths)} in all make no bags", "give one of each for every patch")

    def __len__(self) -> int:
        """Slides."""
        return len(self.lengths)

    def __getitem__(self, slide: int) -> "Bags":
        """One slide, as bags of one."""
        slide = range(len(self))[slide]
        rows = slice(sum(self.lengths[:slide]), sum(self.lengths[: slide + 1]))
        recorded = None if self.recorded is None else self.recorded[slide]
        return Bags(self.features[rows], self.cells[rows], (self.lengths[slide],), self.boxes[rows], recorded)

    @classmethod
    def concatenate(cls, bags: Sequence["Bags"]) -> "Bags":
        """The slides of several bags, in their order."""
        features, cells, boxes = (torch.cat([getattr(bag, part) for bag in bags]) for part in _ROWS)
        lengths = tuple(length for bag in bags for length in bag.lengths)
        return cls(features, cells, lengths, boxes, Cost.concatenate([bag.cost() for bag in bags]))

    def to(self, device: torch.device | str) -> "Bags":
        """The same bags on another device."""
        features, cells, boxes = (getattr(self, part).to(device) for part in _ROWS)
        recorded = None if self.recorded is None else self.recorded.to(device)
        return Bags(features, cells, self.lengths, boxes, recorded)

    def cost(self) -> Cost:
        """What was recorded; else how many patches were read, and that all else is unknown."""
        if self.recorded is not None:
            return self.recorded
        reads = torch.tensor(self.lengths, dtype=torch.float, device=self.features.device)
        unknown = torch.full_like(reads, torch.nan)
        return Cost(**{field.name: unknown for field in fields(Cost)} | {"reads": reads})


_ROWS = ("features", "cells", "boxes")
