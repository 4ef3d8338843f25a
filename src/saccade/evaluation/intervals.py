"""Intervals: bootstrap over cases.

Images of one case resemble each other, so they are never drawn apart: a resample draws as many cases as
there are, with replacement, and takes each case's images as often as the case was drawn. A resample is
therefore a column of integer weights, one per case, and a figure built from sums over images is a product
of those weights with sums per case: no image is copied.

Where all resamples give the same figure, as where every case is right, they say nothing of how far other cases may
differ. A share then has the score interval of Wilson, "Probable inference, the law of succession, and statistical
inference", JASA 1927, over cases: each counts as one, whatever it has of images. With a share p of n cases and
z = 1.96, its bounds are

    (p + z² / 2n ± z √(p (1 − p) / n + z² / 4n²)) / (1 + z² / n)

It is meant for n times yes or no. What has other values between 0 and 1 never varies more than that around the same
mean. Figures that are no shares, such as areas under a curve and differences, have no interval then.

The same holds of fewer than five cases, whose resamples are a handful of mixtures: two cases have three, and their
percentiles are the two cases themselves.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

LEVEL = 0.95
FEWEST = 5
"""Cases from which resamples make an interval; our choice."""

_Z = 1.959963984540054  # the normal distribution has half of the rest of LEVEL above it
_SAME = 1e-12  # resampled figures that differ by less are one
_BLOCK_ELEMENTS = 2**19  # weights of images held at a time: 4 MB of float64, which stays in the cache


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval; ``None`` where it is not defined."""

    value: float | None
    low: float | None
    high: float | None

    def as_dict(self) -> dict[str, float | None]:
        """Plain form, as it stands in metrics.json."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True, eq=False)
class CaseBootstrap:
    """Which images belong to which case, and how to draw cases again.

    The draws depend on the seed and the number of cases alone, and cases are numbered in sorted order:
    shuffling the images changes nothing, and two models on the same cases meet the same resamples.

    Args:
        index: Number of each image's case.
        count: How many cases there are.
        resamples: How often they are drawn again.
        seed: Seed of the draws.
    """

    index: Int[np.ndarray, " image"]
    count: int
    resamples: int
    seed: int

    @classmethod
    def of(cls, cases: Sequence[str] | np.ndarray, resamples: int = 1000, seed: int = 0) -> "CaseBootstrap":
        """Number the cases in sorted order."""
        if len(cases) == 0:
            raise ValueError("no cases to draw from")
        if resamples < 1:
            raise ValueError(f"resamples must be at least 1, not {resamples}")
        names, index = np.unique(np.asarray(cases), return_inverse=True)
        return cls(index.reshape(-1).astype(np.int64), len(names), resamples, seed)

    def blocks(self) -> Iterator[Float[np.ndarray, "case resample"]]:
        """Yield the weights, some resamples at a time; every column sums to the number of cases.

        Cost: O(case · resample) draws, a few megabytes at a time.
        """
        generator = np.random.default_rng(self.seed)
        width = max(1, _BLOCK_ELEMENTS // len(self.index))  # there are never more cases than images
        for start in range(0, self.resamples, width):
            columns = min(width, self.resamples - start)
            drawn = generator.integers(0, self.count, size=(columns, self.count))
            cells = drawn * columns + np.arange(columns)[:, None]
            weights = np.bincount(cells.reshape(-1), minlength=self.count * columns)
            yield weights.reshape(self.count, columns).astype(np.float64)


def percentile_interval(
    value: float, samples: Float[np.ndarray, " resample"], cases: int, share_of: int | None = None
) -> Interval:
    """Put the central 95 % of the resampled figures around a value.

    Resamples in which the figure is not defined (NaN) are left out. With one case nothing varies between
    resamples, which says nothing about other cases: the bounds are then ``None``, as they are for a figure
    that is not defined. Where these 95 % are all the same, and of fewer than ``FEWEST`` cases, a share has Wilson's
    interval, and the bounds of any other figure are ``None``.

    >>> percentile_interval(1.0, np.ones(3), cases=40), percentile_interval(1.0, np.ones(3), cases=40, share_of=40)
    (Interval(value=1.0, low=None, high=None), Interval(value=1.0, low=0.9123783988027135, high=1.0))

    Args:
        value: The figure.
        samples: The same of each resample.
        cases: How many there are.
        share_of: Of a share, how many cases it is a share of, such as those with a class; ``None`` for other figures.
    """
    if not np.isfinite(value):
        return Interval(None, None, None)
    defined = samples[np.isfinite(samples)]
    if cases < 2 or defined.size == 0:
        return Interval(float(value), None, None)
    tail = 50 * (1 - LEVEL)
    low, high = np.percentile(defined, [tail, 100 - tail])
    if high - low < _SAME or min(cases, share_of or cases) < FEWEST:
        return wilson_interval(float(value), share_of) if share_of else Interval(float(value), None, None)
    return Interval(float(value), float(low), float(high))


def wilson_interval(share: float, cases: int) -> Interval:
    """The 95 % score interval of a share of cases (Wilson 1927); it has a width where the share is 0 or 1, too.

    >>> interval = wilson_interval(1.0, 2)
    >>> round(interval.low, 3), interval.high
    (0.342, 1.0)

    Args:
        share: Between 0 and 1.
        cases: How many there are, at least one.
    """
    square = _Z**2 / cases
    middle = (share + square / 2) / (1 + square)
    half = _Z * np.sqrt(share * (1 - share) / cases + square / (4 * cases)) / (1 + square)
    low, high = float(middle - half), float(middle + half)
    return Interval(share, low if share > 0 else 0.0, high if share < 1 else 1.0)  # exact there, whatever is rounded
