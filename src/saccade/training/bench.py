"""Models side by side on one data set: each trained by its default recipe, judged on the test part, and measured.

Of cells, the method comes first: its controls read as many pixels as it came to read with the same seed.

Rows are kept as they come, so that a bench that was stopped goes on where it was. Networks of cells are then timed
together, in one process (``bench_costs``). The speeds of fields and slides are measured as their rows come, and are no
ratios of one run: for those, see ``evaluation.speed.compare_speed`` and ``benchmarks/``.
"""

import math
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import saccade
from saccade.core.files import check_writable, write_json
from saccade.core.registry import Scale
from saccade.datasets.bags import open_bags
from saccade.datasets.fingerprint import fingerprint
from saccade.datasets.sources import first_image, open_manifest
from saccade.evaluation.assessment import Judged, judge, knowing_predictor, measure_costs
from saccade.evaluation.labelled import label_images, open_labelled
from saccade.evaluation.slide_costs import measure_slide_costs
from saccade.inference.hub import AnyPredictor
from saccade.inference.parts import choose_images
from saccade.inference.runs import Run
from saccade.inference.slide_predictor import SlidePredictor
from saccade.models import MODELS
from saccade.training.bench_costs import cost_row, measure_together, network_of
from saccade.training.bench_rows import check_rows, key_of, load_rows, reads_otherwise, recipe_words
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
    """Make the rows that ``out`` does not hold yet, and write it anew after each; who is named twice is one.

    A control of cells that was trained before the method was there is trained again where both are named, or told of.

    Args:
        data: What to train and judge on.
        entrants: Models and seeds.
        out: A JSON file of rows.
        name: What the data is called in the rows; its path where not given.
        tell: Given a line for each row.
        features: Of slides, the folder of their features; ``data`` is then a table of labels.

    Raises:
        BadInput: ``out`` holds something else, or rows of this data that are of other versions, data or recipes; or the
            data has no test part.
        SaccadeError: ``out`` cannot be written.
    """
    check_writable(out)
    rows, title, about = load_rows(out), name or str(data), _fingerprint(data, features)
    asked = {(each.model, each.seed, title, each.changes): each for each in sorted(entrants, key=_turn)}
    check_rows(rows, title, about, {key: _recipe(data, each, features) for key, each in asked.items()}, out)
    for key, entrant in asked.items():
        share = share_of_method(entrant, rows, title)
        before = next((row for row in rows if key_of(row) == key), None)
        if before is not None and not reads_otherwise(before, share):
            continue
        tell(f"{entrant.model}, {'its cost' if entrant.seed is None else f'seed {entrant.seed}'}")
        own = {"model": entrant.model, "data": title, "changes": list(entrant.changes)}
        own |= {"saccade": saccade.__version__, "fingerprint": about}
        rows.append({**own, **bench_row(data, entrant, features, share)})
        if before is not None:
            rows.remove(before)
        write_json(out, rows)
    _tell_of_controls(rows, title, tell)
    if measure_together([row for row in rows if row["data"] == title], tell):
        write_json(out, rows)
    return rows


def enlarged(data: Path, entrants: Sequence[Entrant]) -> str:
    """A line where cells are smaller than their recipes take them; nothing where they are not."""
    height, width = first_image(open_manifest(data)).shape[:2]
    size = max(_recipe(data, each, None).data.size for each in entrants)
    if max(height, width) >= size:
        return ""
    return f"the images are of {width}×{height} pixels and are enlarged to {size}×{size}, which adds nothing to them"


def share_of_method(entrant: Entrant, rows: Sequence[dict[str, Any]], title: str) -> float | None:
    """What the method of cells read of an image in the row of the same seed, so that its controls read as much.

    ``None`` where there is no such row.

    Args:
        entrant: The control.
        rows: Those that are done.
        title: What the data is called in them.
    """
    same = (CONTESTANTS["cell"][0], entrant.seed, title, entrant.changes)
    found = (row for row in rows if key_of(row) == same and "pixels_read_fraction" in row)
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
        return {"seed": None, "recipe": recipe_words(recipe), **cost_row(data, recipe)}
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
        "recipe": recipe_words(recipe),
        "accuracy": judged.metrics(predictor.classes).accuracy.as_dict(),
        **_cost(predictor, judged),
        "seconds_training": round(seconds, 1),
        "right": [int(right) for right in judged.predicted == [image.label for image in judged.images]],
        "cases": [image.row.case for image in judged.images],
    }


def _fingerprint(data: Path, features: Path | None) -> str:
    if features is None:
        return fingerprint(open_manifest(data))
    bags = open_bags(data, features)
    return fingerprint(bags.manifest, bags.paths)


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


def _tell_of_controls(rows: Sequence[dict[str, Any]], title: str, tell: Callable[[str], None]) -> None:
    """Say which controls were trained before the method, and not again since."""
    for row in (row for row in rows if row["data"] == title):
        entrant = Entrant(row["model"], row["seed"], tuple(row.get("changes", ())))
        share = share_of_method(entrant, rows, title)
        if share is not None and reads_otherwise(row, share):
            tell(
                f"{entrant.model}, seed {entrant.seed}, reads {row['pixels_read_fraction']:.1%} and not the method's "
                f"{share:.1%}: name it in --models to have it trained again with as many"
            )


def _turn(entrant: Entrant) -> tuple[float, bool]:
    """Seed by seed, the method of cells first; costs alone at the end."""
    return math.inf if entrant.seed is None else entrant.seed, entrant.model != CONTESTANTS["cell"][0]
