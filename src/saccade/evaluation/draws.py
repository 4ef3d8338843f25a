"""How much random draws decide: the accuracy of their mean beside that of single ones, and the spread."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Int

from saccade.evaluation.assessment import Judged, stream_items
from saccade.inference.draws import Draws, predict_draws
from saccade.inference.predictor import Predictor
from saccade.inference.result import Item


def judge_draws(
    predictor: Predictor, judged: Judged, count: int, progress: Callable[[int, int], None] = lambda done, total: None
) -> dict[str, Any]:
    """The ``draws`` of ``metrics.json``: images that were judged, predicted anew from ``count`` sets of random draws.

    Args:
        predictor: A model with ``draws``.
        judged: Which images, and their labels.
        count: Sets of draws, 2 or more.
        progress: Told how many of how many images are done.

    Raises:
        BadInput: The model has no random draws, or ``count`` is below 2.
    """
    total = len(judged.images)
    labels: list[int] = []

    def items() -> Iterator[Item]:
        for image, item in stream_items(judged.images):
            labels.append(image.label)
            yield item

    found = predict_draws(predictor, items(), count, progress=lambda done: progress(done, total))
    return draw_figures(found, np.array(labels, dtype=np.int64))


def draw_figures(draws: Draws, labels: Int[np.ndarray, " image"]) -> dict[str, Any]:
    """Accuracy of the mean of all sets, mean accuracy of single sets, and two spreads.

    ``accuracy_spread`` is the standard deviation over sets of their accuracies; ``probability_spread`` that of an
    image's probability of its true class, averaged over images. Both are as shares, over n − 1.

    >>> two = Draws(np.array([[[0.75, 0.25], [0.25, 0.75]], [[0.25, 0.75], [0.25, 0.75]]]))
    >>> figures = draw_figures(two, np.array([0, 1]))
    >>> figures["mean_accuracy"], figures["accuracy_of_mean"]
    (0.75, 1.0)
    """
    right = draws.probabilities.argmax(axis=2) == labels[:, None]  # (image, draw)
    accuracies = right.mean(axis=0)
    return {
        "count": draws.probabilities.shape[1],
        "accuracy_of_mean": float((draws.mean.argmax(axis=1) == labels).mean()),
        "mean_accuracy": float(accuracies.mean()),
        "accuracy_spread": float(accuracies.std(ddof=1)),
        "probability_spread": float(np.take_along_axis(draws.spread, labels[:, None], axis=1).mean()),
    }
