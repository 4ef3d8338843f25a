"""Field maps: how probable a model's look made each cell of a field, one field at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from saccade.core.contract import AnyImages


@runtime_checkable
class CellMap(Protocol):
    """Log-probabilities of the cells of several overviews side by side, in raster order, ``columns`` to a row."""

    @property
    def log_probabilities(self) -> Float[Tensor, "batch cell"]:
        """Minus infinity where a cell continues an image that is smaller than the largest."""
        ...

    @property
    def columns(self) -> int:
        """Cells in a row."""
        ...

    @property
    def extents(self) -> Int[Tensor, "batch 2"]:
        """Height and width of each image in base pixels."""
        ...


@runtime_checkable
class Attending(Protocol):
    """A model with a look map, such as attention sampling."""

    factor: int

    def attention(self, images: AnyImages) -> CellMap:
        """The map of each image."""
        ...


@dataclass(frozen=True, eq=False)
class FieldMap:
    """Where a model's look expects something worth reading, in one field.

    Attributes:
        probabilities: Of each cell; they sum to one.
        factor: Base pixels along the side of a cell.
        extent: Height and width of the field in base pixels; the last cells of a row or column may reach beyond.
    """

    probabilities: Float[Tensor, "row column"]
    factor: int
    extent: tuple[int, int]

    @property
    def relative(self) -> Float[Tensor, "row column"]:
        """Probability in equal shares: 1 is what every cell would have if none were preferred."""
        return self.probabilities * self.probabilities.numel()

    def relative_of_blocks(self, step: int) -> Float[Tensor, "block across"]:
        """The largest of ``relative`` in every ``step`` × ``step`` block; a last, partial one over what it has.

        Memory: that of the result; a slide's own map takes hundreds of megabytes.

        >>> FieldMap(torch.tensor([[0.1, 0.2, 0.7]]), 4, (4, 12)).relative_of_blocks(2).tolist()
        [[0.6000000238418579, 2.0999999046325684]]
        """
        blocks = F.max_pool2d(self.probabilities[None, None], step, ceil_mode=True)[0, 0]
        return blocks * self.probabilities.numel()

    @property
    def middles(self) -> Float[Tensor, "row column 2"]:
        """``x y`` of the middle of each cell, of its part inside the field.

        >>> FieldMap(torch.full((1, 2), 0.5), 4, (3, 7)).middles.tolist()
        [[[2.0, 1.5], [5.5, 1.5]]]
        """
        starts = [torch.arange(0, length, self.factor) for length in self.extent]
        ends = [start.add(self.factor).clamp(max=length) for start, length in zip(starts, self.extent, strict=True)]
        y, x = ((start + end) / 2 for start, end in zip(starts, ends, strict=True))
        return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)


@torch.inference_mode()
def field_maps(model: object, images: AnyImages) -> list[FieldMap] | None:
    """The map of each image, on the CPU; ``None`` of a model that has none.

    Cost: one overview and one pass of the look, for all images at once.
    """
    if not isinstance(model, Attending):
        return None
    seen = model.attention(images)
    maps = seen.log_probabilities.exp_().cpu().unflatten(1, (-1, seen.columns))  # in place: see ``relative_of_blocks``
    return [_own_part(whole, model.factor, extent) for whole, extent in zip(maps, seen.extents.tolist(), strict=True)]


def _own_part(whole: Float[Tensor, "row column"], factor: int, extent: Sequence[int]) -> FieldMap:
    """Without the cells that continue the image to the size of the largest."""
    height, width = extent
    own = whole[: -(-height // factor), : -(-width // factor)]
    return FieldMap(own, factor, (height, width))
