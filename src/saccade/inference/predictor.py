"""The Predictor: images of any size, from files or memory, to results; tensors stay inside."""

import copy
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from saccade.core.contract import SparseClassifier
from saccade.core.errors import BadInput, SaccadeError
from saccade.core.results import Prediction
from saccade.datasets.boxes import padded
from saccade.features.slide_input import SlideInput
from saccade.imaging.opening import Decoded, FieldPixels, Opened, extent_of, open_images, open_tiled
from saccade.imaging.preprocessing import Preprocessing
from saccade.imaging.tiled_files import TiledFile, stated_mpp
from saccade.inference.fast import FastModel
from saccade.inference.result import Item, Result, open_field_item, open_item
from saccade.models.packaging import load_model, on_device

_MOST_WORKERS = 4


@dataclass(frozen=True, eq=False)
class _Opened:
    """An image on its way through: its pixels at the model's size or its file, or what is wrong with it."""

    name: str
    item: Item
    pixels: FieldPixels | None = None
    extent: tuple[int, int] = (0, 0)
    error: str = ""
    note: str = ""


class Predictor:
    """A trained model with its preprocessing: images in, results out.

    A bad image among many gets a result with an ``error``; the others are predicted all the same. A model of fields
    takes TIFF files of any size: one too large to decode (``imaging.opening``) is read tile by tile, by itself. The
    result of one that states another resolution than the model was trained at has a ``note``.

    >>> import saccade
    >>> predictor = saccade.load("runs/pbc")                                # doctest: +SKIP
    >>> predictor.predict(["a.jpg", "b.png"])[0].label                      # doctest: +SKIP
    'neutrophil'

    Args:
        model: A classifier; it is put into evaluation mode and moved to the device.
        preprocessing: How images become its input.
        device: Where to compute; by default a GPU where there is one.
        origin: ``simulated`` or the name of a proxy, where the model was trained on that.
    """

    def __init__(
        self,
        model: SparseClassifier,
        preprocessing: Preprocessing,
        device: torch.device | str | None = None,
        origin: str = "",
    ) -> None:
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.model = on_device(model.eval(), device)
        self.device = torch.device(device)
        self.preprocessing = preprocessing
        self.origin = origin
        self._boxes: Mapping[Path, Float[Tensor, "_ 4"]] | None = None

    @classmethod
    def open(cls, folder: Path | str, device: torch.device | str | None = None) -> "Predictor":
        """Open a run folder or any folder that ``save_model`` wrote.

        Raises:
            BadInput: There is no model, it is damaged, or it is one of slides.
        """
        package = load_model(folder)
        if isinstance(package.preprocessing, SlideInput):
            message = f"{package.config['model']} is a model of slides"
            raise BadInput(message, "open it with saccade.load", str(folder))
        assert isinstance(package.model, SparseClassifier)  # segmenters are of slides
        return cls(package.model, package.preprocessing, device, package.origin)

    def with_boxes(self, boxes: Mapping[Path, Float[Tensor, "_ 4"]] | None) -> "Predictor":
        """The same, opening fields with their truth boxes, which ``oracle-patches`` alone may ask for.

        Args:
            boxes: In base pixels, by the resolved path of each file; what is not in here has no box. ``None`` where
                nothing is known.
        """
        knowing = copy.copy(self)
        knowing._boxes = boxes
        return knowing

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the logits."""
        return self.model.classes

    def predict(self, items: Iterable[Item], batch_size: int | None = None) -> list[Result]:
        """Predict images, in order: one result each.

        Args:
            items: Paths, arrays of height × width (× channel), or tensors with channels first, in any mix.
            batch_size: Images opened and classified at a time; by default 64 cells or 4 fields.

        Raises:
            BadInput: One image was handed in where a list was meant.
        """
        return list(self.stream(items, batch_size))

    def stream(self, items: Iterable[Item], batch_size: int | None = None) -> Iterator[Result]:
        """The same as a stream: files are opened a batch ahead, by a few threads, and memory does not grow."""
        if isinstance(items, str | os.PathLike) or (isinstance(items, np.ndarray) and items.ndim < 4):
            raise BadInput("one image was handed in where a list of images is wanted", "put it in a list: [image]")
        batch_size = (64 if self.preprocessing.size else 4) if batch_size is None else batch_size
        if batch_size < 1:
            raise BadInput(f"a batch of {batch_size} images holds none", "give 1 or more")
        return self._stream(enumerate(items, start=1), batch_size)

    def _stream(self, numbered: Iterator[tuple[int, Item]], batch_size: int) -> Iterator[Result]:
        ahead: deque[list[Future[_Opened]]] = deque()
        fast = self.fast_form(self.model)  # made anew, since the model's budget may have been changed
        pool = ThreadPoolExecutor(min(_MOST_WORKERS, os.cpu_count() or 1), thread_name_prefix="saccade-open")
        try:
            while batch := list(islice(numbered, batch_size)):
                ahead.append([pool.submit(self._open, number, item) for number, item in batch])
                if len(ahead) > 1:
                    yield from self._results(fast, [future.result() for future in ahead.popleft()])
            while ahead:
                yield from self._results(fast, [future.result() for future in ahead.popleft()])
        finally:
            pool.shutdown(cancel_futures=True)

    def _open(self, number: int, item: Item) -> _Opened:
        """Load and preprocess one image."""
        name = str(Path(item)) if isinstance(item, str | os.PathLike) else f"array {number}"
        try:
            image = open_item(item, name) if self.preprocessing.size else open_field_item(item, name)
            pixels = image if isinstance(image, TiledFile) else self.preprocessing.resize(image, name)
            return _Opened(name, item, pixels, extent_of(image), note=self.note_on(item))
        except (SaccadeError, MemoryError) as error:
            return _Opened(name, item, error=_told(error, name))

    def note_on(self, item: Item) -> str:
        """One line, naming the file, where a field states another resolution than the model's; cells are resized."""
        known = self.preprocessing.size is None and self.preprocessing.mpp is not None
        if not known or not isinstance(item, str | os.PathLike):
            return ""
        doubt = self.preprocessing.mpp_doubt(stated_mpp(Path(item)))
        return f"{Path(item)}: {doubt}" if doubt else ""

    def fast_form(self, model: SparseClassifier) -> FastModel:
        """A model in the form that predicts on this device; a GPU takes larger chunks than a processor's cache."""
        return FastModel(model, None if self.device.type == "cpu" or self.preprocessing.size is None else 256)

    def _results(self, model: FastModel, batch: list[_Opened]) -> Iterator[Result]:
        """Results of a batch, the bad images left out of the tensor but not out of the order."""
        good = [(one.pixels, one) for one in batch if isinstance(one.pixels, np.ndarray)]
        found: list[Prediction] = []
        if good:
            extents = torch.tensor([one.extent for _, one in good])
            images = self.open_images([pixels for pixels, _ in good], [one.item for _, one in good])
            whole = self._predict(model, images, extents)
            found = [whole[row] for row in range(len(good))]
        left = iter(found)
        for one in batch:
            if isinstance(one.pixels, TiledFile):
                yield self._result_of_file(model, one, one.pixels)
            else:
                prediction = None if one.pixels is None else next(left)
                yield Result(one.name, one.item, self.classes, prediction, one.error, one.extent, one.note)

    def _result_of_file(self, model: FastModel, one: _Opened, file: TiledFile) -> Result:
        """The result of a field that is too large to decode; its tiles may turn out damaged as they are read."""
        try:
            images = open_tiled(file, self.preprocessing, self.device, self._boxes_of([one.item]))
            prediction = self._predict(model, images, torch.tensor([one.extent]))
            return Result(one.name, one.item, self.classes, prediction, extent=one.extent, note=one.note)
        except (SaccadeError, MemoryError) as error:
            return Result(one.name, one.item, self.classes, error=_told(error, one.name))

    def open_images(self, arrays: Sequence[np.ndarray], items: Sequence[Item] = ()) -> Decoded:
        """Images at the model's size, as it asks for them; ``items`` they came from tell where their boxes lie."""
        return open_images(arrays, self.preprocessing, self.device, self._boxes_of(items or [None] * len(arrays)))

    def open_pixels(self, pixels: FieldPixels, source: str = "the array", item: Item = None) -> Opened:
        """One image as ``Result.pixels`` gives it, as the model asks for it: a batch of one.

        Raises:
            BadInput: Naming ``source``: another number of channels or kind of values than the model was trained on.
        """
        if isinstance(pixels, TiledFile):
            return open_tiled(pixels, self.preprocessing, self.device, self._boxes_of([item]))
        return self.open_images([self.preprocessing.resize(pixels, source)], [item])

    def _boxes_of(self, items: Sequence[Item]) -> Float[Tensor, "image box 4"] | None:
        """The boxes of what was handed in, where any are known."""
        if self._boxes is None:
            return None
        files = [Path(item).resolve() if isinstance(item, str | os.PathLike) else Path() for item in items]
        return padded([self._boxes.get(file, torch.empty(0, 4)) for file in files])

    @torch.inference_mode()
    def _predict(self, model: FastModel, images: Opened, extents: Int[Tensor, "batch 2"]) -> Prediction:
        """One pass, on the CPU again, with its sites in the pixels of each image as it is stored."""
        prediction = model(images).to("cpu")
        boxes = self.preprocessing.to_base(prediction.sites.boxes, extents)
        return replace(prediction, sites=replace(prediction.sites, boxes=boxes))


def _told(error: Exception, name: str) -> str:
    """One line on what went wrong with an image."""
    return str(error) or f"{name}: there is not enough memory for it"
