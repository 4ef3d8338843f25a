"""How well predicted risks order the cases in time: Harrell's concordance index, with an interval over cases.

Harrell, Califf, Pryor, Lee & Rosati, "Evaluating the yield of medical tests", JAMA 1982. Of two slides the order is
known where the one with the shorter time had its event, or where both times are equal and only one had: that one is
the earlier. The index is the share of those pairs in which the earlier one has the higher risk; equal risks count half.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from saccade.evaluation.intervals import CaseBootstrap, Interval, percentile_interval

_ROWS = 512  # slides compared to all others at a time


def concordance(
    times: Float[np.ndarray, " slide"], events: Bool[np.ndarray, " slide"], risks: Float[np.ndarray, " slide"]
) -> float | None:
    """The share of pairs in the right order; ``None`` where no pair has a known one. Cost: O(slides²) in time.

    >>> concordance(np.array([1.0, 2.0, 3.0]), np.array([True, True, False]), np.array([0.9, 0.1, 0.5]))
    0.6666666666666666

    Args:
        times: Until the event, or until the case was lost from sight.
        events: Whether the event was seen.
        risks: Higher for those expected earlier; only their order counts.
    """
    right, known = _pairs(times, events, risks, np.zeros(len(times), np.int64), 1)
    return float(right[0, 0] / known[0, 0]) if known[0, 0] else None


def concordance_interval(
    times: Float[np.ndarray, " slide"],
    events: Bool[np.ndarray, " slide"],
    risks: Float[np.ndarray, " slide"],
    bootstrap: CaseBootstrap,
) -> Interval:
    """The index with its 95 % interval: cases are drawn again, and slides of one case never apart.

    It has no bounds where all resamples agree, as where the whole order is right.

    Cost: O(slides²), once, and O(cases²) per resample.

    Args:
        times: Until the event, or until the case was lost from sight.
        events: Whether the event was seen.
        risks: Higher for those expected earlier.
        bootstrap: Which slides belong to which case.
    """
    right, known = _pairs(times, events, risks, bootstrap.index, bootstrap.count)
    value = right.sum() / known.sum() if known.any() else np.nan
    samples = [np.full(0, np.nan)]
    for weights in bootstrap.blocks():
        counted, total = (((pairs @ weights) * weights).sum(0) for pairs in (right, known))
        samples.append(np.divide(counted, total, out=np.full_like(total, np.nan), where=total > 0))
    return percentile_interval(float(value), np.concatenate(samples), bootstrap.count)


def _pairs(
    times: Float[np.ndarray, " slide"],
    events: Bool[np.ndarray, " slide"],
    risks: Float[np.ndarray, " slide"],
    case: Int[np.ndarray, " slide"],
    cases: int,
) -> tuple[Float[np.ndarray, "case case"], Float[np.ndarray, "case case"]]:
    """Between each case and each other: how many pairs are in the right order, and how many have a known one."""
    right, known = np.zeros((cases, cases)), np.zeros((cases, cases))
    for start in range(0, len(times), _ROWS):
        own = slice(start, start + _ROWS)
        after = times[own, None] < times
        after |= (times[own, None] == times) & ~events
        after &= events[own, None]
        score = np.heaviside(risks[own, None] - risks, 0.5) * after
        for pairs, total in ((score, right), (after.astype(float), known)):
            columns = np.zeros((len(pairs), cases))
            np.add.at(columns.T, case, pairs.T)
            np.add.at(total, case[own], columns)
    return right, known
