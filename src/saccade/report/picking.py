"""Which images a report shows and measures: some of every class, and mistakes on purpose."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from saccade.evaluation.assessment import Judged


def spread_evenly(labels: Sequence[int], count: int) -> list[int]:
    """Places of at most ``count`` images, by turns from each class, in an order drawn once and for all.

    >>> sorted(spread_evenly([0, 0, 0, 0, 1], 3))[-1]
    4
    """
    queues: dict[int, list[int]] = defaultdict(list)
    for place in np.random.default_rng(0).permutation(len(labels)).tolist():
        queues[labels[place]].append(place)
    turns = [(turn, label, place) for label, queue in queues.items() for turn, place in enumerate(queue)]
    return [place for _, _, place in sorted(turns)[:count]]


def pick_examples(judged: Judged, classes: int, per_class: int, mistakes: int) -> list[int]:
    """Places of images to show, class by class.

    For every class its most confident mistakes and, to fill up, images drawn at random among those it got right.
    Images that do not lie in files of their own are left out.

    Args:
        judged: What was predicted.
        classes: Number of classes.
        per_class: Images of each class, where it has as many.
        mistakes: Mistakes among them, where there are; more where the model is hardly ever right.
    """
    predicted, confidence = judged.predicted, np.max(judged.probabilities, axis=1)
    places: list[int] = []
    order = np.random.default_rng(0).permutation(len(judged.images))
    for label in range(classes):
        own = [place for place in order.tolist() if judged.images[place].label == label]
        wrong = sorted((p for p in own if predicted[p] != label), key=lambda place: -confidence[place])
        right = [place for place in own if predicted[place] == label]
        shown = wrong[: max(mistakes, per_class - len(right))]
        places += [*right[: per_class - len(shown)], *shown[:per_class]]
    return [place for place in places if not judged.images[place].row.member]
