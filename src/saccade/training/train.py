"""From a recipe to a run folder."""

import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback

from saccade.core.contract import AnyModel, SparseClassifier
from saccade.core.errors import BadInput
from saccade.datasets.boxes import BOXES_NAME
from saccade.datasets.cells import open_data
from saccade.datasets.fields import FieldData, open_fields
from saccade.datasets.grid_augmentation import GridAugmentation
from saccade.datasets.slide_segmentation import open_segmentation_data
from saccade.datasets.slide_survival import open_survival_data
from saccade.datasets.slides import SlideData, open_slide_data
from saccade.datasets.sources import origin_of
from saccade.features.slide_input import SlideInput
from saccade.imaging.preprocessing import Preprocessing
from saccade.models import create_any, options_of
from saccade.models.attention_sampling import AttentionSampling
from saccade.models.packaging import save_model
from saccade.models.parts.field_images import cells_of
from saccade.models.parts.field_selections import OraclePatches
from saccade.models.parts.warm_up import WarmUp
from saccade.training.budget_schedule import BudgetRule, BudgetSchedule, sites_of_share
from saccade.training.callbacks import History, LostClasses, ProgressLine
from saccade.training.checkpoints import BEST, LAST, KeepCheckpoints, Patience, load_checkpoint
from saccade.training.curriculum import CurriculumRule, CurriculumSchedule
from saccade.training.data_module import AnyData, ImageDataModule
from saccade.training.engine import make_trainer, run_trainer
from saccade.training.goals import goal_of
from saccade.training.recipe import FieldRecipe, Recipe
from saccade.training.recipe_sections import Curriculum, DataRecipe, FixedBudget, LabelledRecipe, LearnedBudget
from saccade.training.run_folder import BUDGETS, CHECKPOINTS, HISTORY, check_folder, start_folder
from saccade.training.seeds import Purpose, derive_seed
from saccade.training.slide_sections import SegmentationDataRecipe, SlideDataRecipe, SurvivalDataRecipe
from saccade.training.task import TrainingTask
from saccade.training.trained_look import leaked, open_teacher, take_look, teacher_folder

_log = logging.getLogger(__name__)


