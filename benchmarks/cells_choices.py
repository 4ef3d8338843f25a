"""Choices of SparseAttnNet, compared on validation folds alone: the test part is never opened.

    python benchmarks/cells_choices.py --data ../shared/data/pbc_cells/manifest.csv \\
        --out benchmarks/results/cells-choices

Training and validation part together are divided into five stratified folds; each of the first three is predicted once,
by a model trained on the other four. The epoch kept is the one with the lowest loss on the fold itself: differences
count, levels are a little too good. Where the share is found in training, only the last half of the epochs counts, and
the fold's loss chooses the share. Every choice changes what its name says in a base (KL at 0.1, 10 % of the pixels from
first to last) and has half the epochs of the default recipe, or all where it says so. Differences are paired over
images.

One file per choice and fold, each complete in itself; what is there is not run again. About 3 minutes each on a core,
8 with all epochs.
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
from sklearn.model_selection import StratifiedKFold

from saccade.core.files import write_text
from saccade.core.registry import Entry
from saccade.datasets.cells import CellData
from saccade.inference.fast import FastModel
from saccade.models import MODELS
from saccade.models.packaging import load_model
from saccade.training.recipe import Recipe
from saccade.training.train import open_parts, train

FOLDS, RUN = 5, 3
SHARE, EPOCHS = 0.10, 60

CHOICES: dict[str, dict[str, Any]] = {
    "base": {},
    "no look bias": {"look_bias": False},
    "bce": {"distillation": "bce"},
    "kl, strength 1": {"distillation_strength": 1.0},
    "bce, strength 1": {"distillation": "bce", "distillation_strength": 1.0},
    "no distillation": {"distillation_strength": 0.0},
    "neither distillation nor look bias": {"distillation_strength": 0.0, "look_bias": False},
    "no exploration": {"random_share": 0.0},
    "bce, strength 1, no exploration": {"distillation": "bce", "distillation_strength": 1.0, "random_share": 0.0},
}
"""What each changes in the base."""

BASE: dict[str, Any] = {"name": "sparse-attn-net", "distillation": "kl", "distillation_strength": 0.1}

OTHERS: dict[str, dict[str, Any]] = {
    "two looks": {"name": "two-looks"},
    "tiny-cnn": {"name": "tiny-cnn"},
}
"""Other models: a variant that is no part of Saccade (`two_looks.py`), and the bar."""

DEFAULT: dict[str, Any] = {"distillation": "bce", "distillation_strength": 1.0}
"""What the default recipe's model has in place of the base's."""

BUDGETS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "5 % of the pixels": ({}, {"learn": False, "share": 0.05}),
    "5 %, bce, strength 1": (DEFAULT, {"learn": False, "share": 0.05}),
    "5 %, bce, strength 1, no look bias": ({**DEFAULT, "look_bias": False}, {"learn": False, "share": 0.05}),
    "2 %, bce, strength 1": (DEFAULT, {"learn": False, "share": 0.02}),
    "2 %, bce, strength 1, no look bias": ({**DEFAULT, "look_bias": False}, {"learn": False, "share": 0.02}),
    "15 %, bce, strength 1": (DEFAULT, {"learn": False, "share": 0.15}),
    "share found, bce, strength 1": (DEFAULT, {"learn": True}),
}
"""What each changes in the base and in the budget; all others read 10 % from first to last."""

ALL_EPOCHS: dict[str, str] = {
    f"{name}, all epochs": name for name in ("share found, bce, strength 1", "15 %, bce, strength 1")
}
"""Choices again with all epochs of the default recipe; the first of them is that recipe."""

MODELS.add(Entry("two-looks", "two_looks:two_looks", "cell", "method", "reads half, then decides", "our variant"))


def folds_of(data: CellData) -> list[CellData]:
    """Training and validation part divided anew: in each, one fold validates and the others train."""
    known = data.take([place for place, row in enumerate(data.rows) if row.split in ("train", "val")])
    labels = known.labels.numpy()
    parts = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(labels, labels)
    return [
        known.with_parts(["val" if place in set(held) else "train" for place in range(len(labels))]).fitted()
        for _, held in parts
    ]


def run(name: str, fold: CellData, data: str) -> dict[str, Any]:
    """Train one choice on a fold; what it takes the fold's images for."""
    epochs = {} if name in ALL_EPOCHS else {"epochs": EPOCHS}
    name = ALL_EPOCHS.get(name, name)
    changes, share = BUDGETS.get(name, (CHOICES.get(name, {}), {"learn": False, "share": SHARE}))
    model = OTHERS.get(name, {**BASE, **changes})
    budget = {} if name == "tiny-cnn" else {"budget": share}
    recipe = Recipe.parse({"data": {"path": data}, "model": model, "training": epochs, **budget})
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        package = load_model(train(recipe, Path(scratch) / "run", data=fold))
    held = fold.part("val")
    prediction = FastModel(package.model)(package.preprocessing.normalise(held.images))
    probabilities = prediction.probabilities.double().numpy()
    right = probabilities[np.arange(len(held)), held.labels.numpy()]
    return {
        "epochs": recipe.training.epochs,
        "pixels_read_fraction": float(prediction.cost.pixels_read_fraction.mean()),
        "accuracy": float((probabilities.argmax(1) == held.labels.numpy()).mean()),
        "loss": float(-np.log(right.clip(1e-9)).mean()),
        "right": (probabilities.argmax(1) == held.labels.numpy()).astype(int).tolist(),
        "of_right": np.round(right, 4).tolist(),
        "seconds": round(time.perf_counter() - start, 1),
    }


def main() -> None:
    """Run what is missing, fold by fold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=Path, required=True)
    names = [*CHOICES, *BUDGETS, *OTHERS, *ALL_EPOCHS]
    parser.add_argument("--only", nargs="*", default=names, choices=names, metavar="CHOICE")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    recipe = Recipe.parse({"data": {"path": arguments.data}, "model": {"name": "tiny-cnn"}})
    data = open_parts(recipe.data, ("train", "val"))
    assert isinstance(data, CellData)
    for number, fold in list(enumerate(folds_of(data)))[:RUN]:
        for name in arguments.only:
            words = name.replace(",", "").replace(" %", "").replace(" ", "-")
            target = arguments.out / f"{words}-fold{number}.json"
            if not target.exists():
                found = {"choice": name, "fold": number, **run(name, fold, arguments.data)}
                write_text(target, json.dumps({**found, "machine": describe_machine()}, indent=1) + "\n")
                print(f"fold {number}, {name}: {found['accuracy']:.4f}, loss {found['loss']:.4f}", flush=True)


if __name__ == "__main__":
    main()
