"""Selections of fields that learn nothing: evenly, by stain, or where the truth is. All give the middles of patches.

A selection is a module with ``forward(images) -> middles``, in base pixels, ``x`` before ``y``. Middles are those of
cells, as attention sampling's are, so that a control can choose among the same patches.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saccade.core.errors import BadInput
from saccade.core.images import Images
from saccade.models.parts.field_images import cells_of, stored_steps
from saccade.models.parts.patch_places import Middles, middles_of, onto
from saccade.models.parts.pixel_select import Budgeted

_PLASTIC = 1.324717957244746
"""The real root of x³ = x + 1."""


class UniformPatches(Budgeted):
    """Cells drawn uniformly: the control every learned selection must beat.

    Anew for each image while training. In evaluation an even spread (``even_places``), since attention sampling too
    spreads its draws evenly there: a control that wasted its budget on overlapping patches would be too easy to beat.
    The quantiles of a uniform map are no such spread: where the budget divides the map's rows they all lie in one
    column. The spread depends on the image's own size alone, and ``seed`` moves it; figures should come from several.

    Args:
        budget: Patches.
        factor: Base pixels along the side of a cell.
        seed: Of the spread of evaluation.
    """

    def __init__(self, budget: int, factor: int, seed: int = 0) -> None:
        super().__init__(budget)
        self.factor, self.seed = factor, seed

    def forward(self, images: Images) -> Middles:
        """Middles of cells; no pixel is asked for."""
        extents = images.extents
        if self.training:
            places = torch.rand(len(extents), self.budget, 2, device=extents.device, dtype=torch.float64)
        else:
            places = even_places(self.budget, self.seed).to(extents.device).expand(len(extents), -1, -1)
        return middles_at(places, extents, self.factor)


class StainPatches(Budgeted):
    """The sites most blue and least green, which is where haematoxylin and Romanowsky stains bind: nothing to learn.

    What is measured is blue minus green as they are stored, averaged over a cell: what a training takes out of the
    channels, a mean and a deviation each, is put back in (``stored_steps``). Of a bare tensor it is as given.

    After a site is taken, those whose patches would overlap it wait until no other is left, so that several patches are
    not the same place.
    Cost: the overview, and ``budget`` passes over its cells.

    Args:
        budget: Patches.
        factor: Base pixels along the side of a cell.
        patch: Side of a patch in base pixels.
    """

    def __init__(self, budget: int, factor: int, patch: int) -> None:
        super().__init__(budget)
        self.factor, self.patch = factor, patch

    def forward(self, images: Images) -> Middles:
        """Middles of cells, the most stained first.

        Raises:
            BadInput: The images are not in colour.
        """
        view = images.overview(self.factor)
        if view.shape[1] != 3:
            raise BadInput(f"{view.shape[1]} channels have no blue and green", "give RGB images")
        extents = images.extents
        green, blue = (view[:, each] / step for each, step in zip((1, 2), stored_steps(images)[1:], strict=True))
        stain = blue - green
        reach = (self.patch - 1) // self.factor
        return middles_of(spaced_best(stain, images.inside(self.factor), self.budget, reach), extents, self.factor)


class OraclePatches(Budgeted):
    """Patches on the middles of the truth boxes: the ceiling of what a selection can give.

    Attention sampling with a map that is uniform over the boxes: drawn with replacement while training, each box in
    its turn in evaluation, so that fewer boxes than patches come several times. An image that is known to have no box
    is read evenly: nothing there is worth more than anything else.

    Args:
        budget: Patches.
    """

    def forward(self, images: Images) -> Middles:
        """Middles of boxes; no pixel is asked for.

        Raises:
            BadInput: The boxes are unknown.
        """
        boxes: Float[Tensor, "batch box 4"] | None = getattr(images, "boxes", None)
        if boxes is None:
            raise BadInput(
                "these images come without truth boxes, and oracle patches lie on them",
                remedy="use data with boxes, such as simulated fields, or the control uniform-patches",
            )
        extents, count = images.extents, self.budget
        known = ~boxes.isnan().any(-1)
        number = known.sum(1)[:, None]
        if self.training:
            turn = torch.rand(len(boxes), count, device=boxes.device, dtype=torch.float64)
        else:
            turn = (torch.arange(count, device=boxes.device, dtype=torch.float64) + 0.5).expand(len(boxes), -1) / count
        evenly = middles_at(even_places(count).to(boxes.device).expand(len(boxes), -1, -1), extents, 1)
        if boxes.shape[1] == 0:
            return evenly
        first = (~known).byte().argsort(dim=1, stable=True)  # boxes before padding
        which = first.gather(1, (turn * number).long().clamp(max=boxes.shape[1] - 1))
        chosen = boxes.gather(1, which[..., None].expand(-1, -1, 4)).nan_to_num()
        middles = ((chosen[..., :2] + chosen[..., 2:]) / 2).floor().long()
        return torch.where(number[..., None] > 0, onto(middles, extents), evenly)


def even_places(count: int, seed: int = 0) -> Float[Tensor, "place 2"]:
    """Points that fill the unit square evenly, whatever their number, moved as a whole by a random shift.

    The additive sequence ``shift + i · (1/ρ, 1/ρ²) mod 1`` with ρ³ = ρ + 1. Over all seeds each point is uniform.

    Source: Roberts, "The unreasonable effectiveness of quasirandom sequences", 2018; the shift after Cranley &
    Patterson, SIAM J. Numer. Anal. 13, 1976.

    >>> even_places(3).shape
    torch.Size([3, 2])
    """
    shift = torch.rand(2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    steps = torch.tensor([1 / _PLASTIC, 1 / _PLASTIC**2], dtype=torch.float64)
    return (shift + torch.arange(count, dtype=torch.float64)[:, None] * steps) % 1


def spaced_best(
    scores: Float[Tensor, "batch row column"], inside: Bool[Tensor, "batch row column"], count: int, reach: int
) -> Int[Tensor, "batch site 2"]:
    """Row and column of the best cells, each the best of those that the fewest earlier ones have within ``reach``.

    >>> row = torch.tensor([[[5.0, 4.0, 3.0, 2.0]]])
    >>> spaced_best(row, torch.ones_like(row, dtype=torch.bool), 3, reach=1)[0, :, 1].tolist()
    [0, 2, 3]
    """
    rows, columns = scores.shape[1:]
    row, column = torch.arange(rows, device=scores.device), torch.arange(columns, device=scores.device)
    near = inside.new_zeros(scores.shape).int()
    found = []
    for _ in range(count):
        least = near.masked_fill(~inside, torch.iinfo(near.dtype).max).amin((1, 2), keepdim=True)
        free = inside & (near == least)
        index = scores.masked_fill(~free, -torch.inf).flatten(1).argmax(1)
        place = torch.stack([index.div(columns, rounding_mode="floor"), index % columns], dim=1)
        beside = (row - place[:, :1]).abs() <= reach, (column - place[:, 1:]).abs() <= reach
        near += (beside[0][:, :, None] & beside[1][:, None]).int()
        near.flatten(1).scatter_add_(1, index[:, None], near.new_full((len(near), 1), count))  # itself comes last
        found.append(place)
    return torch.stack(found, dim=1)


def middles_at(places: Float[Tensor, "batch site 2"], extents: Int[Tensor, "batch 2"], factor: int) -> Middles:
    """Middles of the cells that hold places given as fractions of height and width."""
    own = cells_of(extents, factor)[:, None]
    return middles_of(torch.minimum((places * own).long(), own - 1), extents, factor)
