"""Several predictions of the same images, each from random draws: their mean, and how much the draws decide.

Prediction is deterministic: a model that draws sites while it trains takes the quantiles of its map, or the most
probable cells. Drawing at random as in training, several times, tells how far an answer hangs on what was drawn.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from saccade.core.contract import SparseClassifier
from saccade.core.errors import BadInput
from saccade.core.results import Prediction
from saccade.imaging.opening import Opened
from saccade.inference.predictor import Predictor
from saccade.inference.result import Item, open_field_item, open_item

FEWEST = 2
"""One prediction has no spread."""


@dataclass(frozen=True, eq=False)
class Draws:
    """What several sets of random draws say about images.

    >>> Draws(np.array([[[0.5, 0.5], [0.75, 0.25]]])).mean.tolist()
    [[0.625, 0.375]]

    Attributes:
        probabilities: Of each class, from each set of draws.
        notes: What ``Result.note`` would tell of images, of those where there is something.
    """

    probabilities: Float[np.ndarray, "image draw class"]
    notes: tuple[str, ...] = ()

    @property
    def mean(self) -> Float[np.ndarray, "image class"]:
        """The mean over sets: what the model says on average."""
        return self.probabilities.mean(axis=1)

    @property
    def spread(self) -> Float[np.ndarray, "image class"]:
        """The standard deviation over sets (over n − 1): how far one set is from the next."""
        return self.probabilities.std(axis=1, ddof=1)


def draws_of(model: SparseClassifier, count: int) -> Callable[[Opened, int], tuple[Prediction, ...]]:
    """A model's way to predict from random draws, if it has one and ``count`` sets of them have a spread.

    Raises:
        BadInput: It draws nothing at random when it predicts, or the sets are too few for a spread.
    """
    draws = getattr(model, "draws", None)
    if draws is None:
        name = getattr(model, "config", {}).get("model", type(model).__name__)
        message = f"{name} has no random draws to compare: it chooses its sites in one way alone"
        raise BadInput(message, "leave out --draws; attention-sampling and conditional-sampling have them")
    if count < FEWEST:
        raise BadInput(f"the spread of {count} predictions is not defined", f"ask for {FEWEST} draws or more")
    return draws


def predict_draws(
    predictor: Predictor,
    items: Iterable[Item],
    count: int,
    seed: int = 0,
    progress: Callable[[int], None] = lambda done: None,
) -> Draws:
    """Predict each image from ``count`` sets of random draws; the same again for the same seed and images.

    The random state of the program is left as it was.
    Cost: each image is opened once and looked at once; its sites are read and classified ``count`` times.

    Args:
        predictor: A model with ``draws``, such as attention-sampling.
        items: What ``Predictor.predict`` takes.
        count: Sets of draws, 2 or more.
        seed: Seed of the draws.
        progress: Told how many images are done.

    Raises:
        BadInput: The model has no random draws, ``count`` is below 2, or, naming it, an image cannot be used.
    """
    draws_of(predictor.model, count)  # refused before any image is opened
    found = [np.empty((0, count, len(predictor.classes)))]
    notes = []
    with torch.random.fork_rng(devices=[predictor.device] if predictor.device.type == "cuda" else []):
        torch.manual_seed(seed)
        for done, item in enumerate(items, start=1):
            name = str(Path(item)) if isinstance(item, str | os.PathLike) else f"array {done}"
            found.append(_of_one(predictor, item, name, count))
            notes.append(predictor.note_on(item))
            progress(done)
    return Draws(np.concatenate(found), tuple(filter(None, notes)))


@torch.inference_mode()
def _of_one(predictor: Predictor, item: Item, name: str, count: int) -> Float[np.ndarray, "1 draw class"]:
    """The probabilities of one image."""
    pixels = open_item(item, name) if predictor.preprocessing.size else open_field_item(item, name)
    try:
        sets = draws_of(predictor.model, count)(predictor.open_pixels(pixels, name), count)
    except BadInput as error:
        raise BadInput(error.message, error.remedy, error.source or name) from error
    return torch.stack([each.probabilities for each in sets], dim=1).double().cpu().numpy()
