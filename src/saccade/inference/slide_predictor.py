"""The predictor of slides: bags in, from files or memory, results out; one slide at a time."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch

from saccade.core.bags import Bags
from saccade.core.contract import SparseClassifier
from saccade.core.errors import BadInput
from saccade.features.slide_input import SlideInput
from saccade.inference.bag_loading import BagItem, BagLoader, LoadedBag
from saccade.inference.result import Result
from saccade.models import MODELS
from saccade.models.packaging import load_model, on_device


class SlidePredictor:
    """A trained model of slides: bags in, results out, whose sites are all patches with their weights.

    A damaged bag among many gets a result with an ``error``, and so does one without a patch of tissue. One whose
    patches are of another size than those of the training has a ``note``.

    >>> import saccade
    >>> predictor = saccade.load("runs/span")                               # doctest: +SKIP
    >>> predictor.predict(["job/20x_224px_0px_overlap/features_x/a.h5"])[0].label      # doctest: +SKIP
    'tumour'

    Args:
        model: A classifier of bags; it is put into evaluation mode and moved to the device.
        preprocessing: Whose features it takes.
        device: Where to compute; by default a GPU where there is one.
    """

    def __init__(
        self,
        model: SparseClassifier,
        preprocessing: SlideInput,
        device: torch.device | str | None = None,
    ) -> None:
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.model = on_device(model.eval(), device)
        self.device = torch.device(device)
        self.preprocessing = preprocessing

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
        return cls(package.model, package.preprocessing, device)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the logits."""
        return self.model.classes

    def predict(self, items: Iterable[BagItem]) -> list[Result]:
        """Predict slides, in order: one result each.

        Raises:
            BadInput: One bag was handed in where a list was meant.
        """
        return list(self.stream(items))

    def stream(self, items: Iterable[BagItem]) -> Iterator[Result]:
        """The same as a stream: two bags are loaded ahead, and memory is that of the largest few."""
        return map(self._result, self._loader().stream(items))

    def load(self, item: BagItem, name: str = "the bag") -> Bags:
        """The bag of one slide, as the model wants it, on its device.

        Raises:
            BadInput: Its file is damaged, its features are another encoder's, or its patches fit no lattice.
        """
        return self._loader().load(item, name)

    def _loader(self) -> BagLoader:
        return BagLoader(self.preprocessing, self.model.preparation(), self.device)

    @torch.inference_mode()
    def _result(self, loaded: LoadedBag) -> Result:
        """The prediction of one slide, on the CPU again."""
        if loaded.bags is None:
            return Result(loaded.name, loaded.item, self.classes, error=loaded.error)
        prediction = self.model(loaded.bags).to("cpu")
        return Result(loaded.name, loaded.item, self.classes, prediction, extent=loaded.extent, note=loaded.note)
