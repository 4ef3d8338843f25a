"""``saccade train``: from images to a run folder with a report."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from saccade.cli.console import progress, say, warn
from saccade.cli.evaluate import headline, trained_on
from saccade.core.errors import BadInput

if TYPE_CHECKING:
    from saccade.training.recipe import Recipe

_DEFAULT_MODEL, _DEFAULT_OF_SLIDES = "sparse-attn-net", "span"


class Precision(StrEnum):
    """How numbers are held while training; the Python function takes any of Lightning's words."""

    SINGLE = "32-true"
    BFLOAT = "bf16-mixed"
    HALF = "16-mixed"


def train(
    recipe: Annotated[Path | None, typer.Argument(help="A recipe in YAML, in place of --data and --model.")] = None,
    out: Annotated[Path | None, typer.Option(help="The run folder; runs/NAME for a recipe NAME.yaml.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of class folders, manifest.csv or MedMNIST .npz.")] = None,
    features: Annotated[
        Path | None, typer.Option(help="Of slides: folder of their features; --data is then a table of labels.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help=f"A name of `saccade models`; by default {_DEFAULT_MODEL}, of slides {_DEFAULT_OF_SLIDES}."),
    ] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="A change to the recipe, such as training.epochs=30; repeatable.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last finished epoch.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run that is there.")] = False,
    devices: Annotated[int, typer.Option(help="GPUs, or processes where there are none.", min=1)] = 1,
    precision: Annotated[Precision, typer.Option(help="Mixed is faster on recent GPUs.")] = Precision.SINGLE,
) -> None:
    """Train a model and leave a run folder: the model, its recipe, history, split and report.

    The report's figures are of the validation part; the test part is not opened before `saccade evaluate`. With
    --resume and nothing else than --out, the recipe is taken from the run folder.
    """
    from saccade.training.train import train as run_training

    if out is None:
        if recipe is None:
            raise BadInput("there is no run folder to write to", "name one, such as --out runs/first")
        out = Path("runs") / recipe.stem
    wanted = make_recipe(recipe, data, model, changes or [], out if resume else None, features)
    hardware: Any = {"devices": devices, "precision": precision.value}
    with progress("loading images") as tell:
        folder = run_training(wanted, out, resume=resume, overwrite=overwrite, progress=tell, **hardware)
    report_training(folder)


def make_recipe(
    path: Path | None,
    data: Path | None,
    model: str | None,
    changes: list[str],
    resumed: Path | None = None,
    features: Path | None = None,
) -> "Recipe":
    """The recipe that file and options describe; options count more than the file.

    Raises:
        BadInput: Neither says what to train on, nor does the run to go on with, or one of them cannot be understood.
    """
    from saccade.training.recipe import Recipe
    from saccade.training.recipe_text import load_mapping
    from saccade.training.run_folder import AFRESH

    resuming = path is None and data is None
    path = _kept_recipe(resumed) if resuming else path
    values: dict[str, Any] = load_mapping(path) if path else {}
    if resuming:
        Recipe.kept(values, str(path), AFRESH)
    sources = {"path": data, "features": features}
    given = {
        "data": {name: str(source) for name, source in sources.items() if source},
        "model": {"name": model} if model else {},
    }
    if path is None:
        given["model"] = {"name": model or (_DEFAULT_OF_SLIDES if features else _DEFAULT_MODEL)}
    for section, keys in given.items():
        if keys and isinstance(values.setdefault(section, {}), dict):
            values[section] = {**values[section], **keys}
    return Recipe.parse(values, str(path or "the command line")).with_overrides(changes)


def _kept_recipe(run: Path | None) -> Path:
    """The recipe of the run to go on with, where nothing else says what to do."""
    if run is None:
        raise BadInput("there is nothing to train on", "give --data, or a recipe in YAML")
    if not (run / "recipe.yaml").is_file():
        remedy = "correct --out, or start one with --data and without --resume"
        raise BadInput("there is no run to resume", remedy, str(run))
    return run / "recipe.yaml"


def report_training(folder: Path) -> None:
    """Write the run's report from its validation part; of another task than classification, a line of figures."""
    from saccade.cli.evaluate_tasks import validate_task
    from saccade.evaluation.assessment import judge, knowing_predictor
    from saccade.evaluation.costs import costs_of
    from saccade.evaluation.labelled import label_images, open_labelled
    from saccade.inference.hub import task_of
    from saccade.inference.parts import choose_images
    from saccade.inference.runs import Run
    from saccade.report.gathering import report_data
    from saccade.report.report import write_report

    run = Run.open(folder)
    source = trained_on(run)
    if source is None:
        raise BadInput("does not say what the run was trained on", "train again", str(folder / "recipe.yaml"))
    if task_of(run.package) != "classification":
        say(f"validation: {validate_task(run, source)}")
        say(f"run folder: {folder}; there is no report of this task, `saccade evaluate` writes its figures")
        return
    rows = open_labelled(run, source)
    chosen = choose_images(rows.manifest, run.splits, source, "val")
    predictor = knowing_predictor(run, chosen.manifest)
    with progress("validating") as tell:
        judged = judge(predictor, label_images(chosen.manifest, predictor.classes, None, rows.bags), tell, warn=warn)
    metrics = judged.metrics(predictor.classes)
    costs = costs_of(predictor, judged, quick=True)
    page = report_data(run, predictor, chosen.manifest, judged, metrics, costs, "val")
    write_report(run.report, page)
    line = headline(metrics.as_dict(), next(iter(costs.values())), origin=page.origin, noun=page.noun)
    say(f"validation: {line}")
    say(f"run folder: {folder}; report: {run.report}")
