"""Pointing at boxes: whether a model looks and reads where the truth of a field is known to lie.

A site or a cell of the map is inside if its middle is inside one of the boxes. The control is chance: places spread
evenly over the field are inside as often as the boxes have a share of its area.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from saccade.core.errors import BadInput
from saccade.core.results import Sites
from saccade.explanation.field_maps import FieldMap
from saccade.imaging.distinct_sites import distinct_sites

_ALIKE = 1e-6  # relative difference of weights that are meant to be the same


@dataclass(frozen=True, eq=False)
class BoxPointing:
    """Shares inside the truth boxes, one row per image; all NaN where an image has no box.

    Attributes:
        heaviest: 1 where the heaviest place read is inside, else 0; where several are heaviest, the share of them that
            is inside. Draws of the same place count as one.
        alike: How many places are heaviest; where it is not 1, the model did not single one out.
        looked: Share of the look map's probability inside (box mass); NaN of a model without a map.
        weight: Share of the sites' weight inside.
        hits: Share of the sites that are inside (hit rate); a place drawn twice counts twice.
        found: 1 where any site is inside, else 0.
        area: Share of the image inside: what chance gives for each of these shares but ``found``.
        found_by_chance: Probability that as many places spread at random have at least one inside.
    """

    heaviest: Float[Tensor, " image"]
    alike: Float[Tensor, " image"]
    looked: Float[Tensor, " image"]
    weight: Float[Tensor, " image"]
    hits: Float[Tensor, " image"]
    found: Float[Tensor, " image"]
    area: Float[Tensor, " image"]
    found_by_chance: Float[Tensor, " image"]

    @classmethod
    def concatenate(cls, parts: "list[BoxPointing]") -> "BoxPointing":
        """Of several images as one."""
        names = cls.__dataclass_fields__
        return cls(**{name: torch.cat([getattr(part, name) for part in parts]) for name in names})


def box_pointing(
    sites: Sites, boxes: Float[Tensor, "box 4"], extent: tuple[int, int], look: FieldMap | None = None
) -> BoxPointing:
    """Measure one image.

    >>> sites = Sites(torch.tensor([[[0.0, 0, 4, 4]]]), torch.ones(1, 1), torch.ones(1, 1, dtype=torch.bool))
    >>> measured = box_pointing(sites, torch.tensor([[1.0, 1, 5, 6]]), (10, 10))
    >>> measured.heaviest.item(), round(measured.area.item(), 3)
    (1.0, 0.2)

    Args:
        sites: What was read of it: a batch of one.
        boxes: Where the truth lies, in base pixels; none where it is not in this image.
        extent: Height and width of the image.
        look: The map that the sites were drawn from.

    Raises:
        BadInput: The sites are of several images.
    """
    if len(sites.weights) != 1:
        raise BadInput(f"sites of {len(sites.weights)} images were given as one", remedy="slice them: sites[i]")
    inside = centres_inside(sites.boxes[0][sites.valid[0]].cpu(), boxes).double()
    if not len(boxes) or not len(inside):
        nothing = torch.tensor([torch.nan], dtype=torch.float64)
        return BoxPointing(**{name: nothing for name in BoxPointing.__dataclass_fields__})
    weights = sites.weights[0][sites.valid[0]].detach().cpu().double()
    places = distinct_sites(sites)
    heaviest = places.weights[0] >= places.weights[0, 0] * (1 - _ALIKE)
    area = covered_share(boxes, extent)
    values = {
        "heaviest": centres_inside(places.boxes[0, heaviest], boxes).double().mean(),
        "alike": heaviest.sum(),
        "looked": torch.tensor(torch.nan) if look is None else _mass(look, boxes),
        "weight": (weights * inside).sum() / weights.sum(),
        "hits": inside.mean(),
        "found": inside.amax(),
        "area": torch.tensor(area),
        "found_by_chance": torch.tensor(1 - (1 - area) ** len(inside)),
    }
    return BoxPointing(**{name: value.double().reshape(1) for name, value in values.items()})


def centres_inside(sites: Float[Tensor, "site 4"], boxes: Float[Tensor, "box 4"]) -> Bool[Tensor, " site"]:
    """Whether the middle of each site is inside any of the boxes."""
    return points_inside((sites[:, :2] + sites[:, 2:]) / 2, boxes)


def points_inside(points: Float[Tensor, "*point 2"], boxes: Float[Tensor, "box 4"]) -> Bool[Tensor, "*point"]:
    """Whether each point is inside any of the boxes; their right and lower edges are outside.

    >>> points_inside(torch.tensor([[2.0, 2], [4, 2]]), torch.tensor([[2.0, 0, 4, 9]])).tolist()
    [True, False]
    """
    points = points[..., None, :]
    return ((points >= boxes[:, :2]) & (points < boxes[:, 2:])).all(-1).any(-1)


def covered_share(boxes: Float[Tensor, "box 4"], extent: tuple[int, int]) -> float:
    """Share of an image that boxes cover together; what lies outside of it or under two boxes counts once or not.

    Cost: time O(box³), memory O(box²), no pixels: edges of the boxes cut the image into rectangles that are inside or
    outside as a whole.

    >>> covered_share(torch.tensor([[0.0, 0, 2, 2], [1, 1, 3, 3], [9, 9, 99, 99]]), (10, 10))
    0.08
    """
    height, width = extent
    limit = torch.tensor([width, height], dtype=torch.float64)
    corners = boxes.double().view(-1, 2).clamp(min=0).minimum(limit)
    x, y = (values.unique() for values in corners.unbind(1))
    areas = y.diff()[:, None] * x.diff()
    return float((areas * grid_inside((x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2, boxes)).sum() / (height * width))


def grid_inside(
    x: Float[Tensor, " column"], y: Float[Tensor, " row"], boxes: Float[Tensor, "box 4"]
) -> Bool[Tensor, "row column"]:
    """``points_inside`` for points at all crossings of some rows and columns; memory does not grow with the boxes."""
    inside = torch.zeros(len(y), len(x), dtype=torch.bool)
    for x0, y0, x1, y1 in boxes.tolist():
        rows, columns = ((y >= y0) & (y < y1)).nonzero(), ((x >= x0) & (x < x1)).nonzero()
        inside[rows, columns[:, 0]] = True
    return inside


def _mass(look: FieldMap, boxes: Float[Tensor, "box 4"]) -> Tensor:
    """Probability of the cells whose middle is inside."""
    inside = grid_inside(look.middles[0, :, 0], look.middles[:, 0, 1], boxes)
    return look.probabilities[inside].double().sum()
