"""SPAN beside every peer on virtual smears, a proxy: nested cross-validation over bags of a Saccade cell model.

    python benchmarks/slides_smears.py --data ../shared/data --work /tmp/smears \
        --out benchmarks/results/2026-11-22-slides-smears.json

There are no slides with labels here, so they are composed: crops of pbc_cells pasted on fields of rbc_fields. A slide
is "present" where one to three of its cells are basophils, else "absent" (`--task neighbours`: whether pairs of cells
are of one class or of two). The crops have no patient ids; donors are made up, each with crops and backgrounds of its
own (`smear_donors.py`), and are the cases that no fold cuts. The cell model, a tiny CNN, learns from windows of other
smears (`smear_windows.py`), of pbc_cells' training part, of which no crop is on any slide, on backgrounds that no donor
has. What is found holds for this proxy, not for patients.

All models have the same bags, folds, width, epochs and two learning rates, one of which each fold chooses by
validation loss. Nothing else was tuned. AUROC pools the test parts of all folds, whose models are different ones.
Given again, the command goes on where it was stopped. Time: about half an hour of one core.
"""

import argparse
import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import describe_machine
from smear_donors import LEFT_OUT, compose_donors, dealt_backgrounds, encoder_crops
from smear_windows import compose_windows
from stage_clock import Clock

from saccade.core.files import write_json
from saccade.datasets.cells import open_data
from saccade.datasets.composers.virtual_smears import SmearSettings
from saccade.evaluation.comparison import paired_difference
from saccade.evaluation.cost import count_parameters
from saccade.evaluation.figures import CaseRanks
from saccade.evaluation.fold_predictions import FoldPredictions, accuracy_difference
from saccade.evaluation.intervals import CaseBootstrap, percentile_interval
from saccade.features.embedding.job import Job, plan
from saccade.features.embedding.job_files import write_job
from saccade.features.embedding.local import embed_here
from saccade.features.embedding.reading import Pace
from saccade.features.embedding.settings import EmbedSettings
from saccade.features.patching import PatchSettings
from saccade.imaging.slides.finding import inspect_slides
from saccade.inference.encoders import open_encoder
from saccade.models.packaging import load_model
from saccade.training.candidates import variations
from saccade.training.cross_validation import cross_validate
from saccade.training.recipe import Recipe
from saccade.training.train import train