def train(
    recipe: Recipe,
    out: Path | str,
    *,
    resume: bool = False,
    overwrite: bool = False,
    devices: int = 1,
    precision: str = "32-true",
    accelerator: str = "auto",
    data: AnyData | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Train a model and leave a run folder; images of the test part are not opened.

    It holds ``recipe.yaml`` (resolved), ``splits.csv``, ``history.csv`` and ``checkpoints/`` from the first epoch on,
    and in the end ``model.safetensors`` with ``config.json``: the best epoch's model. Each file appears whole or not at
    all.

    Args:
        recipe: What to do.
        out: The run folder; new, empty, or with one of the next two flags.
        resume: Go on from the last finished epoch of this very training; start where there is none.
        overwrite: Replace the run that is there.
        devices: How many to use: GPUs where there are any, else processes on the CPU.
        precision: Lightning's words, such as ``32-true`` or ``bf16-mixed``.
        accelerator: Lightning's words, such as ``cpu``; ``auto`` takes a GPU where there is one.
        data: The recipe's data where it is open already; other parts make it a fold of a cross-validation.
        progress: Told how many of how many images are loaded.

    Returns:
        The run folder.

    Raises:
        BadInput: Recipe, data or folder cannot be used.
        Interrupted: The user stopped it.
    """
    out = Path(out)
    check_folder(out, resume, overwrite)
    _try_model(recipe)
    if data is None:
        data = open_parts(recipe.data, ("train", "val"), progress)
        for note in data.notes:
            _log.warning("%s", note)
    _tell_leaks(recipe, data)
    recipe = recipe.settled(data.preprocessing)
    model = build_model(recipe, data)
    augmentation = recipe.data.augmentation
    moves = augmentation if isinstance(augmentation, GridAugmentation) else None
    module = ImageDataModule.of(data, recipe.training, devices, model.preparation(), moves)
    check_cells(model, data)
    check_boxes(model, data)
    goal = goal_of(data, recipe.training.class_weights)
    task = TrainingTask(model, data.preprocessing, None if moves else augmentation, recipe.training, goal)
    hardware: Any = {"devices": devices, "precision": precision, "accelerator": accelerator}
    hardware["idle"] = isinstance(data, SlideData)
    trainer = make_trainer(make_callbacks(recipe, out, len(data.classes)), recipe.training.epochs, out, **hardware)
    start_folder(out, recipe, data.split, resume, overwrite)
    run_trainer(trainer, task, module, out / CHECKPOINTS / LAST)
    _finish(out, model, data)
    return out


def open_parts(
    recipe: LabelledRecipe, parts: Sequence[str], progress: Callable[[int, int], None] = lambda done, total: None
) -> AnyData:
    """These parts of a recipe's data, opened as it says; images of other parts are not.

    Args:
        recipe: What to open, and how.
        parts: Such as ``train`` and ``val``.
        progress: Told how many of how many images are loaded.
    """
    wanted = {"channels", "fractions", "seed", "mean", "std", "mpp", "snap", "standardise", "bins"}
    options = {**recipe.model_dump(include=wanted), "parts": tuple(parts), "progress": progress}
    if isinstance(recipe, SurvivalDataRecipe):
        return open_survival_data(recipe.path, recipe.features, **options)
    if isinstance(recipe, SegmentationDataRecipe):
        return open_segmentation_data(recipe.path, recipe.features, recipe.rules, **options)
    if isinstance(recipe, SlideDataRecipe):
        return open_slide_data(recipe.path, recipe.features, **options)
    if isinstance(recipe, DataRecipe):
        return open_data(recipe.path, recipe.size, **options)
    return open_fields(recipe.path, **options)


def _tell_leaks(recipe: Recipe, data: AnyData) -> None:
    """Warn where the look to be taken over has seen what the new model is to be tested on."""
    if seen := leaked(teacher_folder(recipe), data.split):
        _log.warning("the run in training.look_from was trained on %d images of the test part: split alike", seen)


def build_model(recipe: Recipe, data: AnyData) -> AnyModel:
    """The model at the start of its training: weights from the seed or an earlier run, budget from the recipe."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(Purpose.WEIGHTS, recipe.training.seed))
        model = create_any(recipe.model.name, data.classes, **_model_options(recipe, data.preprocessing))
        if isinstance(model, AttentionSampling) and _curriculum(recipe) is not None:
            model.warm_up = WarmUp(model.look, len(data.classes))
        take_look(model, open_teacher(recipe), teacher_folder(recipe))
    if recipe.budget is not None:
        assert isinstance(model, SparseClassifier)
        share = recipe.budget.share if isinstance(recipe.budget, FixedBudget) else recipe.budget.ceiling
        model.budget = sites_of_share(share, recipe.data.size**2 / model.site_pixels)
    return model


def check_cells(model: AnyModel, data: AnyData) -> None:
    """Refuse fields with fewer cells than a model draws without replacement, before the first of them is drawn from.

    Raises:
        BadInput: Naming the field with the fewest.
    """
    if not (isinstance(model, AttentionSampling) and model.select.distinct and isinstance(data, FieldData)):
        return
    cells = cells_of(data.images.extents, model.factor).prod(1)
    fewest = int(cells.argmin())
    if cells[fewest] < model.budget:
        message = f"has {cells[fewest]} cells of {model.factor} x {model.factor} pixels, of which {model.budget}"
        remedy = f"set model.budget to {cells[fewest]} or less, or model.estimator to reinforce"
        raise BadInput(f"{message} different ones are to be drawn", remedy, data.rows[fewest].place)


def check_boxes(model: AnyModel, data: AnyData) -> None:
    """Refuse to train the control that reads where the truth lies on data that does not tell.

    Raises:
        BadInput: There is no table of boxes.
    """
    if isinstance(getattr(model, "select", None), OraclePatches) and getattr(data, "boxes", None) is None:
        message = f"comes without truth boxes, and {model.config['model']} reads patches on them"
        remedy = f"put a {BOXES_NAME} beside the manifest, or use the control uniform-patches"
        raise BadInput(message, remedy, str(data.manifest.source))


def make_callbacks(recipe: Recipe, out: Path, classes: int) -> list[Callback]:
    """What happens at each epoch's end, in this order: history, messages, budget, patience, checkpoints."""
    history = History(out / HISTORY)
    callbacks: list[Callback] = [history, LostClasses(), ProgressLine(history)]
    first_epoch = 0
    if isinstance(recipe.budget, LearnedBudget):
        numbers = recipe.budget.model_dump(exclude={"learn"})
        rule = BudgetRule(epochs=recipe.training.epochs, guessing=math.log(classes), **numbers)
        callbacks.append(BudgetSchedule(rule, recipe.data.size**2, recipe.training.seed, out / BUDGETS))
        first_epoch = rule.first_settled
    if (curriculum := _curriculum(recipe)) is not None:
        callbacks.append(CurriculumSchedule(CurriculumRule(classes, **curriculum.model_dump())))
    if recipe.training.patience is not None:
        callbacks.append(Patience(recipe.training.patience, first_epoch))
    return [*callbacks, KeepCheckpoints(out / CHECKPOINTS, first_epoch)]


def _curriculum(recipe: Recipe) -> Curriculum | None:
    """The stages to learn in, where there are any."""
    return recipe.curriculum if isinstance(recipe, FieldRecipe) else None


def _model_options(recipe: Recipe, given: Preprocessing | SlideInput | None, channels: int = 3) -> dict[str, Any]:
    """The recipe's options and those that the data settles; without data, ones that may do."""
    if isinstance(given, SlideInput):
        settled: dict[str, Any] = {"in_features": given.dim}
    else:
        channels = channels if given is None else given.channels
        settled = {"channels": channels, "size": getattr(recipe.data, "size", None)}
    known = options_of(recipe.model.name)
    return {**recipe.model.options, **{name: value for name, value in settled.items() if name in known}}


def _try_model(recipe: Recipe) -> None:
    """Build the model once before the data is loaded, to hear of a bad option or an earlier run at once."""
    with torch.random.fork_rng(devices=[]):
        teacher = open_teacher(recipe)
        channels = getattr(recipe.data, "channels", None) or (3 if teacher is None else teacher.channels)
        options = _model_options(recipe, None, channels)
        if recipe.model.factor_um is not None:  # the data will tell: until then one that fits
            options["factor"] = 1 if teacher is None else teacher.factor
        rules = recipe.data.rules if isinstance(recipe.data, SegmentationDataRecipe) else None
        model = create_any(recipe.model.name, rules.classes if rules else ("a", "b"), **options)
        take_look(model, teacher, teacher_folder(recipe))


def _finish(out: Path, model: AnyModel, data: AnyData) -> None:
    """Make the best epoch the model of the run."""
    best = out / CHECKPOINTS / BEST
    if not best.is_file():
        _log.warning("no validation loss is finite: the last epoch is kept; try a smaller training.learning_rate")
    checkpoint = load_checkpoint(best if best.is_file() else out / CHECKPOINTS / LAST)
    prefix, throw_away = "model.", "model.warm_up."
    if isinstance(model, AttentionSampling):
        model.warm_up = None
    weights = {name: each for name, each in checkpoint["state_dict"].items() if not name.startswith(throw_away)}
    model.load_state_dict({name.removeprefix(prefix): each for name, each in weights.items() if prefix in name})
    if (budget := getattr(model, "budget", None)) is not None:
        model.config["options"]["budget"] = budget
    origin = origin_of(data.manifest, data.bags.paths if isinstance(data, SlideData) else ())
    facts = {"epoch": checkpoint["epoch"] + 1, "data": str(data.manifest.source), "origin": origin, **data.facts}
    save_model(out, model, data.preprocessing, facts)
