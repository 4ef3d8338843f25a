"""The predictor of slides: bags in, from files or memory, results out; one slide at a time."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch

from saccade.core.bags import Bags
from saccade.core.contract import SparseClassifier
from saccade.core.errors import BadInput, SaccadeError
from saccade.features.loading import load_bags
from saccade.features.slide_input import SlideInput
from saccade.features.store import Bag, open_bag
from saccade.inference.result import Result
from saccade.models.packaging import load_model, on_device

BagItem = str | os.PathLike[str] | Bag | Bags
"""A file of features, one that is open, or the bag of one slide in memory, as its encoder left it."""

_AHEAD = 2  # bags loaded while another is classified


@dataclass(frozen=True, eq=False)
class _Loaded:
    """A bag on its way through, or what is wrong with it."""

    name: str
    item: BagItem
    bags: Bags | None = None
    extent: tuple[int, int] = (0, 0)
    error: str = ""
    note: str = ""


class SlidePredictor:
    """A trained model of slides: bags in, results out, whose sites are all patches with their weights.

    A damaged bag among many gets a result with an ``error``. One whose patches are of another size than those of the
    training has a ``note``.

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
            BadInput: There is no model, it is damaged, or it is none of slides.
        """
        package = load_model(folder)
        if not isinstance(package.preprocessing, SlideInput):
            name = package.config["model"]
            raise BadInput(f"{name} is no model of slides", "give the run of one, such as span", str(folder))
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
        if isinstance(items, str | os.PathLike | Bag | Bags):
            raise BadInput("one bag was handed in where a list of bags is wanted", "put it in a list: [bag]")
        return self._stream(enumerate(items, start=1))

    def load(self, item: BagItem, name: str = "the bag") -> Bags:
        """The bag of one slide, as the model wants it, on its device.

        Raises:
            BadInput: Its file is damaged, its features are another encoder's, or its patches fit no lattice.
        """
        bags = self.preprocessing.normalised(item) if isinstance(item, Bags) else self._checked(_opened(item), name)
        if len(bags) != 1:
            raise BadInput(f"holds {len(bags)} slides where one is wanted", "hand them in one by one", name)
        return self.model.preparation()(bags).to(self.device)

    def _checked(self, bag: Bag, name: str) -> Bags:
        self.preprocessing.check(SlideInput.of(bag), name)
        return self.preprocessing.normalised(load_bags([bag], self.preprocessing.snap))

    def _stream(self, numbered: Iterator[tuple[int, BagItem]]) -> Iterator[Result]:
        ahead: deque[Future[_Loaded]] = deque()
        pool = ThreadPoolExecutor(_AHEAD, thread_name_prefix="saccade-bags")
        try:
            while batch := list(islice(numbered, 1)):
                ahead.extend(pool.submit(self._load, number, item) for number, item in batch)
                if len(ahead) > _AHEAD:
                    yield self._result(ahead.popleft().result())
            while ahead:
                yield self._result(ahead.popleft().result())
        finally:
            pool.shutdown(cancel_futures=True)

    def _load(self, number: int, item: BagItem) -> _Loaded:
        """Open one bag; what is wrong with it costs no other slide anything."""
        name = name_of(item, number)
        try:
            if isinstance(item, Bags):
                return _Loaded(name, item, self.load(item, name), _reach(item))
            bag = _opened(item)
            bags = self.load(bag, name)
            doubt = self.preprocessing.doubt(SlideInput.of(bag))
            note = f"{name}: {doubt}" if doubt else ""
            extent = (bag.height or 0, bag.width or 0) if bag.width and bag.height else _reach(bags)
            return _Loaded(name, item, bags, extent, note=note)
        except (SaccadeError, MemoryError) as error:
            return _Loaded(name, item, error=str(error) or f"{name}: there is not enough memory for it")

    @torch.inference_mode()
    def _result(self, loaded: _Loaded) -> Result:
        """The prediction of one slide, on the CPU again."""
        if loaded.bags is None:
            return Result(loaded.name, loaded.item, self.classes, error=loaded.error)
        prediction = self.model(loaded.bags).to("cpu")
        note = loaded.note
        if bool(prediction.empty[0]):
            note = f"{loaded.name}: holds no patch of tissue, so what is said of it is a guess"
        return Result(loaded.name, loaded.item, self.classes, prediction, extent=loaded.extent, note=note)


def bag_item(path: Path, mpp: float | None = None) -> Path | Bag:
    """A file of features as a predictor takes it, opened where it is known how large base pixels are.

    STAMP's files cannot be placed without. One that cannot be opened stays a path: its turn will tell why.

    Args:
        path: The file.
        mpp: Micrometres per base pixel, as a table or the user has it.
    """
    if mpp is None:
        return path
    try:
        return open_bag(path, mpp)
    except BadInput:
        return path


def name_of(item: BagItem, number: int) -> str:
    """How results and errors call a bag: its path, or its number among those handed in."""
    if isinstance(item, Bag):
        return str(item.path)
    return f"bag {number}" if isinstance(item, Bags) else str(Path(item))


def _opened(item: str | os.PathLike[str] | Bag) -> Bag:
    return item if isinstance(item, Bag) else open_bag(Path(item))


def _reach(bags: Bags) -> tuple[int, int]:
    """Height and width in base pixels as far as patches go, where nobody says how large the slide is."""
    if not len(bags.boxes):
        return 0, 0
    right, below = bags.boxes[:, 2:].amax(0).tolist()
    return round(below), round(right)
