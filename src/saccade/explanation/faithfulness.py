"""Faithfulness: do the pixels with the most weight matter most to the answer?

Deletion replaces pixels by a fill, the most important first, and follows the probability of the class the model
predicted: the faster it falls, the better the order. Insertion starts from the fill alone and gives the pixels back.
Both curves run over as many pixels as the model read, on an axis of the share of the image's pixels. The area under
a curve is divided by the length of that axis, so that it is the mean probability along the way.

An order means little without others that know nothing: random pixels, the darkest and the brightest, and the very
pixels the model read, shuffled, which tells what the weights add to the choice.

Petsiuk, Das, Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models", BMVC 2018. Changed: the
curves stop where the model stopped reading, and the fill is a choice passed in (see `fills.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from saccade.core.contract import SparseClassifier
from saccade.core.errors import BadInput
from saccade.core.results import Sites
from saccade.explanation.fills import BorderMean, Fill
from saccade.explanation.maps import coverage_map
from saccade.explanation.orders import STANDARD_ORDERS, Order, ranks
from saccade.imaging.stack import Stack


@dataclass(frozen=True, eq=False)
class Curve:
    """Probability of the predicted class as pixels go and come.

    Attributes:
        fractions: Pixels replaced (or given back) over all pixels, from 0; or patches, over those read.
        deletion: Probability after that many were replaced.
        insertion: Probability with that many on an otherwise filled image.
    """

    fractions: Float[np.ndarray, " step"]
    deletion: Float[np.ndarray, "image step"]
    insertion: Float[np.ndarray, "image step"]

    @property
    def deletion_area(self) -> Float[np.ndarray, " image"]:
        """Mean height of each deletion curve: low where the order finds what matters."""
        return mean_height(self.fractions, self.deletion)

    @property
    def insertion_area(self) -> Float[np.ndarray, " image"]:
        """Mean height of each insertion curve: high where the order finds what matters."""
        return mean_height(self.fractions, self.insertion)

    @classmethod
    def mean(cls, curves: Sequence["Curve"]) -> "Curve":
        """Average curves of the same images and fractions."""
        return cls(
            curves[0].fractions,
            np.mean([curve.deletion for curve in curves], axis=0),
            np.mean([curve.insertion for curve in curves], axis=0),
        )


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """Curves over the same images, by the name of their order.

    Attributes:
        curves: The model's own order first, then the controls.
        fill: What replaced pixels became, in words.
        unit: What is replaced, a piece at a time: "pixels" or "patches".
        whole: What the fractions are of, in words.
    """

    curves: dict[str, Curve]
    fill: str
    unit: str = "pixels"
    whole: str = "the image"


def faithfulness(
    model: SparseClassifier,
    images: Float[Tensor, "batch channel height width"],
    *,
    orders: Mapping[str, Sequence[Order]] = STANDARD_ORDERS,
    fill: Fill = BorderMean(),  # noqa: B008 - frozen
    steps: int = 20,
    batch_size: int = 256,
) -> Faithfulness:
    """Delete and insert pixels in several orders, and follow the predicted class.

    The model looks and selects anew in every changed image.

    Args:
        model: Any classifier of images in memory, in evaluation mode.
        images: As the model wants them; nothing else is touched.
        orders: Orders by name, the model's own first; where a name has several, their curves are averaged.
        fill: What a replaced pixel becomes.
        steps: Points on a curve after the first.
        batch_size: Images classified at a time.

    Raises:
        BadInput: There are no images, or the model is in training mode.

    Cost: ``2 · (steps + 1)`` forward passes per image and order.
    """
    if len(images) == 0:
        raise BadInput("there are no images to measure faithfulness on", remedy="pass at least one")
    if model.training:
        raise BadInput("the model is in training mode and would answer by chance", remedy="call model.eval() first")
    probe = _Probe(model, images, fill, steps, batch_size)
    curves = {name: Curve.mean([probe.curve(one) for one in several]) for name, several in orders.items()}
    return Faithfulness(curves, fill.name)


def mean_height(x: Float[np.ndarray, " step"], y: Float[np.ndarray, "image step"]) -> Float[np.ndarray, " image"]:
    """Area under each curve by the trapezoid rule, over the length of the axis.

    >>> mean_height(np.array([0.0, 0.1, 0.2]), np.array([[1.0, 0.5, 0.0]])).tolist()
    [0.5]
    """
    return np.trapezoid(y, x, axis=1) / (x[-1] - x[0])


class _Probe:
    """Images, what they turn into, and the model that is asked about everything between."""

    @torch.no_grad()
    def __init__(self, model: SparseClassifier, images: Tensor, fill: Fill, steps: int, batch_size: int) -> None:
        self.model, self.images, self.batch_size = model, images, batch_size
        self.filled = fill(images).expand_as(images)
        whole = [model(Stack(part)) for part in images.split(batch_size)]
        self.sites = Sites.concatenate([part.sites for part in whole])
        self.predicted = torch.cat([part.logits for part in whole]).argmax(1, keepdim=True)
        read = (coverage_map(self.sites, *images.shape[2:]) > 0).sum((1, 2))
        self.counts = np.unique(np.linspace(0, max(1, int(read.max())), steps + 1).round().astype(int))

    @torch.no_grad()
    def curve(self, order: Order) -> Curve:
        """Both curves of one order."""
        rank = ranks(order(self.images, self.sites)).view(-1, 1, *self.images.shape[2:])
        deletion, insertion = [], []
        for count in self.counts.tolist():
            taken = rank < count
            deletion.append(self.probability(torch.where(taken, self.filled, self.images)))
            insertion.append(self.probability(torch.where(taken, self.images, self.filled)))
        fractions = self.counts / self.images[0, 0].numel()
        return Curve(fractions, np.stack(deletion, axis=1), np.stack(insertion, axis=1))

    def probability(self, changed: Float[Tensor, "batch channel height width"]) -> Float[np.ndarray, " batch"]:
        """Probability of the class that was predicted for the unchanged images."""
        parts = [self.model(Stack(part)).probabilities for part in changed.split(self.batch_size)]
        return torch.cat(parts).gather(1, self.predicted)[:, 0].double().cpu().numpy()
