"""Comparison: is one model better than another on the same cases?

Both models meet the same resampled cases, so what is hard for both cancels and small differences show.
Trainings from several seeds enter as rows and are averaged: the interval is then about other cases, given
these trainings; it does not cover what another seed would do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from saccade.evaluation.figures import CaseCounts
from saccade.evaluation.intervals import CaseBootstrap, percentile_interval

FIGURES = ("accuracy", "balanced_accuracy", "macro_f1")
_ROUNDING = 1e-12  # differences of averages this small are zero


@dataclass(frozen=True)
class Difference:
    """Figure of A less figure of B, with its 95 % interval and two-sided bootstrap p-value.

    With one case there is nothing to draw: bounds and p are ``None``.
    """

    value: float
    low: float | None
    high: float | None
    p: float | None

    def as_dict(self) -> dict[str, float | None]:
        """Plain form."""
        return {"value": self.value, "low": self.low, "high": self.high, "p": self.p}


def paired_difference(
    correct_a: Shaped[np.ndarray, "*seed_a image"],
    correct_b: Shaped[np.ndarray, "*seed_b image"],
    cases: Sequence[str] | np.ndarray,
    resamples: int = 10_000,
    seed: int = 0,
) -> Difference:
    """Compare the accuracy of two models on the same images.

    The p-value is twice the smaller share of resamples on one side of zero, zero counted on both:
    p = min(1, 2 · min(1 + #{d ≤ 0}, 1 + #{d ≥ 0}) / (1 + resamples)).

    Args:
        correct_a: Whether A was right on each image, one row per seed where there are several; any other
            figure averaged over images will do as well.
        correct_b: The same of B; it may have another number of seeds.
        cases: Name of the case each image belongs to.
        resamples: Bootstrap resamples over cases.
        seed: Seed of the resamples.

    Cost: O(image · seed + case · resample).

    Example:
        >>> a, b = np.array([1, 1, 1, 0]), np.array([1, 0, 0, 0])
        >>> paired_difference(a, b, ["p1", "p2", "p3", "p4"]).value
        0.5
    """
    a, b = _per_image(correct_a, cases), _per_image(correct_b, cases)
    bootstrap = CaseBootstrap.of(cases, resamples, seed)
    gains = np.bincount(bootstrap.index, weights=a - b, minlength=bootstrap.count)
    images = np.bincount(bootstrap.index, minlength=bootstrap.count)
    samples = [(gains @ weights) / (images @ weights) for weights in bootstrap.blocks()]
    return _difference(float(np.mean(a - b)), np.concatenate(samples), bootstrap.count)


def paired_differences(
    predicted_a: Shaped[np.ndarray, "*seed_a image"],
    predicted_b: Shaped[np.ndarray, "*seed_b image"],
    labels: Shaped[np.ndarray, " image"],
    cases: Sequence[str] | np.ndarray,
    resamples: int = 10_000,
    seed: int = 0,
) -> dict[str, Difference]:
    """Compare accuracy, balanced accuracy and macro F1 of two models on the same images.

    Figures are computed for each seed and then averaged. Macro figures are over the classes present, in
    every resample anew.

    Args:
        predicted_a: Class A predicted for each image, one row per seed where there are several.
        predicted_b: The same of B; it may have another number of seeds.
        labels: True class of each image.
        cases: Name of the case each image belongs to.
        resamples: Bootstrap resamples over cases.
        seed: Seed of the resamples.

    Cost: O(image · seed · resample).
    """
    labels = np.asarray(labels)
    if labels.shape != (len(cases),):
        raise ValueError(f"{labels.shape} labels do not go with {len(cases)} images")
    bootstrap = CaseBootstrap.of(cases, resamples, seed)
    sides = [_rows(predicted, cases) for predicted in (predicted_a, predicted_b)]
    classes = 1 + int(max(labels.max(), *(side.max() for side in sides)))
    shape = (bootstrap.count, classes)
    counts = [[CaseCounts(labels, row, bootstrap.index, shape) for row in side] for side in sides]

    def differences(weights: Float[np.ndarray, "case resample"]) -> Float[np.ndarray, "figure resample"]:
        a, b = (_mean_figures(side, weights) for side in counts)
        return a - b

    value = differences(np.ones((bootstrap.count, 1)))[:, 0]
    samples = np.concatenate([differences(weights) for weights in bootstrap.blocks()], axis=1)
    return {name: _difference(float(value[i]), samples[i], bootstrap.count) for i, name in enumerate(FIGURES)}


def _mean_figures(
    seeds: Sequence[CaseCounts], weights: Float[np.ndarray, "case resample"]
) -> Float[np.ndarray, "figure resample"]:
    """The compared figures of every resample, averaged over seeds."""
    figures = [one.figures(weights) for one in seeds]
    return np.stack([np.mean([getattr(one, name) for one in figures], axis=0) for name in FIGURES])


def _difference(value: float, samples: Float[np.ndarray, " resample"], cases: int) -> Difference:
    """Interval and p-value of resampled differences."""
    value = 0.0 if abs(value) <= _ROUNDING else value
    samples = np.where(np.abs(samples) <= _ROUNDING, 0.0, samples)
    interval = percentile_interval(value, samples, cases)
    if cases < 2:
        return Difference(value, None, None, None)
    smaller = min(np.count_nonzero(samples <= 0), np.count_nonzero(samples >= 0))
    p = min(1.0, 2 * (1 + smaller) / (1 + len(samples)))
    return Difference(value, interval.low, interval.high, float(p))


def _per_image(correct: np.ndarray, cases: Sequence[str] | np.ndarray) -> Float[np.ndarray, " image"]:
    """Average over seeds."""
    return _rows(correct, cases).astype(np.float64).mean(axis=0)


def _rows(values: np.ndarray, cases: Sequence[str] | np.ndarray) -> Shaped[np.ndarray, "seed image"]:
    """One row per seed, checked against the cases."""
    rows = np.atleast_2d(np.asarray(values))
    if rows.ndim != 2 or rows.shape[1] != len(cases) or rows.size == 0:
        raise ValueError(
            f"an array of shape {np.shape(values)} does not hold one entry for each of {len(cases)} images"
        )
    return rows
