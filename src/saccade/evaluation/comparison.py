"""Comparison: is one model better than another on the same cases?

Both models meet the same resampled cases, so what is hard for both cancels and small differences show.
Trainings from several seeds enter as rows and are averaged: the interval is then about other cases, given
these trainings; it does not cover what another seed would do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from saccade.evaluation.intervals import CaseBootstrap, percentile_interval

_ROUNDING = 1e-12  # differences of averages this small are zero


@dataclass(frozen=True)
class Difference:
    """Figure of A less figure of B, with its 95 % interval and two-sided bootstrap p-value.

    With fewer than five cases there is next to nothing to draw, and where all resamples agree they say nothing of other
    cases: bounds and p are ``None``.
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


def _difference(value: float, samples: Float[np.ndarray, " resample"], cases: int) -> Difference:
    """Interval and p-value of resampled differences."""
    value = 0.0 if abs(value) <= _ROUNDING else value
    samples = np.where(np.abs(samples) <= _ROUNDING, 0.0, samples)
    interval = percentile_interval(value, samples, cases)
    if interval.low is None:
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
