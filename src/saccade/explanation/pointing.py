"""Pointing: how much of a model's weight lies inside a structure that is known, such as the nucleus.

The control is chance: weight spread evenly over the image would put the structure's share of the area inside. A
second figure counts the sites alone, without their weights: it tells how much of the pointing is already in
where the model reads.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from saccade.core.errors import BadInput
from saccade.core.results import Sites
from saccade.explanation.maps import coverage_map, weight_map


@dataclass(frozen=True, eq=False)
class Pointing:
    """Shares inside the mask, one row per image.

    Attributes:
        weight: Share of the weight inside.
        read: Share of the pixels read that are inside: the same with all weights equal.
        area: Share of the image inside: what an even spread gives.
        hit: Whether the centre of the heaviest site is inside.
    """

    weight: Float[Tensor, " batch"]
    read: Float[Tensor, " batch"]
    area: Float[Tensor, " batch"]
    hit: Bool[Tensor, " batch"]


def pointing(sites: Sites, masks: Bool[Tensor, "batch height width"]) -> Pointing:
    """Measure how much of what a model read, and weighed, lies inside masks in base pixels.

    Boxes that lie partly inside count by area.

    Args:
        sites: Where the model read.
        masks: True inside the structure.

    Raises:
        BadInput: There is not one mask for each image.
    """
    if len(masks) != len(sites.weights):
        raise BadInput(
            f"{len(masks)} masks were given for {len(sites.weights)} images", remedy="pass one mask for each image"
        )
    masks = masks.cpu()
    height, width = masks.shape[1:]
    inside = masks.float()
    weights, read = weight_map(sites, height, width), coverage_map(sites, height, width)
    return Pointing(
        weight=_share(weights, inside),
        read=_share(read, inside),
        area=inside.mean((1, 2)),
        hit=_heaviest_inside(sites, masks),
    )


def _share(
    maps: Float[Tensor, "batch height width"], inside: Float[Tensor, "batch height width"]
) -> Float[Tensor, " batch"]:
    """Part of each map that is inside; NaN where nothing was read."""
    return (maps * inside).sum((1, 2)) / maps.sum((1, 2))


def _heaviest_inside(sites: Sites, masks: Bool[Tensor, "batch height width"]) -> Bool[Tensor, " batch"]:
    weights = torch.where(sites.valid, sites.weights, -1.0).cpu()
    images = torch.arange(len(weights))
    boxes = sites.boxes.cpu()[images, weights.argmax(1)]
    centres = ((boxes[:, :2] + boxes[:, 2:]) / 2).long()
    limit = torch.tensor([masks.shape[2] - 1, masks.shape[1] - 1])
    x, y = centres.clamp(min=0).minimum(limit).unbind(1)
    return masks[images, y, x]
