"""Sites as people see them: each place once, the heaviest first, and the very pixels that were read there."""

import numpy as np
import torch
from jaxtyping import Num, Shaped
from torch import Tensor

from saccade.core.errors import BadInput
from saccade.core.results import Sites
from saccade.imaging.gathering import gather_stored
from saccade.imaging.pixel_store import PixelStore


def distinct_sites(sites: Sites) -> Sites:
    """The places of one image, those drawn several times as one with the sum of their weights, heaviest first.

    Places of equal weight keep the order in which they were chosen.

    >>> boxes = torch.tensor([[[0.0, 0, 2, 2], [5, 5, 7, 7], [5, 5, 7, 7]]])
    >>> found = distinct_sites(Sites(boxes, torch.tensor([[0.5, 0.25, 0.5]]), torch.ones(1, 3, dtype=torch.bool)))
    >>> found.boxes.tolist(), found.weights.tolist()
    ([[[5.0, 5.0, 7.0, 7.0], [0.0, 0.0, 2.0, 2.0]]], [[0.75, 0.5]])

    Raises:
        BadInput: The sites are of several images.
    """
    if len(sites.weights) != 1:
        raise BadInput(f"sites of {len(sites.weights)} images were given as one", remedy="slice them: sites[i]")
    valid = sites.valid[0].cpu()
    boxes, which = sites.boxes[0].detach().cpu()[valid].unique(dim=0, return_inverse=True)
    given = sites.weights[0].detach().cpu()[valid]
    weights = given.new_zeros(len(boxes)).index_add(0, which, given)
    places = torch.arange(len(which))
    first = places.new_full((len(boxes),), len(which)).scatter_reduce(0, which, places, "amin")
    order = first.argsort()
    order = order[weights[order].argsort(descending=True, stable=True)]
    return Sites(boxes[order][None], weights[order][None], torch.ones(1, len(order), dtype=torch.bool))


def weighing(sites: Sites) -> Sites:
    """The sites of one image that weigh something: pictures of all that were read may be of thousands.

    >>> boxes = torch.tensor([[[0.0, 0, 2, 2], [5, 5, 7, 7]]])
    >>> weighing(Sites(boxes, torch.tensor([[0.0, 1.0]]), torch.ones(1, 2, dtype=torch.bool))).boxes.tolist()
    [[[5.0, 5.0, 7.0, 7.0]]]
    """
    kept = sites.valid[0] & (sites.weights[0] > 0)
    return Sites(sites.boxes[:, kept], sites.weights[:, kept], sites.valid[:, kept])


def are_patches(sites: Sites, extent: tuple[int, int]) -> bool:
    """Whether sites are squares of one size within an image of this height and width: patches one can show."""
    boxes = sites.boxes[sites.valid].cpu()
    sides = (boxes[:, 2:] - boxes[:, :2]).round().unique()
    return len(sides) == 1 and 1 < float(sides[0]) < max(extent)


def cut_patches(
    image: Shaped[np.ndarray, "height width channel"], boxes: Num[Tensor, "site 4"]
) -> Shaped[np.ndarray, "site side side channel"]:
    """The pixels of square boxes of one size as a model reads them: exact, edges reflected.

    Raises:
        BadInput: A box is no square of the size of the first.
    """
    if not len(boxes):
        return np.empty((0, 0, 0, image.shape[2]), image.dtype)
    whole = boxes.detach().cpu().round().long()
    patches = gather_stored(PixelStore.of([image]), whole[None], int(whole[0, 2] - whole[0, 0]))
    return patches[0].permute(0, 2, 3, 1).numpy()
