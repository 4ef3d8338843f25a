"""Maps: sites drawn on the pixel grid, one image at a time or averaged over a class.

A box that covers part of a pixel counts for that part, so a map is exact for boxes of any size and place:

    map[r, c] = Σ_s w_s / area_s · rows[s, r] · columns[s, c]

where `rows` and `columns` are the lengths that box s shares with row r and column c.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saccade.core.results import Sites

_IMAGES_AT_A_TIME = 64  # keeps the shared lengths of all sites at a few megabytes
_SMALLEST_AREA = 1e-6  # an empty box covers nothing, whatever it is divided by


def weight_map(sites: Sites, height: int, width: int) -> Float[Tensor, "batch height width"]:
    """Weight of every base pixel: each site's weight spread evenly over its box.

    A map sums to the weight inside the image; what boxes have outside is left out.
    Cost: O(site · height · width) per image.

    >>> sites = Sites(torch.tensor([[[0.0, 0, 2, 1]]]), torch.ones(1, 1), torch.ones(1, 1, dtype=torch.bool))
    >>> weight_map(sites, 2, 2).tolist()
    [[[0.5, 0.5], [0.0, 0.0]]]
    """
    return _maps(sites, sites.weights / _areas(sites), height, width)


def coverage_map(sites: Sites, height: int, width: int) -> Float[Tensor, "batch height width"]:
    """Share of every base pixel that was read: 1 where a box covers it, however many do."""
    return _maps(sites, torch.ones_like(sites.weights), height, width).clamp(max=1.0)


@dataclass(frozen=True, eq=False)
class ClassMaps:
    """Where a model reads on average, class by class.

    Attributes:
        classes: Class names.
        read: Share of the images of the class in which the pixel was read.
        weight: Mean weight of the pixel, times the pixels of an image: 1 is what an even spread would give.
        counts: Images of each class; maps of a class without images are NaN.
    """

    classes: tuple[str, ...]
    read: Float[Tensor, "class height width"]
    weight: Float[Tensor, "class height width"]
    counts: tuple[int, ...]


def class_maps(
    sites: Sites, labels: Int[Tensor, " batch"], classes: Sequence[str], height: int, width: int
) -> ClassMaps:
    """Average the maps of images of one size over each class.

    Args:
        sites: Where the model read.
        labels: Class of each image.
        classes: Class names.
        height: Rows of every image.
        width: Columns of every image.
    """
    member = torch.nn.functional.one_hot(labels.cpu().long(), len(classes)).float()  # (batch, class)
    counts = member.sum(0)
    share = (member / counts).T  # 0/0 where a class has no images: NaN, as it should be
    share = torch.where(counts[:, None] > 0, share, torch.nan)

    def mean(maps: Float[Tensor, "batch height width"]) -> Float[Tensor, "class height width"]:
        return torch.einsum("cb,bhw->chw", share, maps)

    return ClassMaps(
        classes=tuple(classes),
        read=mean(coverage_map(sites, height, width)),
        weight=mean(weight_map(sites, height, width)) * (height * width),
        counts=tuple(int(count) for count in counts),
    )


def _areas(sites: Sites) -> Float[Tensor, "batch site"]:
    sides = sites.boxes[..., 2:] - sites.boxes[..., :2]
    return sides.prod(-1).clamp(min=_SMALLEST_AREA)


def _maps(
    sites: Sites, density: Float[Tensor, "batch site"], height: int, width: int
) -> Float[Tensor, "batch height width"]:
    """Sum of the boxes' densities over every pixel."""
    density = torch.where(sites.valid, density, 0.0).cpu()
    parts = []
    for start in range(0, len(density), _IMAGES_AT_A_TIME):
        part = slice(start, start + _IMAGES_AT_A_TIME)
        boxes = sites.boxes[part].cpu()
        rows = _shared_length(boxes[..., 1], boxes[..., 3], height) * density[part][..., None]
        parts.append(torch.einsum("bsh,bsw->bhw", rows, _shared_length(boxes[..., 0], boxes[..., 2], width)))
    return torch.cat(parts) if parts else density.new_zeros(0, height, width)


def _shared_length(
    low: Float[Tensor, "batch site"], high: Float[Tensor, "batch site"], length: int
) -> Float[Tensor, "batch site {length}"]:
    """How much of each pixel [i, i + 1] lies between low and high."""
    edge = torch.arange(length)
    return (high[..., None].minimum(edge + 1.0) - low[..., None].maximum(edge.float())).clamp(min=0.0)
