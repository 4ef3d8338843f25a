"""Train and test models of fields on composed fields, one file per (task, study, seed): resumable.

    python benchmarks/fields_study.py --data ../shared/data --work /tmp/fields --out benchmarks/results/fields-composed

*plain* and *distractors*: real crops on real backgrounds, a proxy, called that in every table; one cell of the task
among red cells, alone or beside three cells of other classes. *digits*: megapixel-MNIST at 375 × 375, of which three of
five digits agree. The test part is read once per file.
Wall time per file: 3 to 15 minutes on one thread; `--only NAME`, `--tasks` and `--seeds` take a share.
"""

import argparse
import csv
import json
import math
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import describe_machine

from saccade.core.contract import SparseClassifier
from saccade.core.files import write_text
from saccade.core.manifest import PARTS
from saccade.core.results import Prediction
from saccade.datasets.composers import compose_digit_fields, compose_fields
from saccade.datasets.fields import open_fields
from saccade.evaluation.cost import count_flops, count_parameters
from saccade.evaluation.metrics import evaluate_predictions
from saccade.explanation.box_pointing import BoxPointing, box_pointing
from saccade.explanation.field_maps import field_maps
from saccade.imaging.rasters import Rasters
from saccade.inference.fast import FastModel
from saccade.models import options_of
from saccade.models.packaging import load_model
from saccade.training.recipe import Recipe
from saccade.training.train import train


@dataclass(frozen=True)
class Task:
    """Fields to compose, and how our method is set for them; the controls read as much.

    Attributes:
        what: The data, in words, as every result has it.
        ours: Options of attention sampling.
        changes: Changes to every model's recipe.
        compose: From an empty folder and that of the shared data to the fields.
        studies: Names of the studies that make sense here.
    """

    what: str
    ours: dict[str, Any]
    changes: tuple[str, ...]
    compose: Callable[[Path, Path], object]
    studies: tuple[str, ...]


def cells(folder: Path, data: Path, **distractors: Any) -> object:
    """White cells of PBC on smears of RBC-12."""
    counts = {"train": 800, "val": 120, "test": 400}
    crops = folder.with_name("crops")
    shutil.copytree(data / "pbc_cells", crops, dirs_exist_ok=True, copy_function=shutil.copyfile)
    write_text(crops / "manifest.csv", exchanged(data / "pbc_cells" / "manifest.csv"))
    kept: dict[str, Any] = {"counts": counts, "quality": 95, "seed": _UNSEEN}
    return compose_fields(folder, crops, data / "rbc_fields" / "images", **kept, **distractors)


def exchanged(manifest: Path) -> str:
    """The crops' manifest with all test crops in training, and others, drawn from the training part, in their place.

    Fields of the given test crops had been seen while the last choices were made; no figure of the new ones had.
    """
    rows = list(csv.DictReader(manifest.read_text(encoding="utf-8").splitlines()))
    rng = np.random.default_rng(_UNSEEN)
    fresh: set[str] = set()
    for label in sorted({row["label"] for row in rows}):
        held = {part: [row["path"] for row in rows if (row["label"], row["split"]) == (label, part)] for part in PARTS}
        fresh |= set(rng.choice(held["train"], len(held["test"]), replace=False).tolist())
    lines = ["path,label,split"]
    for row in rows:
        part = "test" if row["path"] in fresh else "train" if row["split"] == "test" else row["split"]
        lines.append(f"{row['path']},{row['label']},{part}")
    return "\n".join(lines) + "\n"


def cells_with_distractors(folder: Path, data: Path) -> object:
    """The same beside three cells of classes outside the task."""
    others = ("basophil", "erythroblast", "ig")  # platelets, enlarged to the size of a cell, would look absurd
    return cells(folder, data, distractors=3, distractor_classes=others)


def digits(folder: Path, data: Path) -> object:
    """2,000 fields of 375 × 375 with digits of the first three classes."""
    images, labels = (data / "mnist" / f"t10k-{name}-ubyte.gz" for name in ("images-idx3", "labels-idx1"))
    return compose_digit_fields(folder, images, labels, classes=(0, 1, 2), size=375)


_UNSEEN = 1
"""Seed of the composer and of the exchanged crops."""

_OF_CELLS: dict[str, Any] = {"name": "attention-sampling", "budget": 5, "patch": 64, "factor": 8}
_OF_DIGITS: dict[str, Any] = {"name": "attention-sampling", "budget": 10, "patch": 28, "factor": 8}
_UPRIGHT = ("data.augmentation.flip=false", "training.epochs=40")  # a mirrored 2 is none
_ROWS = ("attention-sampling", "from scratch", "without replacement", "uniform-patches", "oracle-patches")

