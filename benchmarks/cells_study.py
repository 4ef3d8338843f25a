"""Train and test models of single cells, one file per (study, seed): resumable, each file complete in itself.

    python benchmarks/cells_study.py --data ../shared/data/pbc_cells/manifest.csv --out benchmarks/results/cells-pbc-64

and on proxies:

    saccade proxy opd --data ../shared/data/pbc_cells/manifest.csv --out pbc-opd
    python benchmarks/cells_study.py --data pbc-opd --out benchmarks/results/cells-pbc-opd-64 --seeds 0

A study is a model and what its recipe changes. Everything else is the default recipe, the same for all: size,
augmentation, optimiser. The rows with a fixed share of the pixels, the controls among them, train for half the epochs:
they are compared with each other. Choices were made on the validation part; the test part is read once per file.
Wall time per file on one thread: 1 to 13 minutes, 23 for half of the pixels, 70 for all of them; `--only NAME` and
`--seeds` take a share.
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
from saccade.datasets.cells import CellData, open_data
from saccade.datasets.sources import origin_of
from saccade.evaluation.cost import count_flops, count_parameters
from saccade.evaluation.metrics import evaluate_predictions
from saccade.inference.fast import FastModel
from saccade.models.packaging import load_model
from saccade.training.recipe import Recipe
from saccade.training.train import train

SWEEP = (0.02, 0.05, 0.10, 0.15, 0.25, 0.50)
"""Shares of the pixels; all-pixels is the row of 100 %."""

SHORT = {"epochs": 60}
"""Half of the default recipe, for the rows that are compared with each other."""


def fixed(model: str, share: float, **options: Any) -> dict[str, Any]:
    """A recipe's changes: a model that keeps this share of the pixels from first to last."""
    return {"model": {"name": model, **options}, "budget": {"learn": False, "share": share}, "training": SHORT}


STUDIES: dict[str, dict[str, Any]] = {
    "tiny-cnn": {"model": {"name": "tiny-cnn"}},
    "sparse-attn-net": {"model": {"name": "sparse-attn-net"}},
    "sparse-attn-net 10%, all epochs": {**fixed("sparse-attn-net", 0.10), "training": {}},
    **{f"sparse-attn-net {share:.0%}": fixed("sparse-attn-net", share) for share in SWEEP},
    **{f"random-pixels {share:.0%}": fixed("random-pixels", share) for share in SWEEP[:4]},
    **{f"darkest-pixels {share:.0%}": fixed("intensity-pixels", share) for share in SWEEP[:4]},
    **{f"brightest-pixels {share:.0%}": fixed("intensity-pixels", share, order="brightest") for share in SWEEP[:4]},
    "all-pixels": {"model": {"name": "all-pixels"}, "training": SHORT},
}


def main() -> None:
    """Parse, then run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=list(STUDIES), choices=list(STUDIES), metavar="STUDY")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, help="for a quick look; the default recipe's if not given")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for seed in arguments.seeds:
        for study in arguments.only:
            target = arguments.out / f"{study.replace(' ', '-').replace('%', '').replace(',', '')}-seed{seed}.json"
            if target.exists():
                continue
            result = run_study(study, arguments.data, seed, arguments.epochs)
            write_text(target, json.dumps(result, indent=1) + "\n")
            print(f"{study}, seed {seed}: {result['accuracy']['value']:.4f}, read {result['pixels_read_fraction']:.3f}")


def run_study(study: str, data: str, seed: int, epochs: int | None) -> dict[str, Any]:
    """Train on the training part, stop and choose on the validation part, read the test part once."""
    recipe = Recipe.parse({"data": {"path": data}, **STUDIES[study]}).with_overrides(
        [f"training.seed={seed}", *([f"training.epochs={epochs}"] if epochs else [])]
    )
    with tempfile.TemporaryDirectory() as scratch:
        start = time.perf_counter()
        run = train(recipe, Path(scratch) / "run")
        seconds = time.perf_counter() - start
        package = load_model(run)
    cells = open_data(data, size=recipe.data.size).part("test")
    normalised = package.preprocessing.normalise(cells.images)
    prediction = FastModel(package.model)(normalised)
    probabilities = prediction.probabilities.double().numpy()
    metrics = evaluate_predictions(
        probabilities, cells.labels.numpy(), [row.case for row in cells.rows], cells.classes
    ).as_dict()
    return {
        "model": study,
        "data": name_of(cells),
        "part": "test",
        "seed": seed,
        **metrics,
        "parameters": count_parameters(package.model),
        "flops_per_image": count_flops(package.model, normalised[:1]),
        "epochs": recipe.training.epochs,
        "budget": package.model.budget,
        "pixels_read_fraction": float(prediction.cost.pixels_read_fraction.mean()),
        "pixels_looked_fraction": float(prediction.cost.pixels_looked_fraction.mean()),
        "seconds_training": round(seconds, 1),
        "predicted": [int(each) for each in probabilities.argmax(axis=1)],
        "labels": cells.labels.tolist(),
        "cases": [row.case for row in cells.rows],
        "confidence": np.round(probabilities.max(axis=1), 4).tolist(),
        "recipe": {k: v for k, v in recipe.as_dict().items() if k != "data"},
        "machine": describe_machine(),
    }


def name_of(cells: CellData) -> str:
    """The data set's folder, what is to be said of it, and size, free of where it lies on this machine."""
    source = Path(cells.manifest.source)
    name = source.parent.name if source.suffix == ".csv" else source.stem
    return " ".join(part for part in (name, origin_of(cells.manifest), f"{cells.preprocessing.size} px") if part)


if __name__ == "__main__":
    main()
