"""What SparseAttnNet's maps are worth on simulated cells in three modalities, one file per (modality, model, seed).

    python benchmarks/cells_faithful.py --out benchmarks/results/cells-faithful

and, as far as it can be told without a truth, on real ones:

    python benchmarks/cells_faithful.py --out benchmarks/results/cells-faithful \\
        --modalities pbc --data ../shared/data/pbc_cells/manifest.csv

The same simulated cells in each modality, the default recipe, the test part read once per file. A file holds accuracy;
the weight inside the cell and inside its nucleus, with the share of the area as chance; areas under deletion and
insertion curves beside those of random, of darkest and of brightest pixels; and small weight maps of a few test images,
from which `agreement` tells how alike those of different seeds are. What is simulated says how a map behaves where the
truth is known, and nothing about real cells. Of real cells there are no masks, and what is measured are the images of
the validation part: the test part is read for tables alone. About 5 minutes per file on a core, 7 of PBC.
"""

import argparse
import itertools
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from machine import describe_machine
from torch import Tensor

from saccade.core.files import write_text
from saccade.core.results import Sites
from saccade.datasets.cells import CellData, open_data
from saccade.datasets.simulators.cell_sets import MODALITIES, write_dataset
from saccade.evaluation.metrics import evaluate_predictions
from saccade.explanation.faithfulness import faithfulness
from saccade.explanation.maps import weight_map
from saccade.explanation.pointing import pointing
from saccade.imaging.image_files import load_image
from saccade.models.packaging import Package, load_model
from saccade.training.recipe import Recipe
from saccade.training.train import train

PER_KIND = 320
REAL = "pbc"
"""What stands for a modality where the cells are those of ``--data``."""
FAITHFUL, MAPPED, SIDE = 100, 40, 16
"""Test images whose pixels are deleted; whose maps are kept; and the side of a map."""

MODELS: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "sparse-attn-net": ({"name": "sparse-attn-net"}, (0, 1, 2)),
    "tiny-cnn": ({"name": "tiny-cnn"}, (0,)),
}
"""Models and their seeds. The tiny CNN is the bar for accuracy; it has no map."""


def run(modality: str, name: str, seed: int, data: Path) -> dict[str, Any]:
    """Train one model on a set and tell all of its test part; of real cells, of the validation part."""
    recipe = Recipe.parse({"data": {"path": str(data)}, "model": MODELS[name][0]})
    recipe = recipe.with_overrides([f"training.seed={seed}"])
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        package = load_model(train(recipe, Path(scratch) / "run"))
    seconds = round(time.perf_counter() - start, 1)
    part = "val" if modality == REAL else "test"
    cells = open_data(recipe.data.path, size=recipe.data.size).part(part)
    images = package.preprocessing.normalise(cells.images)
    with torch.no_grad():
        prediction = package.model.eval()(images)
    metrics = evaluate_predictions(
        prediction.probabilities.double().numpy(), cells.labels.numpy(), [row.case for row in cells.rows], cells.classes
    ).as_dict()
    found = {
        "modality": modality,
        "data": "PBC cells" if modality == REAL else f"simulated cells, {modality}",
        "part": part,
        "model": name,
        "seed": seed,
        **metrics,
        "pixels_read_fraction": float(prediction.cost.pixels_read_fraction.mean()),
        "seconds_training": seconds,
    }
    if name != "tiny-cnn":
        found |= told_of_maps(package, images, prediction.sites)
        if modality != REAL:
            found |= {"inside": told_of_masks(cells, prediction.sites)}
    return {**found, "machine": describe_machine()}


def told_of_masks(cells: CellData, sites: Sites) -> dict[str, dict[str, float]]:
    """What of the weight, of the sites and of the image lies inside the cell, and inside its nucleus."""
    inside = {}
    for structure, where in (("cell", "cell_masks"), ("nucleus", "masks")):
        points = pointing(sites, masks_of(cells, where))
        inside[structure] = {
            "weight": float(points.weight.mean()),
            "read": float(points.read.mean()),
            "area": float(points.area.mean()),
            "heaviest": float(points.hit.float().mean()),
        }
    return inside


def told_of_maps(package: Package, images: Tensor, sites: Sites) -> dict[str, Any]:
    """Deletion and insertion, and a few maps."""
    some = spread(len(images), FAITHFUL)
    curves = faithfulness(package.model, images[some]).curves
    areas = {
        order: {"deletion": float(curve.deletion_area.mean()), "insertion": float(curve.insertion_area.mean())}
        for order, curve in curves.items()
    }
    few = spread(len(images), MAPPED)
    maps = F.adaptive_avg_pool2d(weight_map(sites, *images.shape[2:])[few][:, None], SIDE)[:, 0]
    maps = maps / maps.sum((1, 2), keepdim=True)
    return {"areas": areas, "maps": np.round(maps.flatten(1).numpy(), 4).tolist()}


def masks_of(cells: CellData, where: str) -> Tensor:
    """The cells' masks, or their nuclei's."""
    root = Path(cells.manifest.source).parent
    paths = [(root / where / Path(row.path).resolve().relative_to(root.resolve())) for row in cells.rows]
    return torch.from_numpy(np.stack([load_image(path.with_suffix(".png"))[..., 0] > 0 for path in paths]))


def spread(count: int, wanted: int) -> list[int]:
    """So many places, evenly spread, so that all classes are among them."""
    return np.linspace(0, count - 1, min(count, wanted)).round().astype(int).tolist()


def agreement(maps: Sequence[Sequence[Sequence[float]]]) -> tuple[float, float]:
    """Mean correlation of two seeds' maps of the same image, and of two different images of the same seeds.

    The second is what maps share because cells lie in the middle: only what is above it belongs to the image.
    """
    arrays = [np.asarray(each) for each in maps]
    same, other = [], []
    for one, two in itertools.combinations(arrays, 2):
        table = np.corrcoef(one, two)[: len(one), len(one) :]
        same.append(np.diag(table).mean())
        other.append(table[~np.eye(len(one), dtype=bool)].mean())
    return float(np.mean(same)), float(np.mean(other))


def simulated(modality: str, folder: Path) -> Path:
    """The manifest of the simulated cells of a modality, which are made once."""
    if not (folder / modality).exists():
        write_dataset(folder / modality, PER_KIND, modality=modality)
    return folder / modality / "manifest.csv"


def main() -> None:
    """Simulate, then run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--modalities", nargs="*", default=list(MODALITIES), choices=[*MODALITIES, REAL])
    parser.add_argument("--data", type=Path, help=f"manifest of the cells of {REAL}")
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--seeds", nargs="*", type=int, help="those of the model if not given")
    arguments = parser.parse_args()
    if (arguments.data is not None) != (arguments.modalities == [REAL]):
        parser.error(f"--data goes with --modalities {REAL}, alone")
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        for modality, name in itertools.product(arguments.modalities, arguments.models):
            for seed in arguments.seeds or MODELS[name][1]:
                target = arguments.out / f"{modality}-{name}-seed{seed}.json"
                if target.exists():
                    continue
                found = run(modality, name, seed, arguments.data or simulated(modality, Path(scratch)))
                write_text(target, json.dumps(found) + "\n")
                told = found.get("inside", {}).get("cell", {}).get("weight", float("nan"))
                print(
                    f"{modality}, {name}, {seed}: {found['accuracy']['value']:.3f}, in the cell {told:.3f}", flush=True
                )


if __name__ == "__main__":
    main()
