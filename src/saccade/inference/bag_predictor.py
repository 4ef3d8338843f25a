"""What all predictors of slides share: bags in, from files or memory, results out; one slide at a time."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

import torch

from saccade.core.bags import Bags
from saccade.core.contract import SparseClassifier, SparseSegmenter
from saccade.features.slide_input import SlideInput
from saccade.inference.bag_loading import BagItem, BagLoader, LoadedBag
from saccade.models.packaging import on_device

Model = TypeVar("Model", bound=SparseClassifier | SparseSegmenter)
Answer = TypeVar("Answer")


class BagPredictor(ABC, Generic[Model, Answer]):
    """A trained model that takes bags; a task adds how what its model says becomes a result.

    Args:
        model: It is put into evaluation mode and moved to the device.
        preprocessing: Whose features it takes.
        device: Where to compute; by default a GPU where there is one.
        origin: ``simulated``, where the model was trained on slides that a program made.
    """

    def __init__(
        self, model: Model, preprocessing: SlideInput, device: torch.device | str | None = None, origin: str = ""
    ) -> None:
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.model: Model = on_device(model.eval(), device)
        self.device = torch.device(device)
        self.preprocessing = preprocessing
        self.origin = origin

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the logits."""
        return self.model.classes

    def predict(self, items: Iterable[BagItem]) -> list[Answer]:
        """Predict slides, in order: one result each.

        A damaged bag among many gets a result with an ``error``, and so does one without a patch of tissue. One whose
        patches are of another size than those of the training has a ``note``.

        Raises:
            BadInput: One bag was handed in where a list was meant.
        """
        return list(self.stream(items))

    def stream(self, items: Iterable[BagItem]) -> Iterator[Answer]:
        """The same as a stream: two bags are loaded ahead, and memory is that of the largest few."""
        return map(self._answered, self._loader().stream(items))

    def load(self, item: BagItem, name: str = "the bag") -> Bags:
        """The bag of one slide, as the model wants it, on its device.

        Raises:
            BadInput: Its file is damaged, its features are another encoder's, or its patches fit no lattice.
        """
        return self._loader().load(item, name)

    def failed(self, name: str, error: str) -> Answer:
        """The result of a slide of which there is no bag.

        Args:
            name: Of the slide.
            error: Why, in one line.
        """
        return self._result(LoadedBag(name, name, error=error), None)

    @abstractmethod
    def _result(self, loaded: LoadedBag, found: Any) -> Answer:
        """What the model said of a bag, on the CPU again, as a result; ``None`` where the bag has an error."""

    def _loader(self) -> BagLoader:
        return BagLoader(self.preprocessing, self.model.preparation(), self.device)

    @torch.inference_mode()
    def _answered(self, loaded: LoadedBag) -> Answer:
        return self._result(loaded, None if loaded.bags is None else self.model(loaded.bags).to("cpu"))
