"""Metrics of predictions, each with its interval over cases.

Point values come from scikit-learn, intervals from ``intervals.CaseBootstrap`` with the vectorised
``figures``. Classes absent from the data are allowed: macro figures are over the classes present, that is,
those with at least one image of that true label. Predicting an absent class still costs: the image
counts as missed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from jaxtyping import Float, Int, Shaped
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    precision_recall_fscore_support,
    roc_auc_score,
)

from saccade.core.errors import BadInput
from saccade.evaluation.calibration import Calibration, calibration
from saccade.evaluation.figures import CaseCounts, CaseRanks, Figures, mean_of_defined
from saccade.evaluation.intervals import CaseBootstrap, Interval, percentile_interval

_SUM_TOLERANCE = 0.02  # half-precision probabilities of many classes miss one by about this much


@dataclass(frozen=True)
class ClassMetrics:
    """One class: share found, share of its predictions that are right, number of images."""

    recall: Interval
    precision: Interval
    n: int

    def as_dict(self) -> dict[str, Any]:
        """Plain form, as it stands in metrics.json."""
        return {"recall": self.recall.as_dict(), "precision": self.precision.as_dict(), "n": self.n}


@dataclass(frozen=True)
class Metrics:
    """How good predictions are, with 95 % intervals over cases.

    ``auroc`` is one class against the rest, averaged over the classes that have at least one image and are
    not all there is. ``confusion[true][predicted]`` counts images.
    """

    accuracy: Interval
    balanced_accuracy: Interval
    macro_f1: Interval
    auroc: Interval
    per_class: dict[str, ClassMetrics]
    calibration: Calibration
    confusion: tuple[tuple[int, ...], ...]
    n: int

    def as_dict(self) -> dict[str, Any]:
        """Plain form, as it stands in metrics.json."""
        return {
            "accuracy": self.accuracy.as_dict(),
            "balanced_accuracy": self.balanced_accuracy.as_dict(),
            "macro_f1": self.macro_f1.as_dict(),
            "auroc": self.auroc.as_dict(),
            "per_class": {name: one.as_dict() for name, one in self.per_class.items()},
            "calibration": self.calibration.as_dict(),
            "n": self.n,
            "confusion": [list(row) for row in self.confusion],
        }


def evaluate_predictions(
    probabilities: Shaped[np.ndarray, "image class"],
    labels: Shaped[np.ndarray, " image"],
    cases: Sequence[str] | np.ndarray,
    classes: Sequence[str],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Metrics:
    """Measure predictions against the truth.

    Figures that are not defined are ``None``: the recall of a class without images, the precision of a class
    never predicted, the area under the curve where one class is all there is, and all bounds where there
    is one case only. Where all resamples agree, and of fewer than five cases, accuracy, balanced accuracy, recall and
    precision have Wilson's interval over cases, a class's over those that have it (or are taken for it), and the others
    none.

    Args:
        probabilities: Probability of each class, rows summing to one.
        labels: Index of the true class of each image.
        cases: Name of the case each image belongs to; images of a case are resampled together.
        classes: Class names, in the order of the columns.
        resamples: Bootstrap resamples over cases.
        seed: Seed of the resamples.

    Raises:
        BadInput: Nothing to evaluate, probabilities that are none, or a label outside the classes.
        ValueError: Arrays that do not fit together.

    Cost: O(image · class · resample).

    Example:
        >>> probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
        >>> labels, cases = np.array([0, 1, 1]), ["p1", "p2", "p3"]
        >>> metrics = evaluate_predictions(probabilities, labels, cases, ("normal", "blast"))
        >>> round(metrics.accuracy.value, 3), metrics.confusion
        (0.667, ((1, 0), (1, 1)))
    """
    probabilities, labels = _checked(probabilities, labels, cases, classes)
    bootstrap = CaseBootstrap.of(cases, resamples, seed)
    predicted = probabilities.argmax(axis=1)
    confusion = confusion_matrix(labels, predicted, labels=np.arange(len(classes)))
    point, auroc = _point_figures(probabilities, labels, predicted)
    samples, aurocs = _resampled(probabilities, labels, predicted, bootstrap)

    known, named = (_cases_with(each, bootstrap.index, len(classes)) for each in (labels, predicted))

    def interval(value: np.ndarray, sampled: np.ndarray, share_of: int | None = None) -> Interval:
        return percentile_interval(float(value[0]), sampled, bootstrap.count, share_of)

    def of_class(row: int) -> ClassMetrics:
        recall = interval(point.recall[row], samples.recall[row], known[row])
        precision = interval(point.precision[row], samples.precision[row], named[row])
        return ClassMetrics(recall, precision, int(confusion[row].sum()))

    return Metrics(
        accuracy=interval(point.accuracy, samples.accuracy, bootstrap.count),
        balanced_accuracy=interval(point.balanced_accuracy, samples.balanced_accuracy, bootstrap.count),
        macro_f1=interval(point.macro_f1, samples.macro_f1),
        auroc=interval(auroc, aurocs),
        per_class={name: of_class(row) for row, name in enumerate(classes)},
        calibration=calibration(probabilities, labels),
        confusion=tuple(map(tuple, confusion.tolist())),
        n=len(labels),
    )


def _cases_with(labels: Int[np.ndarray, " image"], index: Int[np.ndarray, " image"], classes: int) -> list[int]:
    """How many cases have an image of each class."""
    pairs = np.unique(np.stack([labels, index]), axis=1)
    return np.bincount(pairs[0], minlength=classes).tolist()


def _point_figures(
    probabilities: Float[np.ndarray, "image class"],
    labels: Int[np.ndarray, " image"],
    predicted: Int[np.ndarray, " image"],
) -> tuple[Figures, Float[np.ndarray, "1"]]:
    """Figures and area under the curve of the data as they are, by scikit-learn: the plain path."""
    everyone = np.arange(probabilities.shape[1])
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=everyone, average=None, zero_division=cast(Any, np.nan)
    )
    present = np.flatnonzero(np.asarray(support))
    point = Figures(
        accuracy=np.array([accuracy_score(labels, predicted)]),
        balanced_accuracy=np.array([np.mean(np.asarray(recall)[present])]),
        macro_f1=np.array([np.mean(np.asarray(f1)[present])]),
        recall=np.asarray(recall)[:, None],
        precision=np.asarray(precision)[:, None],
    )
    if len(present) < 2:
        return point, np.array([np.nan])
    return point, np.array([np.mean([roc_auc_score(labels == k, probabilities[:, k]) for k in present])])


def _resampled(
    probabilities: Float[np.ndarray, "image class"],
    labels: Int[np.ndarray, " image"],
    predicted: Int[np.ndarray, " image"],
    bootstrap: CaseBootstrap,
) -> tuple[Figures, Float[np.ndarray, " resample"]]:
    """Figures of every resample, and their areas under the curve."""
    classes = probabilities.shape[1]
    counts = CaseCounts(labels, predicted, bootstrap.index, (bootstrap.count, classes))
    present = [k for k in range(classes) if (labels == k).any() and (labels != k).any()]
    ranks = [CaseRanks(probabilities[:, k], labels == k, bootstrap.index) for k in present]
    blocks, aurocs = [], []
    for weights in bootstrap.blocks():
        blocks.append(counts.figures(weights))
        nothing = np.full((1, weights.shape[1]), np.nan)
        aurocs.append(mean_of_defined(np.stack([one.auroc(weights) for one in ranks]) if ranks else nothing))
    return Figures.joined(blocks), np.concatenate(aurocs)


def _checked(
    probabilities: np.ndarray, labels: np.ndarray, cases: Sequence[str] | np.ndarray, classes: Sequence[str]
) -> tuple[Float[np.ndarray, "image class"], Int[np.ndarray, " image"]]:
    """Arrays that fit together and hold probabilities and labels, or an error."""
    probabilities, labels = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    if probabilities.ndim != 2 or probabilities.shape[1] != len(classes):
        raise ValueError(f"probabilities have shape {probabilities.shape}, for {len(classes)} classes")
    if labels.shape != (len(probabilities),) or len(cases) != len(probabilities):
        raise ValueError(f"{len(probabilities)} predictions, {labels.shape} labels and {len(cases)} cases")
    if len(labels) == 0:
        raise BadInput("there are no images to evaluate", remedy="name a split or a manifest that has some")
    outside = np.flatnonzero((labels < 0) | (labels >= len(classes)))
    if outside.size:
        raise BadInput(
            f"label {labels[outside[0]]} of image {outside[0]} is outside the {len(classes)} classes",
            remedy="map or leave out labels the model does not know",
        )
    in_range = (probabilities >= 0) & (probabilities <= 1 + _SUM_TOLERANCE)  # False for NaN
    sums = np.where(in_range, probabilities, np.inf).sum(axis=1)
    wrong = np.flatnonzero(np.abs(sums - 1) > _SUM_TOLERANCE)
    if wrong.size:
        row = int(wrong[0])
        raise BadInput(
            f"the scores of image {row} are not probabilities: {probabilities[row].tolist()}",
            remedy="pass finite values ≥ 0 that sum to one; NaN usually means that training diverged",
        )
    return probabilities, labels.astype(np.int64)
