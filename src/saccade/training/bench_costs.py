"""What the networks of a bench of cells cost, side by side in one process.

A cost does not depend on weights, except through the budget that was learned. So the networks are built again from what
the rows say, and all of them are timed in turns: their ratios hold where the figures of different hours do not.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from saccade.core.contract import SparseClassifier
from saccade.datasets.sources import first_image, open_manifest
from saccade.evaluation.assessment import Judged
from saccade.evaluation.cost import count_flops, count_parameters
from saccade.evaluation.machine import describe_machine
from saccade.evaluation.memory import peak_memory_bytes
from saccade.evaluation.speed import compare_speed
from saccade.inference.fast import FastModel
from saccade.inference.predictor import Predictor
from saccade.models import create_model, options_of
from saccade.training.recipe import Recipe

BATCHES = (1, 256)
"""Images handed in together; memory is measured with the most."""

_ROUNDS = 5


def network_of(predictor: Predictor, judged: Judged) -> dict[str, Any]:
    """What a trained network of cells is built from, its parameters and the pixels it asked for."""
    model = predictor.model
    options = json.loads(json.dumps(model.config["options"]))  # as they will be found again, tuples as lists
    if "budget" in options:
        options["budget"] = model.budget
    shape = [predictor.preprocessing.channels, predictor.preprocessing.size, predictor.preprocessing.size]
    return {
        "network": {"classes": list(model.classes), "options": options, "shape": shape},
        "parameters": count_parameters(model),
        "pixels_read_fraction": float(np.mean(judged.read)),
        "pixels_looked_fraction": float(np.mean(judged.looked)),
    }


def cost_row(data: Path, recipe: Recipe) -> dict[str, Any]:
    """The row of a network of cells that is not trained: it has a cost for the data's images, and no accuracy."""
    manifest = open_manifest(data)
    channels, size = first_image(manifest).shape[2], recipe.data.size
    known = options_of(recipe.model.name)
    settled = {name: value for name, value in (("channels", channels), ("size", size)) if name in known}
    network = {
        "classes": list(manifest.classes),
        "options": {**recipe.model.options, **settled},
        "shape": [channels, size, size],
    }
    model = _built(recipe.model.name, network)
    pixels = model(torch.zeros(1, channels, size, size)).cost
    return {
        "accuracy": None,
        "network": network,
        "parameters": count_parameters(model),
        "pixels_read_fraction": float(pixels.pixels_read_fraction),
        "pixels_looked_fraction": float(pixels.pixels_looked_fraction),
        "seconds_training": None,
    }


def measure_together(rows: Sequence[dict[str, Any]], tell: Callable[[str], None] = lambda line: None) -> bool:
    """Time all networks of these rows in one process, unless that has been done, and write it into the rows.

    Args:
        rows: Of one data set; those that name no network are passed over.
        tell: Given a line before it begins.

    Returns:
        Whether anything was measured.
    """
    rows = [row for row in rows if "network" in row]
    networks = {_label(row): row for row in rows}
    beside = sorted(networks)
    if not rows or all(row.get("measured", {}).get("beside") == beside for row in rows):
        return False
    tell(f"measuring {len(networks)} networks side by side")
    costs = _costs(networks)
    about = {"beside": beside, **describe_machine(), "device": _device()}
    for row in rows:
        row |= {**costs[_label(row)], "measured": about}
    return True


def _costs(networks: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """FLOPs, images per second at every size of batch, and peak memory; networks for images of one shape together."""
    costs: dict[str, dict[str, Any]] = {}
    for shape in sorted({tuple(row["network"]["shape"]) for row in networks.values()}):
        alike = {label: row for label, row in networks.items() if tuple(row["network"]["shape"]) == shape}
        images = torch.rand(max(BATCHES), *shape, generator=torch.Generator().manual_seed(0)).to(_device())
        models = {label: _built(row["model"], row["network"]).to(_device()) for label, row in alike.items()}
        flops = {label: count_flops(model, images[:1]) for label, model in models.items()}
        fast = {label: FastModel(model) for label, model in models.items()}
        speeds = {batch: compare_speed(fast, images, batch=batch, rounds=_ROUNDS) for batch in BATCHES}
        for label, row in alike.items():
            costs[label] = {
                "flops_per_image": flops[label],
                "images_per_second": {str(batch): speed[label] for batch, speed in speeds.items()},
                "peak_memory_bytes": _peak_memory(row),
            }
    return costs


def _peak_memory(row: Mapping[str, Any]) -> int | None:
    """Of the largest batch, on the CPU."""
    network = row["network"]
    arguments = {"name": row["model"], "classes": network["classes"], **network["options"]}
    shape = (max(BATCHES), *network["shape"])
    return peak_memory_bytes("saccade.evaluation.assessment:ready_model", arguments, shape=shape)


def _built(name: str, network: Mapping[str, Any]) -> SparseClassifier:
    return create_model(name, tuple(network["classes"]), **network["options"]).eval()


def _label(row: Mapping[str, Any]) -> str:
    """Networks that are built alike cost alike, whatever the seed of their training."""
    return f"{row['model']} {sorted(row['network']['options'].items())} {row['network']['shape']}"


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"
