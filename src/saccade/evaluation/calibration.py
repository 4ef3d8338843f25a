"""Calibration: does a confidence of 80 % mean that 80 % are right?

The expected calibration error splits predictions by confidence (the largest probability) into bins of
equal width and averages, weighted by the images in each bin, how far accuracy is from confidence:

    ``ECE = Σ_b n_b / n · |accuracy_b - confidence_b|``

Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, section 2.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True)
class ReliabilityBin:
    """Predictions whose confidence lies in (low, high]; the first bin has its lower edge too."""

    low: float
    high: float
    confidence: float | None
    accuracy: float | None
    n: int

    def as_dict(self) -> dict[str, Any]:
        """Plain form; confidence and accuracy are ``None`` in an empty bin."""
        return {
            "low": self.low,
            "high": self.high,
            "confidence": self.confidence,
            "accuracy": self.accuracy,
            "n": self.n,
        }


@dataclass(frozen=True)
class Calibration:
    """Expected calibration error and the bins behind it: a reliability plot's numbers."""

    ece: float
    bins: tuple[ReliabilityBin, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain form, as it stands in metrics.json."""
        return {"ece": self.ece, "bins": [one.as_dict() for one in self.bins]}


def calibration(
    probabilities: Float[np.ndarray, "image class"], labels: Int[np.ndarray, " image"], bins: int = 15
) -> Calibration:
    """Measure how far confidence is from accuracy.

    The error comes without an interval: resampling adds noise to every bin, so resampled errors tend to lie
    above the measured one and their percentiles need not surround it.

    Args:
        probabilities: Probability of each class.
        labels: True class of each image.
        bins: How many bins of equal width share [0, 1].
    """
    if len(labels) == 0 or bins < 1:
        raise ValueError(f"calibration needs images and bins, not {len(labels)} and {bins}")
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = (probabilities.argmax(axis=1) == labels).astype(np.float64)
    edges = np.linspace(0.0, 1.0, bins + 1)
    member = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    counts = np.bincount(member, minlength=bins)
    confidences = np.bincount(member, weights=confidence, minlength=bins)
    rights = np.bincount(member, weights=right, minlength=bins)
    filled = tuple(
        ReliabilityBin(
            low=float(edges[i]),
            high=float(edges[i + 1]),
            confidence=float(confidences[i] / counts[i]) if counts[i] else None,
            accuracy=float(rights[i] / counts[i]) if counts[i] else None,
            n=int(counts[i]),
        )
        for i in range(bins)
    )
    return Calibration(ece=float(np.abs(rights - confidences).sum() / len(labels)), bins=filled)