TASKS = {
    "plain": Task(
        "composed fields, plain: proxy data", _OF_CELLS, (), cells, (*_ROWS, "stain-patches", "downscaled-cnn")
    ),
    "distractors": Task(
        "composed fields, distractors: proxy data",
        _OF_CELLS,
        (),
        cells_with_distractors,
        (*_ROWS, "stain-patches", "downscaled-cnn"),
    ),
    "digits": Task(
        "megapixel-MNIST, 375 × 375, digits 0 to 2: composed", _OF_DIGITS, _UPRIGHT, digits, (*_ROWS, "downscaled-cnn")
    ),
}

STUDIES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "attention-sampling": ("attention-sampling", {}, {}),
    "from scratch": ("attention-sampling", {}, {"curriculum": None}),
    "without replacement": ("attention-sampling", {"estimator": "distinct"}, {}),
    "uniform-patches": ("uniform-patches", {}, {}),
    "stain-patches": ("stain-patches", {}, {}),
    "oracle-patches": ("oracle-patches", {}, {}),
    "downscaled-cnn": ("downscaled-cnn", {}, {}),
}
"""The model, what it changes of the task's options, and of the recipe."""


def recipe_of(task: str, study: str, data: Path, seed: int, changes: Sequence[str] = ()) -> Recipe:
    """The recipe of one file: a control reads as many patches of the same size as our method does."""
    name, options, rest = STUDIES[study]
    kept = {option: value for option, value in TASKS[task].ours.items() if option in options_of(name)}
    recipe = Recipe.parse({"data": {"path": str(data)}, "model": {**kept, "name": name, **options}, **rest})
    return recipe.with_overrides([f"training.seed={seed}", *TASKS[task].changes, *changes])


def main() -> None:
    """Parse, compose what is not there, then run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="holds pbc_cells, rbc_fields and mnist")
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
        data = composed(task, arguments.work / task, arguments.data)
        for seed in arguments.seeds:
            for study in (name for name in TASKS[task].studies if name in arguments.only):
                target = arguments.out / f"{task}-{study.replace(' ', '-')}-seed{seed}.json"
                if not target.exists():
                    result = run_study(task, study, data, seed, arguments.changes)
                    write_text(target, json.dumps(result, indent=1) + "\n")
                    print(f"{task}, {study}, seed {seed}: {result['accuracy']['value']:.4f}, {result['pointing']}")


def composed(task: str, folder: Path, data: Path) -> Path:
    """The task's fields, composed if they are not there yet."""
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        TASKS[task].compose(folder, data)
    return manifest


def run_study(task: str, study: str, data: Path, seed: int, changes: list[str]) -> dict[str, Any]:
    """Train on the training part, stop and choose on the validation part, read the test part once."""
    recipe = recipe_of(task, study, data, seed, changes)
    with tempfile.TemporaryDirectory() as scratch:
        start = time.perf_counter()
        run = train(recipe, Path(scratch) / "run")
        seconds = time.perf_counter() - start
        package = load_model(run)
        history = (run / "history.csv").read_text().splitlines()
    preprocessing = package.preprocessing
    test = open_fields(data, mean=preprocessing.mean, std=preprocessing.std, parts=("test",))
    prediction = FastModel(package.model)(test.images)
    probabilities = prediction.probabilities.double().numpy()
    cases = [row.case for row in test.rows]
    metrics = evaluate_predictions(probabilities, test.labels.numpy(), cases, test.classes).as_dict()
    return {
        "model": study,
        "data": TASKS[task].what,
        "part": "test",
        "seed": seed,
        **metrics,
        "pointing": pointing(package.model, prediction, test.images),
        "parameters": count_parameters(package.model),
        "flops_per_image": count_flops(package.model, test.images.take(torch.tensor([0]))),
        "epochs": recipe.training.epochs,
        "pixels_read_fraction": float(prediction.cost.pixels_read_fraction.mean()),
        "pixels_looked_fraction": float(prediction.cost.pixels_looked_fraction.mean()),
        "seconds_training": round(seconds, 1),
        "predicted": [int(each) for each in probabilities.argmax(axis=1)],
        "labels": test.labels.tolist(),
        "cases": cases,
        "confidence": np.round(probabilities.max(axis=1), 4).tolist(),
        "history": history,
        "recipe": {k: v for k, v in recipe.as_dict().items() if k != "data"},
        "machine": describe_machine(),
    }


def pointing(model: SparseClassifier, prediction: Prediction, images: Rasters) -> dict[str, float | None] | None:
    """Means over the fields: heaviest patch in the box, weight, patches and the map's probability inside."""
    if images.boxes is None:
        return None
    measured = []
    for row in range(len(images)):
        one = images.take(torch.tensor([row]))
        assert one.boxes is not None
        boxes, maps = one.boxes[0][one.boxes[0].isfinite().all(1)], field_maps(model, one)
        height, width = one.extents[0].tolist()
        measured.append(box_pointing(prediction.sites[row], boxes, (height, width), maps[0] if maps else None))
    whole = BoxPointing.concatenate(measured)
    means = {field.name: float(getattr(whole, field.name).mean()) for field in fields(whole)}
    return {name: None if math.isnan(value) else round(value, 4) for name, value in means.items()}


if __name__ == "__main__":
    main()
