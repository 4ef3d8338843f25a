"""What SparseAttnNet's maps are worth on simulated cells in three modalities, one file per (modality, model, seed).

    python benchmarks/cells_faithful.py --out benchmarks/results/cells-faithful

The same simulated cells in each modality, the default recipe, the test part read once per file. A file holds accuracy;
the weight inside the cell and inside its nucleus, with the share of the area as chance; areas under deletion and
insertion curves beside those of random, of darkest and of brightest pixels; and small weight maps of a few test images,
from which `agreement` tells how alike those of different seeds are. Everything here is simulated: it says how a map
behaves where the truth is known, and nothing about real cells. About 2 minutes per file on a core.
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
FAITHFUL, MAPPED, SIDE = 100, 40, 16
"""Test images whose pixels are deleted; whose maps are kept; and the side of a map."""

MODELS: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "sparse-attn-net": ({"name": "sparse-attn-net"}, (0, 1, 2)),
    "tiny-cnn": ({"name": "tiny-cnn"}, (0,)),
}
"""Models and their seeds. The tiny CNN is the bar for accuracy; it has no map."""


def run(modality: str, name: str, seed: int, folder: Path) -> dict[str, Any]:
    """Train one model on a simulated set and tell all of its test part."""
    recipe = Recipe.parse({"data": {"path": str(folder / modality / "manifest.csv")}, "model": MODELS[name][0]})
    recipe = recipe.with_overrides([f"training.seed={seed}"])
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        package = load_model(train(recipe, Path(scratch) / "run"))
    seconds = round(time.perf_counter() - start, 1)
    cells = open_data(recipe.data.path, size=recipe.data.size).part("test")
    images = package.preprocessing.normalise(cells.images)
    with torch.no_grad():
        prediction = package.model.eval()(images)
    metrics = evaluate_predictions(
        prediction.probabilities.double().numpy(), cells.labels.numpy(), [row.case for row in cells.rows], cells.classes
    ).as_dict()
    found = {
        "modality": modality,
        "data": f"simulated cells, {modality}",
        "model": name,
        "seed": seed,
        **metrics,
        "pixels_read_fraction": float(prediction.cost.pixels_read_fraction.mean()),
        "seconds_training": seconds,
    }
    if name != "tiny-cnn":
        found |= told_of_maps(package, cells, images, folder)
    return {**found, "machine": describe_machine()}


def told_of_maps(package: Package, cells: CellData, images: Tensor, folder: Path) -> dict[str, Any]:
    """Pointing, deletion and insertion, and a few maps."""
    with torch.no_grad():
        sites = package.model(images).sites
    inside = {}
    for structure, where in (("cell", "cell_masks"), ("nucleus", "masks")):
        points = pointing(sites, masks_of(cells, folder, where))
        inside[structure] = {
            "weight": float(points.weight.mean()),
            "read": float(points.read.mean()),
            "area": float(points.area.mean()),
            "heaviest": float(points.hit.float().mean()),
        }
    some = spread(len(images), FAITHFUL)
    curves = faithfulness(package.model, images[some]).curves
    areas = {
        order: {"deletion": float(curve.deletion_area.mean()), "insertion": float(curve.insertion_area.mean())}
        for order, curve in curves.items()
    }
    few = spread(len(images), MAPPED)
    maps = F.adaptive_avg_pool2d(weight_map(sites, *images.shape[2:])[few][:, None], SIDE)[:, 0]
    maps = maps / maps.sum((1, 2), keepdim=True)
    return {"inside": inside, "areas": areas, "maps": np.round(maps.flatten(1).numpy(), 4).tolist()}


def masks_of(cells: CellData, folder: Path, where: str) -> Tensor:
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


def main() -> None:
    """Simulate, then run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--modalities", nargs="*", default=list(MODALITIES), choices=MODALITIES)
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--seeds", nargs="*", type=int, help="those of the model if not given")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        for modality, name in itertools.product(arguments.modalities, arguments.models):
            for seed in arguments.seeds or MODELS[name][1]:
                target = arguments.out / f"{modality}-{name}-seed{seed}.json"
                if target.exists():
                    continue
                if not (Path(scratch) / modality).exists():
                    write_dataset(Path(scratch) / modality, PER_KIND, modality=modality)
                found = run(modality, name, seed, Path(scratch))
                write_text(target, json.dumps(found) + "\n")
                told = found.get("inside", {}).get("cell", {}).get("weight", float("nan"))
                print(
                    f"{modality}, {name}, {seed}: {found['accuracy']['value']:.3f}, in the cell {told:.3f}", flush=True
                )


if __name__ == "__main__":
    main()
