"""``saccade cv``: every case tested once, by models that were not chosen by it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from saccade.cli.console import progress, say, show_table
from saccade.cli.predict import FINISHED_WITH_FAILURES
from saccade.cli.train import make_recipe
from saccade.core.errors import BadInput

if TYPE_CHECKING:
    from saccade.training.recipe import Recipe

_COLUMNS = ("model", "accuracy", "balanced accuracy", "AUROC", "less the first's accuracy")


def cv(
    recipes: Annotated[
        list[Path] | None, typer.Argument(help="Recipes in YAML, one for each model, in place of --data and --model.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder to write to; what is finished in it is not done again.")] = Path(
        "runs/cv"
    ),
    data: Annotated[Path | None, typer.Option(help="Folder of class folders, manifest.csv or MedMNIST .npz.")] = None,
    features: Annotated[
        Path | None, typer.Option(help="Of slides: folder of their features; --data is then a table of labels.")
    ] = None,
    models: Annotated[
        list[str] | None, typer.Option("--model", help="A name of `saccade models`; repeatable, to compare several.")
    ] = None,
    folds: Annotated[int, typer.Option(help="Parts of the cases that are tested, one after the other.")] = 5,
    inner: Annotated[int, typer.Option(help="Validation parts of each fold; one training for each.", min=1)] = 1,
    tries: Annotated[
        list[str] | None, typer.Option("--try", help="Choose in each fold, such as model.look=full,half; repeatable.")
    ] = None,
    choose_by: Annotated[str, typer.Option(help="What a choice goes by on validation images: loss or auroc.")] = "loss",
    preserve_site: Annotated[
        bool, typer.Option("--preserve-site", help="Keep all images of a site (hospital) in the same fold.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the folds; that of trainings is training.seed.")] = 0,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="A change to all recipes, such as training.epochs=30; repeatable.")
    ] = None,
) -> None:
    """Cross-validate models on the same folds: predictions.csv and metrics.json, with a run folder for each fold.

    No case is cut, and each is tested once, by a model whose epoch and settings were chosen on validation images. Given
    again, the command goes on where it was stopped. Images that cannot be opened when they are tested are left out,
    with a line for each; the exit code is then 3.
    """
    from saccade.training.candidates import CRITERIA, variations
    from saccade.training.cross_validation import cross_validate
    from saccade.training.engine import stopped_with
    from saccade.training.slide_sections import SlideDataRecipe

    if choose_by not in CRITERIA:
        raise BadInput(f"--choose-by {choose_by} is unknown", f"say {' or '.join(CRITERIA)}")
    asked = product(recipes or [None], models or [None])
    found = [(path, make_recipe(path, data, name, changes or [], features=features)) for path, name in asked]
    refuse_tasks([recipe for _, recipe in found])
    candidates = {name: variations(recipe, tries or []) for name, recipe in named(found).items()}
    options: Any = {"preserve_site": preserve_site, "choose_by": choose_by, "tell": say}
    with stopped_with("run the same command again; what is finished is kept"), progress("loading images") as told:
        results = cross_validate(candidates, out, folds, inner, seed, progress=told, **options)
    of_slides = isinstance(found[0][1].data, SlideDataRecipe)
    say(headline(results, "slides" if of_slides else "images"))
    show_table(_COLUMNS, table_lines(results["models"]), right=_COLUMNS[1:])
    say(f"written: {out / 'predictions.csv'}, {out / 'metrics.json'}")
    if any(model["images_failed"] for model in results["models"].values()):
        raise typer.Exit(FINISHED_WITH_FAILURES)


def refuse_tasks(recipes: "Sequence[Recipe]") -> None:
    """Refuse recipes of models that give no class: folds are stratified and choices made by classes.

    Raises:
        BadInput: Naming the first.
    """
    from saccade.models import MODELS

    for recipe in recipes:
        if (task := MODELS[recipe.model.name].task) != "classification":
            message = f"{recipe.model.name} is for {task}, and cross-validation compares what gives a class"
            raise BadInput(message, "train it with --set data.seed=0, 1, … instead, and evaluate each")


def named(recipes: "Sequence[tuple[Path | None, Recipe]]") -> "dict[str, Recipe]":
    """Recipes by the name of their model, behind which the file's is put where several are of one model.

    Raises:
        BadInput: That does not tell them apart.
    """
    count = Counter(recipe.model.name for _, recipe in recipes)
    found: dict[str, Recipe] = {}
    for path, recipe in recipes:
        name = recipe.model.name
        if count[name] > 1 and path is not None:
            name = f"{name}-{path.stem}"
        if name in found:
            message = f"two recipes are both called {name}"
            raise BadInput(message, "give each a file name of its own, or use --try", str(path or "--model"))
        found[name] = recipe
    return found


def headline(results: Mapping[str, Any], noun: str = "images") -> str:
    """What was tested, in one line; simulated images and proxies are called that.

    Args:
        results: As in ``metrics.json``.
        noun: What the images are called.
    """
    origin = f"{results['origin']} " if results["origin"] else ""
    images = f"{results['images']} {origin}{noun} of {results['cases']} cases"
    sites = ", sites preserved" if results["preserve_site"] else ""
    return f"{images}, each tested once in {results['folds']} folds{sites}; 95 % intervals over cases"


def table_lines(models: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """A line of figures for each model.

    >>> interval = {"value": 0.9, "low": 0.85, "high": 0.95}
    >>> one = {"accuracy": interval, "balanced_accuracy": interval, "auroc": {**interval, "low": None}}
    >>> table_lines({"first": one})
    [('first', '90.0% (85.0 to 95.0)', '90.0% (85.0 to 95.0)', '0.900', '')]
    """
    return [
        (
            name,
            _shown(model["accuracy"], "{:.1f}", 100, "%"),
            _shown(model["balanced_accuracy"], "{:.1f}", 100, "%"),
            _shown(model["auroc"], "{:.3f}"),
            _shown(model["accuracy_less_first"], "{:+.1f}", 100, " points") if "accuracy_less_first" in model else "",
        )
        for name, model in models.items()
    ]


def _shown(interval: Mapping[str, float | None], number: str, times: int = 1, unit: str = "") -> str:
    value, low, high = (each if each is None else number.format(times * each) for each in map(interval.get, _BOUNDS))
    if value is None:
        return "not defined"
    return f"{value}{unit}" if low is None else f"{value}{unit} ({low} to {high})"


_BOUNDS = ("value", "low", "high")
