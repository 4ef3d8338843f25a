"""Models side by side on one data set: each trained by its default recipe, judged on the test part, and measured.

Of cells, the method comes first: its controls read as many pixels as it came to read with the same seed.

Rows are kept as they come, so that a bench that was stopped goes on where it was. Networks of cells are then timed
together, in one process (``bench_costs``). The speeds of fields and slides are measured as their rows come, and are no
ratios of one run: for those, see ``evaluation.speed.compare_speed`` and ``benchmarks/``.
"""

import json
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from saccade.core.errors import BadInput
from saccade.core.files import write_json
from saccade.core.registry import Scale
from saccade.evaluation.assessment import Judged, judge, knowing_predictor, measure_costs
from saccade.evaluation.labelled import label_images, open_labelled
from saccade.evaluation.slide_costs import measure_slide_costs
from saccade.inference.hub import AnyPredictor
from saccade.inference.parts import choose_images
from saccade.inference.runs import Run
from saccade.inference.slide_predictor import SlidePredictor
from saccade.models import MODELS
from saccade.training.bench_costs import cost_row, measure_together, network_of
from saccade.training.recipe import Recipe
from saccade.training.recipe_sections import FixedBudget
from saccade.training.train import train

CONTESTANTS: dict[Scale, tuple[str, ...]] = {
    "cell": ("sparse-attn-net", "random-pixels", "intensity-pixels", "tiny-cnn"),
    "field": ("attention-sampling", "uniform-patches", "stain-patches", "downscaled-cnn"),
    "slide": ("span", "mean-pooling", "max-pooling", "gated-abmil"),
}
"""Who takes part where nobody is named: the method, the controls that would embarrass it, and a plain network."""

LARGE: dict[Scale, tuple[str, ...]] = {
    "cell": ("all-pixels", "vit-tiny", "efficientnet-b0", "resnet18"),
    "field": (),
    "slide": (),
}
"""Who takes part too, and is trained only where there is a GPU: on a processor, these are there for their cost."""

_MEASURED = ("parameters", "flops_per_image", "pixels_read_fraction", "pixels_looked_fraction")


@dataclass(frozen=True)
class Entrant:
    """One row to be: a model, a seed, and what its recipe changes.

    Attributes:
        model: Its name.
        seed: Of its training; ``None`` asks for its cost alone, without training.
        changes: Settings such as ``training.epochs=4``.
    """

    model: str
    seed: int | None
    changes: tuple[str, ...] = ()


def default_entrants(scale: Scale, seeds: int, changes: Callable[[str], tuple[str, ...]]) -> list[Entrant]:
    """Who takes part where nobody is named.

    Args:
        scale: Of the images.
        seeds: Trainings of each model.
        changes: What the recipe of a model changes.
    """
    large: tuple[int | None, ...] = tuple(range(seeds)) if torch.cuda.is_available() else (None,)
    trained = [Entrant(name, seed, changes(name)) for seed in range(seeds) for name in CONTESTANTS[scale]]
    return trained + [Entrant(name, seed, changes(name)) for seed in large for name in LARGE[scale]]


def bench(
    data: Path,
    entrants: Sequence[Entrant],
    out: Path,
    name: str = "",
    tell: Callable[[str], None] = lambda line: None,
    features: Path | None = None,
) -> list[dict[str, Any]]:
    """Make the rows that ``out`` does not hold yet, and write it anew after each.

    Args:
        data: What to train and judge on.
        entrants: Models and seeds.
        out: A JSON file of rows.
        name: What the data is called in the rows; its path where not given.
        tell: Given a line for each row.
        features: Of slides, the folder of their features; ``data`` is then a table of labels.

    Raises:
        BadInput: ``out`` holds something else, or the data has no test part.
    """
    rows = load_rows(out)
    title = name or str(data)
    for entrant in _missing(sorted(entrants, key=_turn), rows, title):
        tell(f"{entrant.model}, {'its cost' if entrant.seed is None else f'seed {entrant.seed}'}")
        own = {"model": entrant.model, "data": title, "changes": list(entrant.changes)}
        rows.append({**own, **bench_row(data, entrant, features, share_of_method(entrant, rows, title))})
        write_json(out, rows)
    if measure_together([row for row in rows if row["data"] == title], tell):
        write_json(out, rows)
    return rows


