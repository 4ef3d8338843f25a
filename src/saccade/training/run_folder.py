"""The folder a training writes: never over something else, and recognised again when it goes on."""

import shutil
from pathlib import Path

from saccade.core.errors import BadInput, SaccadeError
from saccade.core.manifest import Manifest
from saccade.core.splits import load_splits, write_splits
from saccade.training.recipe import Recipe
from saccade.training.recipe_text import load_mapping

RECIPE, SPLITS, HISTORY, BUDGETS = "recipe.yaml", "splits.csv", "history.csv", "budgets.csv"
CHECKPOINTS = "checkpoints"
_FILES = ("model.safetensors", "config.json", "report.html", "metrics.json")
_REPLACED = (RECIPE, SPLITS, HISTORY, BUDGETS, CHECKPOINTS, *_FILES)
"""All that ``--overwrite`` removes."""

AFRESH = "undo the change, go on with that version, or start again with --overwrite"
"""What helps against a run whose recipe this version does not know."""


def check_folder(folder: Path, resume: bool, overwrite: bool) -> None:
    """Refuse a folder that holds something, unless it is a run to go on with or to replace.

    Hidden files do not count: a killed training may leave temporary ones.

    Raises:
        BadInput: Naming the folder and the ways out.
    """
    if resume and overwrite:
        raise BadInput("--resume and --overwrite exclude each other", "give one of them")
    if folder.exists() and not folder.is_dir():
        raise BadInput("is a file, not a folder", "choose another --out", str(folder))
    if not folder.exists() or all(path.name.startswith(".") for path in folder.iterdir()):
        return
    if not (resume or overwrite):
        remedy = "go on with --resume, replace it with --overwrite, or choose another --out"
        raise BadInput("the output folder already exists and is not empty", remedy, str(folder))
    if not (folder / RECIPE).is_file():
        verb = "resume" if resume else "overwrite"
        raise BadInput(f"is no run to {verb}: it holds no {RECIPE}", "choose another --out", str(folder))


def start_folder(folder: Path, recipe: Recipe, manifest: Manifest, resume: bool, overwrite: bool) -> None:
    """Leave in the folder what is known before the first epoch: ``recipe.yaml`` and ``splits.csv``.

    Raises:
        BadInput: A run to go on with has another recipe, or its data has changed.
    """
    check_folder(folder, resume, overwrite)
    if overwrite:
        _clear(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SaccadeError(f"cannot be made ({error.strerror})", "choose another --out", str(folder)) from error
    for leftover in folder.glob("**/.*.partial*"):
        leftover.unlink(missing_ok=True)
    _keep_recipe(folder / RECIPE, recipe)
    _keep_splits(folder / SPLITS, manifest)


def _keep_recipe(path: Path, recipe: Recipe) -> None:
    if not path.is_file():
        recipe.save(path)
        return
    before = Recipe.kept(load_mapping(path), str(path), AFRESH)
    if unsaid := recipe.unsaid(load_mapping(path)):
        message = f"was changed by hand, or written by another version of saccade: there is no {', '.join(unsaid[:3])}"
        raise BadInput(message, AFRESH, str(path))
    if different := before.differences(recipe):
        message = f"was started with another recipe: {', '.join(different[:3])}{' …' if len(different) > 3 else ''}"
        raise BadInput(message, "resume with --out and --resume alone, or choose another --out", str(path))


def _keep_splits(path: Path, manifest: Manifest) -> None:
    if not path.is_file():
        write_splits(path, manifest.rows)
    elif load_splits(path) != {row.name: row.split for row in manifest.rows}:
        message = "the data is no longer split as when the training began"
        raise BadInput(message, "restore the data, or start again with --overwrite", str(path))


def _clear(folder: Path) -> None:
    for name in _REPLACED:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
