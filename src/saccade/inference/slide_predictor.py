"""The predictor of slides' classes: bags in, from files or memory, results out."""

from pathlib import Path

import torch

from saccade.core.contract import SparseClassifier
from saccade.core.errors import BadInput
from saccade.core.results import Prediction
from saccade.features.slide_input import SlideInput
from saccade.inference.bag_loading import LoadedBag
from saccade.inference.bag_predictor import BagPredictor
from saccade.inference.result import Result
from saccade.models import MODELS
from saccade.models.packaging import load_model


class SlidePredictor(BagPredictor[SparseClassifier, Result]):
    """A trained model of slides: bags in, results out, whose sites are all patches with their weights.

    >>> import saccade
    >>> predictor = saccade.load("runs/span")                               # doctest: +SKIP
    >>> predictor.predict(["job/20x_224px_0px_overlap/features_x/a.h5"])[0].label      # doctest: +SKIP
    'tumour'

    Args:
        model: A classifier of bags; it is put into evaluation mode and moved to the device.
        preprocessing: Whose features it takes.
        device: Where to compute; by default a GPU where there is one.
    """

    @classmethod
    def open(cls, folder: Path | str, device: torch.device | str | None = None) -> "SlidePredictor":
        """Open a run folder and its model.

        Raises:
            BadInput: There is no model, it is damaged, or it is none that gives slides a class.
        """
        package = load_model(folder)
        name = package.config["model"]
        if not isinstance(package.preprocessing, SlideInput):
            raise BadInput(f"{name} is no model of slides", "give the run of one, such as span", str(folder))
        if MODELS[name].task != "classification":
            raise BadInput(f"{name} is for {MODELS[name].task}", "open it by saccade.load", str(folder))
        assert isinstance(package.model, SparseClassifier)
        return cls(package.model, package.preprocessing, device, package.origin)

    def _result(self, loaded: LoadedBag, found: Prediction | None) -> Result:
        return Result(loaded.name, loaded.item, self.classes, found, loaded.error, loaded.extent, loaded.note)