def load_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of an earlier bench; none where there is no file.

    Raises:
        BadInput: The file holds something else.
    """
    if not path.exists():
        return []
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"cannot be continued ({error})", "choose another --out", str(path)) from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "model" in row for row in rows):
        raise BadInput("holds no rows of a bench", "choose another --out", str(path))
    return rows


def share_of_method(entrant: Entrant, rows: Sequence[dict[str, Any]], title: str) -> float | None:
    """What the method of cells read of an image in the row of the same seed, so that its controls read as much.

    ``None`` where there is no such row.

    Args:
        entrant: The control.
        rows: Those that are done.
        title: What the data is called in them.
    """
    same = (CONTESTANTS["cell"][0], entrant.seed, title, entrant.changes)
    found = (row for row in rows if _key(row) == same and "pixels_read_fraction" in row)
    return next((row["pixels_read_fraction"] for row in found), None)


def bench_row(data: Path, entrant: Entrant, features: Path | None = None, share: float | None = None) -> dict[str, Any]:
    """Train one model, judge it on the test part and measure its cost; of networks of cells, what it is built from.

    Args:
        data: What to train and judge on.
        entrant: Model and seed.
        features: Of slides, the folder of their features.
        share: What a control of cells reads of an image, in place of its recipe's.
    """
    recipe = _recipe(data, entrant, features)
    if share is not None and isinstance(recipe.budget, FixedBudget):
        share = min(1.0, share * (1 + 1e-6))  # single precision may have made it smaller
        recipe = recipe.with_overrides([f"budget.share={share}"])
    if entrant.seed is None:
        return {"seed": None, **cost_row(data, recipe)}
    with tempfile.TemporaryDirectory() as scratch:
        start = time.perf_counter()
        run = Run.open(train(recipe, Path(scratch) / "run"))
        seconds = time.perf_counter() - start
        rows = open_labelled(run, data, features)
        chosen = choose_images(rows.manifest, run.splits, data, "test")
    predictor = knowing_predictor(run, chosen.manifest)
    judged = judge(predictor, label_images(chosen.manifest, predictor.classes, bags=rows.bags))
    return {
        "seed": entrant.seed,
        "accuracy": judged.metrics(predictor.classes).accuracy.as_dict(),
        **_cost(predictor, judged),
        "seconds_training": round(seconds, 1),
        "right": [int(right) for right in judged.predicted == [image.label for image in judged.images]],
        "cases": [image.row.case for image in judged.images],
    }


def _recipe(data: Path, entrant: Entrant, features: Path | None) -> Recipe:
    given = {"path": str(data)} | ({"features": str(features)} if features else {})
    recipe = Recipe.parse({"data": given, "model": {"name": entrant.model}})
    return recipe.with_overrides(
        [*entrant.changes, *([] if entrant.seed is None else [f"training.seed={entrant.seed}"])]
    )


def _cost(predictor: AnyPredictor, judged: Judged) -> dict[str, Any]:
    """What the model of a row costs; of one of cells, what it takes to measure that beside the others."""
    own = predictor.model.config["model"]
    if isinstance(predictor, SlidePredictor):
        cost, batch = measure_slide_costs(predictor, judged, peers=())[own], "1"
    elif MODELS[own].scale == "field":
        cost, batch = measure_costs(predictor, judged, peers=())[own], "1"
    else:
        return network_of(predictor, judged)
    return {
        **{key: cost[key] for key in _MEASURED},
        "images_per_second": {batch: cost["images_per_second"]},
        "peak_memory_bytes": cost["peak_memory_bytes"],
    }


def _missing(entrants: Sequence[Entrant], rows: Sequence[dict[str, Any]], title: str) -> Iterator[Entrant]:
    """Those without a row, in order; a row of another recipe, such as a quick look's, is not theirs."""
    done = {_key(row) for row in rows}
    return (each for each in entrants if (each.model, each.seed, title, each.changes) not in done)


def _turn(entrant: Entrant) -> tuple[float, bool]:
    """Seed by seed, the method of cells first; costs alone at the end."""
    return math.inf if entrant.seed is None else entrant.seed, entrant.model != CONTESTANTS["cell"][0]


def _key(row: dict[str, Any]) -> tuple[str, int | None, str | None, tuple[str, ...]]:
    """What a row is of: model, seed, data, changes."""
    return row["model"], row.get("seed"), row.get("data"), tuple(row.get("changes", ()))
