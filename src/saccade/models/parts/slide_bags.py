"""What models of slides share: bags as they are handed in, and the patches of each slide as its sites."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from saccade.core.bags import Bags
from saccade.core.errors import BadInput
from saccade.core.results import Sites


def opened_bags(images: object, in_features: int) -> Bags:
    """The bags, if they are any, with features of the model's width.

    Raises:
        BadInput: They are images, or another encoder's features.
    """
    if not isinstance(images, Bags):
        raise BadInput(f"this model wants bags, not {type(images).__name__}", "embed the slides first")
    if (width := images.features.shape[1]) != in_features:
        message = f"features of {width} numbers were given to a model of {in_features}"
        raise BadInput(message, "embed with the model's encoder, or train a model for these features")
    return images


def bag_sites(bags: Bags, weights: Float[Tensor, " patch"]) -> Sites:
    """Every patch as a site, one row per slide, filled up to the longest.

    >>> bags = Bags(torch.rand(3, 8), torch.tensor([[0, 0], [1, 0], [0, 0]]), (2, 1))
    >>> bag_sites(bags, torch.tensor([0.25, 0.75, 1.0])).weights.tolist()
    [[0.25, 0.75], [1.0, 0.0]]

    Args:
        bags: The slides.
        weights: Of each patch, summing to one per slide.
    """
    valid = torch.ones_like(weights, dtype=torch.bool)
    columns = (bags.boxes.split(bags.lengths), weights.float().split(bags.lengths), valid.split(bags.lengths))
    return Sites(*(pad_sequence(list(column), batch_first=True) for column in columns))
