"""Train and test models of fields on composed fields, one file per (task, study, seed): resumable.

    python benchmarks/fields_study.py --crops ../shared/data/pbc_cells --backgrounds ../shared/data/rbc_fields/images \
        --work /tmp/fields --out benchmarks/results/fields-composed

The fields are composed of real crops on real backgrounds: a proxy, called that in every table. *plain* fields hold one
cell among red cells, *distractors* three cells of other classes beside it. Choices were made on the validation part;
the test part is read once per file.
Wall time per file: 3 to 10 minutes on one thread; `--only NAME`, `--tasks` and `--seeds` take a share.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import describe_machine

from saccade.core.files import write_text
from saccade.datasets.composers import compose_fields
from saccade.datasets.fields import open_fields
from saccade.evaluation.cost import count_flops, count_parameters
from saccade.evaluation.metrics import evaluate_predictions
from saccade.inference.fast import FastModel
from saccade.models import options_of
from saccade.models.packaging import load_model
from saccade.training.recipe import Recipe
from saccade.training.train import train

COUNTS = {"train": 800, "val": 120, "test": 400}
TASKS = {"plain": 0, "distractors": 3}
"""Cells of classes outside the task in each field."""

OURS: dict[str, Any] = {"name": "attention-sampling", "budget": 5, "patch": 64, "factor": 8}


def control(name: str, **options: Any) -> dict[str, Any]:
    """A recipe's changes for a model that reads the same number of patches of the same size."""
    kept = {option: value for option, value in OURS.items() if option in options_of(name)}
    return {"model": {**kept, "name": name, **options}}


STUDIES: dict[str, dict[str, Any]] = {
    "attention-sampling": {"model": OURS},
    "from scratch": {"model": OURS, "curriculum": None},
    "without replacement": {"model": {**OURS, "estimator": "distinct"}},
    "uniform-patches": control("uniform-patches"),
    "stain-patches": control("stain-patches"),
    "oracle-patches": control("oracle-patches"),
}


def main() -> None:
    """Parse, compose what is not there, then run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crops", type=Path, required=True)
    parser.add_argument("--backgrounds", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="where the composed fields are kept")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tasks", nargs="*", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--only", nargs="*", default=list(STUDIES), choices=list(STUDIES), metavar="STUDY")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--set", dest="changes", nargs="*", default=[], help="for a quick look: changes to the recipe")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for task in arguments.tasks:
        data = composed(task, arguments.work / task, arguments.crops, arguments.backgrounds)
        for seed in arguments.seeds:
            for study in arguments.only:
                target = arguments.out / f"{task}-{study.replace(' ', '-')}-seed{seed}.json"
                if not target.exists():
                    result = run_study(task, study, data, seed, arguments.changes)
                    write_text(target, json.dumps(result, indent=1) + "\n")
                    print(f"{task}, {study}, seed {seed}: {result['accuracy']['value']:.4f}, {result['pointing']}")


def composed(task: str, folder: Path, crops: Path, backgrounds: Path) -> Path:
    """The task's fields, composed if they are not there yet."""
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        others = ("basophil", "erythroblast", "ig")  # platelets, enlarged to the size of a cell, would look absurd
        chosen: dict[str, Any] = {"distractors": TASKS[task], "distractor_classes": others} if TASKS[task] else {}
        compose_fields(folder, crops, backgrounds, counts=COUNTS, quality=95, **chosen)
    return manifest


def run_study(task: str, study: str, data: Path, seed: int, changes: list[str]) -> dict[str, Any]:
    """Train on the training part, stop and choose on the validation part, read the test part once."""
    recipe = Recipe.parse({"data": {"path": str(data)}, **STUDIES[study]})
    recipe = recipe.with_overrides([f"training.seed={seed}", *changes])
    with tempfile.TemporaryDirectory() as scratch:
        start = time.perf_counter()
        run = train(recipe, Path(scratch) / "run")
        seconds = time.perf_counter() - start
        package = load_model(run)
        history = (run / "history.csv").read_text().splitlines()
    preprocessing = package.preprocessing
    fields = open_fields(data, mean=preprocessing.mean, std=preprocessing.std, parts=("test",))
    prediction = FastModel(package.model)(fields.images)
    probabilities = prediction.probabilities.double().numpy()
    cases = [row.case for row in fields.rows]
    metrics = evaluate_predictions(probabilities, fields.labels.numpy(), cases, fields.classes).as_dict()
    return {
        "model": study,
        "data": f"composed fields, {task}: proxy data",
        "part": "test",
        "seed": seed,
        **metrics,
        "pointing": pointing(prediction.sites, fields.images.boxes),
        "parameters": count_parameters(package.model),
        "flops_per_image": count_flops(package.model, fields.images.take(torch.tensor([0]))),
        "epochs": recipe.training.epochs,
        "pixels_read_fraction": float(prediction.cost.pixels_read_fraction.mean()),
        "pixels_looked_fraction": float(prediction.cost.pixels_looked_fraction.mean()),
        "seconds_training": round(seconds, 1),
        "predicted": [int(each) for each in probabilities.argmax(axis=1)],
        "labels": fields.labels.tolist(),
        "cases": cases,
        "confidence": np.round(probabilities.max(axis=1), 4).tolist(),
        "history": history,
        "recipe": {k: v for k, v in recipe.as_dict().items() if k != "data"},
        "machine": describe_machine(),
    }


def pointing(sites: Any, boxes: torch.Tensor | None) -> dict[str, float] | None:
    """Heaviest site in the box, weight in the box and sites in the box, by their centres."""
    if boxes is None:
        return None
    centres = (sites.boxes[..., :2] + sites.boxes[..., 2:]) / 2
    inside = (centres[:, :, None] >= boxes[:, None, :, :2]) & (centres[:, :, None] < boxes[:, None, :, 2:])
    hits = inside.all(-1).any(-1).float()
    heaviest = hits.gather(1, sites.weights.argmax(1, keepdim=True))
    return {
        "heaviest_in_box": round(heaviest.mean().item(), 4),
        "weight_in_box": round((hits * sites.weights).sum(1).mean().item(), 4),
        "sites_in_box": round(hits.mean().item(), 4),
        "any_in_box": round(hits.amax(1).mean().item(), 4),
    }


if __name__ == "__main__":
    main()