WIDTH = 64
MODELS: dict[str, dict[str, int]] = {
    "span": {"width": WIDTH},
    "mean-pooling": {"width": WIDTH},
    "max-pooling": {"width": WIDTH},
    "gated-abmil": {"width": WIDTH, "hidden": 3 * WIDTH // 4},
    "clam-sb": {"width": WIDTH, "hidden": WIDTH // 2},
    "dsmil": {},
    "transmil": {"width": WIDTH},
    "slide-transformer": {"width": WIDTH},
}
"""All as wide as a patch's features, inner layers in their published proportions."""

RATES = "training.learning_rate=0.001,0.0003"
PATCHES = PatchSettings(mpp=0.25, patch=96, overlap=48, min_tissue=0.25)
"""A patch holds a cell at about the size that crops do; with half of it shared, one patch or another has it whole."""

SETTINGS = {"size": 1024, "cells": (10, 22), "pairs": 4, "mpp": 0.25}
RESAMPLES = 10_000


def train_encoder(run: Path, data: Path, epochs: int) -> dict[str, Any]:
    """Train the model of cells on windows of smears of its own."""
    recipe = Recipe.parse({
        "data": {"path": str(data), "augmentation": {"offset": 0.1, "gain": 0.2}},
        "model": {"name": "tiny-cnn"},
        "training": {"epochs": epochs, "class_weights": "inverse"},
    })  # fmt: skip
    train(recipe, run, resume=True, accelerator="cpu")
    with open(run / "history.csv", encoding="utf-8") as file:
        best = min(csv.DictReader(file), key=lambda row: float(row["val_loss"]))
    opened = open_data(data, 64)
    counts = {part: len(opened.part(part)) for part in ("train", "val")}
    return {"model": "tiny-cnn", "features": 64, "epochs": epochs, "windows": counts, "classes": opened.classes,
            "validation_accuracy": float(best["val_accuracy"])}  # fmt: skip


def embed(manifest: Path, folder: Path, run: Path) -> dict[str, Any]:
    """Embed what is not embedded yet; how many patches slides have."""
    encoder = open_encoder(f"saccade:{run}")
    settings = EmbedSettings({"name": encoder.name, **encoder.facts}, PATCHES)
    job = Job(folder, settings, *inspect_slides(manifest))
    work = plan(job, job.items)
    write_job(job)
    made = list(embed_here(job, work.todo, encoder, Pace(1), lambda item: lambda done, total: None))
    states = [*work.done, *made]
    if without := [f"{state.slide}: {state.status} {state.error}" for state in states if not state.patches]:
        raise SystemExit(f"{len(without)} slides have no features: {without[0]}")
    counts = [state.patches or 0 for state in states]
    return {"least": min(counts), "median": float(np.median(counts)), "most": max(counts)}


def recipes(manifest: Path, features: Path, epochs: int) -> dict[str, tuple[Recipe, ...]]:
    """The candidates of each model."""
    data = {"path": str(manifest), "features": str(features)}
    training = {"epochs": epochs, "batch_size": 4}
    return {
        name: variations(
            Recipe.parse({"data": data, "model": {"name": name, **options}, "training": training}), [RATES]
        )
        for name, options in MODELS.items()
    }


def predictions(cv: Path, name: str, folds: int) -> FoldPredictions:
    """What a model said of all slides."""
    paths = [cv / f"fold_{number}" / name / "tested.csv" for number in range(folds)]
    return FoldPredictions.joined([FoldPredictions.load(path) for path in paths])


def auroc_difference(one: FoldPredictions, other: FoldPredictions) -> dict[str, float | None]:
    """Area under the ROC curve of one model less that of the other; both meet the same resampled cases."""
    if [image.name for image in one.predicted] != [image.name for image in other.predicted]:
        raise ValueError("the models were tested on different slides")
    bootstrap = CaseBootstrap.of([image.case for image in one.predicted], RESAMPLES)
    ranks = [CaseRanks(each.probabilities[:, 1], each.labels == 1, bootstrap.index) for each in (one, other)]

    def gain(weights: np.ndarray) -> np.ndarray:
        return ranks[0].auroc(weights) - ranks[1].auroc(weights)

    value = float(gain(np.ones((bootstrap.count, 1)))[0])
    samples = np.concatenate([gain(weights) for weights in bootstrap.blocks()])
    return percentile_interval(value, samples, bootstrap.count).as_dict()


def compare(cv: Path, found: dict[str, Any], seconds: dict[str, dict[str, float]]) -> dict[str, Any]:
    """The figures of each model, and what SPAN has over it."""
    span, rows = predictions(cv, "span", found["folds"]), {}
    for name, model in found["models"].items():
        own = predictions(cv, name, found["folds"])
        rows[name] = {
            "options": MODELS[name],
            "parameters": count_parameters(load_model(cv / "fold_0" / name / "try_0").model),
            **{figure: model[figure] for figure in ("accuracy", "balanced_accuracy", "auroc")},
            "folds": model["folds"],
            "seconds_trainings_and_tests": seconds.get(name),
        }
        if name != "span":
            rows[name]["span_less_this"] = {
                "accuracy": accuracy_difference(span, own).as_dict(),
                "auroc": auroc_difference(span, own),
            }
    right = span.right.astype(float)
    chance = paired_difference(right, np.full_like(right, 0.5), [image.case for image in span.predicted])
    rows["span"]["accuracy_less_one_half"] = chance.as_dict()
    return rows


def in_all(seconds: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Seconds of each stage, the cross-validation of all models as one, and their sum."""
    stages = {name: each for name, each in seconds.items() if name not in MODELS}
    validating = [each for name, each in seconds.items() if name in MODELS]
    stages["cross-validation"] = _sum(validating)
    return {**stages, "all": _sum([*stages.values()])}


def _sum(many: list[dict[str, float]]) -> dict[str, float]:
    return {key: round(sum(each[key] for each in many), 1) for key in ("clock", "processor")}


def study(arguments: argparse.Namespace) -> dict[str, Any]:
    """All stages, each unless it is done; what came of them."""
    work, clock = arguments.work, Clock(arguments.work / "seconds.json")
    cells, backgrounds = arguments.data / "pbc_cells" / "manifest.csv", arguments.data / "rbc_fields" / "images"
    settings, manifest = SmearSettings(task=arguments.task, **SETTINGS), work / "smears" / "manifest.csv"
    facts = work / "facts.json"
    if not facts.is_file():
        with clock.stage("cell model"):
            apart = dealt_backgrounds(backgrounds, arguments.donors)[1]
            compose_windows(work / "windows", encoder_crops(cells), apart, settings, PATCHES.patch)
            encoder = train_encoder(work / "cell-model", work / "windows" / "manifest.csv", arguments.encoder_epochs)
        if not manifest.is_file():
            with clock.stage("composing"):
                compose_donors(work / "smears", cells, backgrounds, arguments.donors, arguments.smears, settings)
        with clock.stage("embedding"):
            patches = embed(manifest, work / "bags", work / "cell-model")
        write_json(facts, {"encoder": encoder, "patches": patches})
        print(facts.read_text(), flush=True)
    candidates = recipes(manifest, work / "bags", arguments.epochs)
    found = cross_validate(candidates, work / "cv", arguments.folds, tell=clock.told, accelerator="cpu")
    clock.ended()
    return {
        "data": "virtual smears composed of pbc_cells on rbc_fields: a proxy, no patients",
        "task": arguments.task,
        "slides": found["images"],
        "made_up_donors": found["cases"],
        "composed": {**SETTINGS, "classes_left_out": LEFT_OUT},
        **json.loads(facts.read_text()),
        "patch": {"pixels": PATCHES.patch, "overlap": PATCHES.overlap, "mpp": PATCHES.mpp},
        "folds": found["folds"],
        "epochs": arguments.epochs,
        "batch_size": 4,
        "tried": RATES,
        "chosen_by": found["choose_by"],
        "intervals": "95 %, bootstrap over made-up donors",
        "models": compare(work / "cv", found, clock.seconds),
        "seconds": in_all(clock.seconds),
        "machine": describe_machine(),
    }


def main() -> None:
    """Parse, do what is missing, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of pbc_cells and rbc_fields")
    parser.add_argument("--work", type=Path, required=True, help="what is finished in it is not done again")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--task", choices=["rare", "neighbours"], default="rare")
    numbers = {"donors": 30, "smears": 5, "folds": 5, "epochs": 40, "encoder-epochs": 30, "threads": 1}
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.work.mkdir(parents=True, exist_ok=True)
    result = study(arguments)
    write_json(arguments.out, result)
    for name, row in result["models"].items():
        print(name, row["parameters"], row["accuracy"], row["auroc"], row.get("span_less_this"))


if __name__ == "__main__":
    main()
