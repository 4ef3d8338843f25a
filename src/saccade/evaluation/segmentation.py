"""How well patches are told apart: Dice, IoU and accuracy over all patches, with intervals over cases.

All follow from the counts of patches by true and predicted class, so that a resample of cases is a weighted sum of
their counts. With TP, FP and FN of a class: ``Dice = 2 TP / (2 TP + FP + FN)`` and ``IoU = TP / (TP + FP + FN)``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from saccade.core.errors import BadInput
from saccade.evaluation.figures import mean_of_defined, ratio
from saccade.evaluation.intervals import CaseBootstrap, Interval, percentile_interval


@dataclass(frozen=True, eq=False)
class PatchFigures:
    """Figures of some tables of counts; NaN where a class is neither there nor predicted.

    Attributes:
        dice: Of each class.
        iou: Of each class.
        mean_dice: Mean over the classes but the first, which is none of the others.
        accuracy: Share of patches whose class is right.
    """

    dice: Float[np.ndarray, "class table"]
    iou: Float[np.ndarray, "class table"]
    mean_dice: Float[np.ndarray, " table"]
    accuracy: Float[np.ndarray, " table"]

    @classmethod
    def of(cls, counts: Float[np.ndarray, "true predicted table"]) -> "PatchFigures":
        """The figures of each table.

        >>> PatchFigures.of(np.array([[[6.0], [1.0]], [[1.0], [2.0]]])).dice[1].round(3).tolist()
        [0.667]
        """
        right = np.stack([counts[number, number] for number in range(len(counts))])
        either = counts.sum(1) + counts.sum(0)
        dice = ratio(2 * right, either)
        return cls(
            dice, ratio(right, either - right), mean_of_defined(dice[1:]), ratio(right.sum(0), counts.sum((0, 1)))
        )


@dataclass(frozen=True, eq=False)
class SegmentationMetrics:
    """The figures of ``metrics.json``.

    Attributes:
        dice: By class.
        iou: By class.
        mean_dice: Mean over the classes but the first.
        accuracy: Share of labelled patches whose class is right.
        confusion: Labelled patches by true (rows) and predicted class.
        classes: Their names.
        cases: How many cases the slides are of.
    """

    dice: dict[str, Interval]
    iou: dict[str, Interval]
    mean_dice: Interval
    accuracy: Interval
    confusion: tuple[tuple[int, ...], ...]
    classes: tuple[str, ...]
    cases: int

    def as_dict(self) -> dict[str, Any]:
        """Plain form, as it stands in ``metrics.json``."""
        return {
            "mean_dice": self.mean_dice.as_dict(),
            "dice": {name: interval.as_dict() for name, interval in self.dice.items()},
            "iou": {name: interval.as_dict() for name, interval in self.iou.items()},
            "patch_accuracy": self.accuracy.as_dict(),
            "confusion": [list(row) for row in self.confusion],
            "classes": list(self.classes),
            "cases": self.cases,
            "patches": sum(map(sum, self.confusion)),
        }


def evaluate_patches(
    counts: Int[np.ndarray, "slide true predicted"], cases: Sequence[str], classes: Sequence[str], resamples: int = 1000
) -> SegmentationMetrics:
    """Figures over all patches, and how they vary between cases. Cost: O(case · class² · resample).

    Args:
        counts: Labelled patches of each slide by true and predicted class.
        cases: Name of the case each slide belongs to.
        classes: Their names, what is none of the others first.
        resamples: Bootstrap resamples over cases.

    Raises:
        BadInput: No patch has a label.
    """
    if not counts.sum():
        raise BadInput("no patch of these slides has a class to compare with", "give annotations in annotation_path")
    bootstrap = CaseBootstrap.of(cases, resamples)
    size = len(classes)
    per_case = np.zeros((bootstrap.count, size * size))
    np.add.at(per_case, bootstrap.index, counts.reshape(len(counts), -1))
    point = PatchFigures.of(per_case.sum(0).reshape(size, size, 1))
    drawn = [PatchFigures.of((per_case.T @ weights).reshape(size, size, -1)) for weights in bootstrap.blocks()]

    def interval(name: str, row: int | None = None, share_of: int | None = None) -> Interval:
        value, samples = (
            np.concatenate([getattr(each, name) if row is None else getattr(each, name)[row] for each in figures])
            for figures in ([point], drawn)
        )
        return percentile_interval(float(value[0]), samples, bootstrap.count, share_of)

    return SegmentationMetrics(
        dice={name: interval("dice", row) for row, name in enumerate(classes)},
        iou={name: interval("iou", row) for row, name in enumerate(classes)},
        mean_dice=interval("mean_dice"),
        accuracy=interval("accuracy", share_of=bootstrap.count),
        confusion=tuple(map(tuple, counts.sum(0).tolist())),
        classes=tuple(classes),
        cases=bootstrap.count,
    )
