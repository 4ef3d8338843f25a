"""Figures of many resamples at once.

The plain path of each figure is scikit-learn on one set of labels (``metrics.py``); this is the fast one,
for weighted cases. Figures made of counts (accuracy, recall, precision, F1) come from three sums per case
and class; the area under the ROC curve from ranks, with i over positives and j over negatives:

    AUROC = Σ_i w_i · (Σ_{j: s_j < s_i} w_j + ½ Σ_{j: s_j = s_i} w_j) / (Σ_i w_i · Σ_j w_j)
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import cast

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class Figures:
    """Figures of each resample; NaN where one is not defined."""

    accuracy: Float[np.ndarray, " resample"]
    balanced_accuracy: Float[np.ndarray, " resample"]
    macro_f1: Float[np.ndarray, " resample"]
    recall: Float[np.ndarray, "class resample"]
    precision: Float[np.ndarray, "class resample"]

    @classmethod
    def joined(cls, blocks: Sequence["Figures"]) -> "Figures":
        """Put blocks of resamples side by side."""
        return cls(
            **{one.name: np.concatenate([getattr(block, one.name) for block in blocks], axis=-1) for one in fields(cls)}
        )


def mean_of_defined(values: Float[np.ndarray, "class resample"]) -> Float[np.ndarray, " resample"]:
    """Average over classes, leaving out those that are NaN; NaN where all are."""
    defined = np.isfinite(values)
    return ratio(np.where(defined, values, 0.0).sum(axis=0), defined.sum(axis=0))


class CaseCounts:
    """How many images of each class a case has, gets, and gets right.

    Args:
        labels: True class of each image.
        predicted: Predicted class of each image.
        index: Number of each image's case.
        shape: How many cases and classes there are.
    """

    def __init__(
        self,
        labels: Int[np.ndarray, " image"],
        predicted: Int[np.ndarray, " image"],
        index: Int[np.ndarray, " image"],
        shape: tuple[int, int],
    ) -> None:
        cases, classes = shape
        right = labels == predicted
        rows = np.concatenate([labels, classes + predicted, 2 * classes + labels[right]])
        columns = np.concatenate([index, index, index[right]])
        # Repeated (row, case) pairs are summed; sparse, so that the cost follows images, not cases x classes.
        self._sums = csr_array((np.ones(len(rows)), (rows, columns)), shape=(3 * classes, cases))
        self._classes = classes

    def figures(self, weights: Float[np.ndarray, "case resample"]) -> Figures:
        """Figures of each weighting of the cases.

        A class without images in a resample has no recall and no part in the means; a class never predicted
        has no precision.

        Cost: O(image · resample), whatever the number of classes.
        """
        sums = cast(np.ndarray, self._sums @ weights).reshape(3, self._classes, -1)
        support, predicted, right = sums
        recall = ratio(right, support)
        f1 = np.where(support > 0, ratio(2 * right, support + predicted), np.nan)
        return Figures(
            accuracy=ratio(right.sum(axis=0), support.sum(axis=0)),
            balanced_accuracy=mean_of_defined(recall),
            macro_f1=mean_of_defined(f1),
            recall=recall,
            precision=ratio(right, predicted),
        )


class CaseRanks:
    """Order of the scores of one class against the rest, sorted once for all resamples.

    Args:
        scores: Score of the class for each image.
        positive: Whether the image is of that class.
        index: Number of each image's case.
    """

    def __init__(
        self,
        scores: Float[np.ndarray, " image"],
        positive: np.ndarray,
        index: Int[np.ndarray, " image"],
    ) -> None:
        negatives = scores[~positive]
        order = np.argsort(negatives, kind="stable")
        ranked = negatives[order]
        self._negative_cases = index[~positive][order]
        self._positive_cases = index[positive]
        self._below = np.searchsorted(ranked, scores[positive], side="left")
        self._up_to = np.searchsorted(ranked, scores[positive], side="right")

    def auroc(self, weights: Float[np.ndarray, "case resample"]) -> Float[np.ndarray, " resample"]:
        """Area under the ROC curve of each weighting of the cases; NaN without both kinds of images.

        Cost: O(image · resample).
        """
        positive = weights[self._positive_cases]
        cumulative = np.zeros((len(self._negative_cases) + 1, weights.shape[1]))
        np.cumsum(weights[self._negative_cases], axis=0, out=cumulative[1:])
        beaten = cumulative[self._below]
        if not np.array_equal(self._below, self._up_to):
            beaten = (beaten + cumulative[self._up_to]) / 2
        won = np.einsum("ir,ir->r", positive, beaten)
        return ratio(won, positive.sum(axis=0) * cumulative[-1])


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide, giving NaN (and no warning) where the denominator is zero."""
    out = np.full(np.shape(numerator), np.nan)
    return np.divide(numerator, denominator, out=out, where=denominator > 0)
