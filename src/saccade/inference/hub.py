"""A saved model by its name: a folder on this machine or, where there is none, a repository of the Hugging Face hub."""

import re
from pathlib import Path

import torch

from saccade.core.contract import SparseClassifier, SparseSegmenter
from saccade.core.errors import BadInput
from saccade.core.registry import Task
from saccade.features.slide_input import SlideInput
from saccade.inference.predictor import Predictor
from saccade.inference.segmentation_predictor import SegmentationPredictor
from saccade.inference.slide_predictor import SlidePredictor
from saccade.inference.survival_predictor import SurvivalPredictor
from saccade.models import MODELS
from saccade.models.packaging import CONFIG, WEIGHTS, Package, load_model

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")

AnyPredictor = Predictor | SlidePredictor
"""Those that give images a class."""

AnySlidePredictor = SlidePredictor | SurvivalPredictor | SegmentationPredictor
"""Those that take bags, whatever they are asked."""


def load(name: Path | str, device: torch.device | str | None = None) -> AnyPredictor | AnySlidePredictor:
    """Open a trained model for prediction; everything it needs to know about images is inside.

    A model of cells or fields takes images, one of slides bags of stored features; what comes back is a class, or what
    else the model was trained for.

    Args:
        name: The folder of a run or of a saved model, or ``owner/name`` on the hub.
        device: Where to compute; by default a GPU where there is one.

    Raises:
        BadInput: Nothing of that name, or what is there is damaged.
    """
    package = load_model(find_model(name))
    if task_of(package) == "classification":
        return open_predictor(package, device)
    return open_slide_predictor(package, device)


def task_of(package: Package) -> Task:
    """What a saved model is asked."""
    return MODELS[package.config["model"]].task


def open_predictor(package: Package, device: torch.device | str | None = None) -> AnyPredictor:
    """The predictor of classes at a model's scale.

    Raises:
        BadInput: The model is for another task.
    """
    if (task := task_of(package)) != "classification":
        raise BadInput(f"{package.config['model']} is for {task} and gives no class", "open it by saccade.load")
    assert isinstance(package.model, SparseClassifier)
    if isinstance(package.preprocessing, SlideInput):
        return SlidePredictor(package.model, package.preprocessing, device, package.origin)
    return Predictor(package.model, package.preprocessing, device, package.origin)


def open_slide_predictor(package: Package, device: torch.device | str | None = None) -> AnySlidePredictor:
    """The predictor of a model of slides, by its task.

    Raises:
        BadInput: It is no model of slides.
    """
    if not isinstance(package.preprocessing, SlideInput):
        raise BadInput(f"{package.config['model']} is no model of slides", "give the run of one, such as span")
    if isinstance(package.model, SparseSegmenter):
        return SegmentationPredictor(package.model, package.preprocessing, device, package.origin)
    kind = SurvivalPredictor if task_of(package) == "survival" else SlidePredictor
    return kind(package.model, package.preprocessing, device, package.origin)


def find_model(name: Path | str) -> Path:
    """The folder of a saved model; the network is asked only for an ``owner/name`` that is no folder here.

    A file or folder called ``owner`` shows that a local path was meant. With ``HF_HUB_OFFLINE=1`` in the environment
    only what was fetched before is used.

    Raises:
        BadInput: No such folder, and no such repository that can be reached.
    """
    path = Path(name)
    if path.exists():
        return path
    if not _REPOSITORY.fullmatch(str(name)) or Path(str(name).split("/")[0]).exists():
        remedy = "give the folder of a run, or owner/name of a model on the Hugging Face hub"
        raise BadInput("there is no such folder", remedy, str(name))
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(str(name), allow_patterns=[CONFIG, WEIGHTS]))
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        message = f"there is no such folder here, and the Hugging Face hub did not give it ({reason})"
        raise BadInput(message, "check the name and the connection, or give a folder", str(name)) from error
