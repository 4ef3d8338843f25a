"""The look of an earlier run in front of a new model: ``training.look_from`` of a recipe."""

from pathlib import Path

from saccade.core.contract import AnyModel
from saccade.core.errors import BadInput
from saccade.core.manifest import Manifest
from saccade.core.splits import load_splits
from saccade.models.attention_front_end import AttentionFrontEnd
from saccade.models.attention_sampling import AttentionSampling
from saccade.models.packaging import load_model
from saccade.training.recipe import Recipe
from saccade.training.run_folder import SPLITS


def teacher_folder(recipe: Recipe) -> Path | None:
    """The run whose look is to be taken over; cells have none."""
    path = getattr(recipe.training, "look_from", None)
    return None if path is None else Path(path)


def open_teacher(recipe: Recipe) -> AttentionSampling | None:
    """The trained model whose look the recipe names; ``None`` where it names none.

    Raises:
        BadInput: It is no run of attention sampling, or none that has finished.
    """
    folder = teacher_folder(recipe)
    if folder is None:
        return None
    model = load_model(folder).model
    if not isinstance(model, AttentionSampling):
        message = f"holds a {model.config['model']}, whose look cannot be taken over"
        raise BadInput(message, "name a run of attention-sampling in training.look_from", str(folder))
    return model


def take_look(model: AnyModel, teacher: AttentionSampling | None, folder: Path | None) -> None:
    """Give a model the teacher's look, where there is a teacher.

    Raises:
        BadInput: The model takes none over, the look does not fit, or a look would be frozen untrained.
    """
    if not isinstance(model, AttentionFrontEnd):
        if teacher is not None:
            message = f"training.look_from has no effect on {model.config['model']}"
            raise BadInput(message, "remove it, or set model.name to attention-front-end")
    elif teacher is not None:
        try:
            model.adopt(teacher)
        except BadInput as error:
            raise BadInput(error.message, error.remedy, str(folder)) from error
    elif model.entropy is None:
        message = "model.entropy = null freezes a look that has learned nothing"
        raise BadInput(message, "name a run of attention-sampling in training.look_from, or give entropy a number")


def leaked(folder: Path | None, split: Manifest) -> int:
    """How many images of the test part the run in a folder was trained or chosen on, going by their names."""
    path = None if folder is None else folder / SPLITS
    if path is None or not path.is_file():
        return 0
    parts = load_splits(path)
    return sum(row.split == "test" and parts.get(row.name, "test") != "test" for row in split.rows)
