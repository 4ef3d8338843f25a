"""Candidates: recipes for the same task among which the validation part chooses, never the test part."""

import math
import re
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float, Int

from saccade.core.errors import BadInput
from saccade.evaluation.metrics import evaluate_predictions
from saccade.training.recipe import Recipe

Criterion = Literal["loss", "auroc"]
"""What to choose by, on validation images: their cross-entropy, each image counting once, or the macro AUROC.

The loss is not that of ``history.csv``, where classes weigh as in training: candidates may weigh them differently.
"""

CRITERIA: tuple[Criterion, ...] = get_args(Criterion)

Scores = Mapping[str, float | None]
"""Both criteria; an area that is not defined is ``None``."""

_SMALLEST = 1e-12  # a probability of zero would make one image count more than all others


def variations(recipe: Recipe, tries: Sequence[str]) -> tuple[Recipe, ...]:
    """A recipe in all combinations of changes such as ``model.width=64,128``; the recipe itself where there are none.

    >>> recipe = Recipe.parse({"data": {"path": "cells"}, "model": {"name": "sparse-attn-net"}})
    >>> tried = variations(recipe, ["training.epochs=5,10", "training.seed=0,1"])
    >>> [(each.training.epochs, each.training.seed) for each in tried]
    [(5, 0), (5, 1), (10, 0), (10, 1)]

    Raises:
        BadInput: A change is not of that form, tries the same key as another, or is refused by the recipe.
    """
    changes = [_each_value(text) for text in tries]
    keys = [each[0].partition("=")[0] for each in changes]
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        raise BadInput(f"{twice} is tried twice", "write all its values behind one --try, with commas", "--try")
    for text, each in zip(tries, changes, strict=True):
        if len(set(each)) < len(each):
            raise BadInput(f"{text!r} names a value twice", "leave one of them out", "--try")
    return tuple(recipe.with_overrides(each) for each in product(*changes))


def _each_value(text: str) -> list[str]:
    """``key=1,2`` as ``key=1`` and ``key=2``; commas inside brackets belong to a value."""
    key, equals, values = text.partition("=")
    if not equals or not values.strip():
        remedy = "write section.key=value,value, such as training.learning_rate=1e-3,3e-4"
        raise BadInput(f"{text!r} tries nothing", remedy, "--try")
    apart = re.split(r",(?![^\[{]*[\]}])", values)
    return [f"{key.strip()}={value.strip()}" for value in apart]


def differing(candidates: Sequence[Recipe]) -> list[dict[str, Any]]:
    """For each candidate the values of those keys in which any of them differ."""
    keys = sorted({key for each in candidates for key in candidates[0].differences(each)})
    return [{key: _value(each.as_dict(), key) for key in keys} for each in candidates]


def _value(values: Any, key: str) -> Any:
    for name in key.split("."):
        values = values.get(name) if isinstance(values, Mapping) else None
    return values


def score(
    probabilities: Float[np.ndarray, "image class"], labels: Int[np.ndarray, " image"], classes: Sequence[str]
) -> dict[str, float | None]:
    """Both criteria of some validation images; rows of NaN, of images that could not be opened, are left out.

    Raises:
        BadInput: None could be opened.
    """
    known = np.isfinite(probabilities).all(axis=1)
    probabilities, labels = probabilities[known], labels[known]
    figures = evaluate_predictions(probabilities, labels, np.arange(len(labels)), classes, resamples=1)
    right = np.take_along_axis(probabilities, labels[:, None], axis=1)
    return {"loss": float(-np.log(np.maximum(right, _SMALLEST)).mean()), "auroc": figures.auroc.value}


def mean_score(scores: Sequence[Scores]) -> dict[str, float | None]:
    """The mean over several validation parts, of those in which a criterion is defined."""
    found: dict[str, float | None] = {}
    for name in CRITERIA:
        defined = [value for each in scores if (value := each[name]) is not None]
        found[name] = sum(defined) / len(defined) if defined else None
    return found


def best_of(scores: Sequence[Scores], by: Criterion) -> int:
    """The number of the best candidate, the first of equals.

    >>> scores = [{"loss": 0.9, "auroc": 0.8}, {"loss": 0.7, "auroc": 0.8}]
    >>> best_of(scores, "loss"), best_of(scores, "auroc")
    (1, 0)

    Raises:
        BadInput: There is a choice, and the criterion is defined for none.
    """
    values = [math.inf if (value := each[by]) is None else value * (1 if by == "loss" else -1) for each in scores]
    if len(values) > 1 and not any(map(math.isfinite, values)):
        raise BadInput(f"no candidate has a validation {by}", "validate on images of two classes, or choose by loss")
    return values.index(min(values))
