"""What came of a cross-validation: ``predictions.csv`` and ``metrics.json``."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from saccade.core.files import write_csv, write_json
from saccade.evaluation.fold_predictions import FoldPredictions, accuracy_difference
from saccade.training.candidates import differing
from saccade.training.cv_folder import CHOICE, METRICS, PREDICTIONS, TESTED, FoldPlan
from saccade.training.recipe import Recipe

_OF_A_FOLD = ("accuracy", "balanced_accuracy", "macro_f1", "auroc")


def write_results(
    out: Path, plan: FoldPlan, recipes: Mapping[str, Sequence[Recipe]], origin: str = ""
) -> dict[str, Any]:
    """Put the finished folds of each model together: a row for each image and model, and the figures of all.

    Each model has the figures of ``saccade evaluate`` over the images of all folds, with intervals over cases; the
    values of each fold, with what was chosen in it and the validation scores it was chosen by; and every model but the
    first the difference of its accuracy to that of the first, paired over cases.

    Args:
        out: The folder, all of whose folds are finished.
        plan: How cases were divided.
        recipes: By name of the model, its candidates.
        origin: ``simulated`` or the name of a proxy, where the images are that; the figures are to say it.

    Returns:
        What ``metrics.json`` holds.
    """
    folds = {name: [out / f"fold_{number}" / name for number in range(plan.folds)] for name in recipes}
    parts = {name: [FoldPredictions.load(folder / TESTED) for folder in folders] for name, folders in folds.items()}
    pooled = {name: FoldPredictions.joined(found) for name, found in parts.items()}
    first = next(iter(pooled.values()))
    rows = ((name, *row) for name, whole in pooled.items() for row in whole.table()[1])
    write_csv(out / PREDICTIONS, ("model", *first.table()[0]), rows)
    models: dict[str, Any] = {}
    for name, whole in pooled.items():
        difference = {} if whole is first else {"accuracy_less_first": accuracy_difference(whole, first).as_dict()}
        changes = differing(recipes[name])
        each = [_of_fold(*found, changes) for found in zip(folds[name], parts[name], strict=True)]
        failed = len(whole.images) - len(whole.predicted)
        models[name] = {**whole.metrics().as_dict(), "images_failed": failed, **difference, "folds": each}
    about = {"images": len(first.images), "cases": len({image.case for image in first.images})}
    said = {"simulated": origin.startswith("simulated"), "origin": origin}
    results = {**asdict(plan), **about, **said, "models": models}
    write_json(out / METRICS, results)
    return results


def _of_fold(folder: Path, tested: FoldPredictions, changes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The values of one fold, and the choice made in it."""
    choice = json.loads((folder / CHOICE).read_text(encoding="utf-8"))
    figures = tested.metrics(resamples=1).as_dict() if tested.predicted else {}
    values = {name: figures[name]["value"] if figures else None for name in _OF_A_FOLD}
    counts = {"images": len(tested.images), "images_failed": len(tested.images) - len(tested.predicted)}
    return {
        **counts,
        **values,
        "chosen": choice["chosen"],
        "changes": changes[choice["chosen"]],
        "validation": choice["validation"],
    }
