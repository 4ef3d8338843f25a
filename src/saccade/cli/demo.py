"""``saccade demo``: everything once, on simulated images."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from saccade.cli import demo_slides
from saccade.cli.console import progress, say
from saccade.cli.evaluate import evaluate_run, trained_on
from saccade.core.errors import BadInput

_SCALES = ("cells", "fields", "slides")
_CELLS_PER_CLASS = 240
_RECIPE = ("training.epochs=40", "data.size=64")
_FIELDS = {"train": 240, "val": 60, "test": 120}
_FIELD_RECIPE = ("training.epochs=24", "model.budget=5", "model.factor=8")
_PATCHES = (50, 20)
"""Sides of the patches that the report compares; the first is the one it shows."""

_OWN = (
    "data",
    "job",
    "run",
    *(f"run-patch-{patch}" for patch in _PATCHES[1:]),
    "predictions.csv",
    "metrics.json",
    "report.html",
)
"""All that a demonstration leaves, and all that ``--overwrite`` removes."""


def demo(
    scale: Annotated[str, typer.Argument(help="The scale of image to show: cells, fields or slides.")] = "cells",
    out: Annotated[Path | None, typer.Option(help="Folder to write to; demo/SCALE by default.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier demonstration there.")] = False,
) -> None:
    """Simulate images, train on them, evaluate, and leave report.html and metrics.json; takes a few minutes.

    The images are simulated: the figures show that everything works, not how good it is on real ones.
    """
    from saccade.training.engine import stopped_with

    if scale not in _SCALES:
        remedy = " or ".join(f"`saccade demo {name}`" for name in _SCALES)
        raise BadInput(f"there is no demonstration of {scale!r}", f"say {remedy}")
    folder = _cleared(out or Path("demo") / scale, overwrite)
    with stopped_with("start again with --overwrite"):
        if scale == "cells":
            demo_cells(folder, _CELLS_PER_CLASS, _RECIPE)
        elif scale == "fields":
            demo_fields(folder, _FIELDS, _FIELD_RECIPE)
        else:
            demo_slides.demo_slides(folder, demo_slides.SLIDES, demo_slides.RECIPE)


def demo_cells(out: Path, per_class: int, changes: tuple[str, ...]) -> None:
    """Five kinds of simulated white blood cells, from images to report."""
    from saccade.cli.train import make_recipe
    from saccade.datasets.simulators import KINDS, write_dataset
    from saccade.datasets.sources import open_manifest
    from saccade.evaluation.labelled import label_images
    from saccade.inference.parts import choose_images
    from saccade.inference.runs import Run
    from saccade.training.train import train

    say(f"simulating {per_class} white blood cells of each of {len(KINDS)} kinds: none of these images is real")
    manifest = write_dataset(out / "data", per_class)
    recipe = make_recipe(None, manifest, "sparse-attn-net", list(changes))
    with progress("loading images") as tell:
        run = Run.open(train(recipe, out / "run", progress=tell))
    chosen = choose_images(open_manifest(manifest), run.splits, trained_on(run), "test")
    images = label_images(chosen.manifest, run.package.model.classes)
    evaluate_run(run, chosen, images, out)
    say(f"the report, of simulated images: {out / 'report.html'}")


def demo_fields(out: Path, counts: dict[str, int], changes: tuple[str, ...], size: int = 1024) -> None:
    """Fields of simulated red cells with one white cell in each, from composing to report."""
    from saccade.cli.train import make_recipe
    from saccade.datasets.composers import compose_fields
    from saccade.datasets.sources import open_manifest
    from saccade.evaluation.labelled import label_images
    from saccade.inference.parts import choose_images
    from saccade.inference.runs import Run
    from saccade.training.train import train

    say(f"composing {sum(counts.values())} fields of {size} × {size} pixels: none of these images is real")
    with progress("composing") as tell:
        manifest = compose_fields(out / "data", counts=counts, size=size, progress=tell)
    runs = []
    for patch in _PATCHES:
        recipe = make_recipe(None, manifest, "attention-sampling", [*changes, f"model.patch={patch}"])
        folder = out / ("run" if patch == _PATCHES[0] else f"run-patch-{patch}")
        with progress("loading images") as tell:
            runs.append(Run.open(train(recipe, folder, progress=tell)))
    chosen = choose_images(open_manifest(manifest), runs[0].splits, trained_on(runs[0]), "test")
    images = label_images(chosen.manifest, runs[0].package.model.classes)
    evaluate_run(runs[0], chosen, images, out, beside=runs[1:])
    say(f"the report, of simulated images: {out / 'report.html'}")


def _cleared(out: Path, overwrite: bool) -> Path:
    """The folder, empty; an earlier demonstration in it is removed if that was asked for, nothing else ever is."""
    from saccade.core.files import new_folder

    if overwrite and out.is_dir():
        for name in _OWN:
            path = out / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    return new_folder(out, remedy="replace it with --overwrite, or choose another --out")
