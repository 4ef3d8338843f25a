"""The rows of a bench taken together: a model's seeds, and the first model less each other on the same test images."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from saccade.evaluation.comparison import paired_difference
from saccade.evaluation.intervals import FEWEST, Interval


def mean_accuracy(rows: Sequence[Mapping[str, Any]]) -> Interval:
    """Accuracy over the seeds of a model, with an interval over cases; of one seed, what its row holds.

    Bounds are ``None`` where rows do not tell which images were right, or were tested on other images.

    >>> row = {"accuracy": {"value": 0.8, "low": None, "high": None}, "cases": ["a", "b", "c", "d", "e"]}
    >>> mean_accuracy([{**row, "right": [1, 1, 1, 1, 0]}, {**row, "right": [1, 1, 1, 1, 0]}])
    Interval(value=0.8, low=0.4, high=1.0)

    Args:
        rows: Of one model that was trained, at least one.
    """
    if len(rows) == 1:
        found = rows[0]["accuracy"]
        return Interval(found["value"], found.get("low"), found.get("high"))
    if all(row.get("right") and row["cases"] == rows[0].get("cases") for row in rows):
        right = np.array([row["right"] for row in rows], dtype=float)
        found = paired_difference(right, np.zeros_like(right), rows[0]["cases"])
        return Interval(found.value, found.low, found.high)
    return Interval(float(np.mean([row["accuracy"]["value"] for row in rows])), None, None)


def paired_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each model that is not the first: the difference in accuracy with its interval, over common seeds.

    Models that were not trained, or tested on other images, are passed over.

    >>> row = {"seed": 0, "changes": [], "cases": ["a", "b", "c", "d", "e"]}
    >>> ours = {**row, "model": "ours", "right": [1, 1, 1, 1, 0]}
    >>> paired_lines([ours, {**row, "model": "theirs", "right": [1, 1, 0, 0, 0]}])
    ['ours less theirs: +40.0 points (+0.0 to +80.0), 1 seed']

    Args:
        rows: Of one data set.
    """
    models: dict[tuple[str, bool], dict[int, Mapping[str, Any]]] = defaultdict(dict)
    for row in rows:
        if row.get("right"):
            models[row["model"], bool(row.get("changes"))][row["seed"]] = row
    lines, first = [], next(iter(models), ("", False))
    for (name, changed), theirs in models.items():
        ours = models[first]
        seeds = [seed for seed in sorted(ours.keys() & theirs.keys()) if ours[seed]["cases"] == theirs[seed]["cases"]]
        if seeds and changed == first[1] and name != first[0]:  # a quick look is compared with quick looks
            lines.append(_line(first[0], name, [ours[seed] for seed in seeds], [theirs[seed] for seed in seeds]))
    return lines


def _line(name: str, other: str, ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]]) -> str:
    right, wrong = (np.array([one["right"] for one in ones], dtype=float) for ones in (ours, theirs))
    found = paired_difference(right, wrong, ours[0]["cases"])
    low, high = found.low, found.high
    unknown = " (too few cases for an interval)" if len({*ours[0]["cases"]}) < FEWEST else ""
    interval = unknown if low is None or high is None else f" ({100 * low:+.1f} to {100 * high:+.1f})"
    seeds = "1 seed" if len(ours) == 1 else f"{len(ours)} seeds"
    return f"{name} less {other}: {100 * found.value:+.1f} points{interval}, {seeds}"
