"""Bags on their way to a model of slides: opened ahead, checked, standardised and prepared, one slide at a time."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch

from saccade.core.bags import Bags
from saccade.core.errors import BadInput, SaccadeError
from saccade.features.loading import load_bags
from saccade.features.slide_input import SlideInput
from saccade.features.store import Bag, open_bag

BagItem = str | os.PathLike[str] | Bag | Bags
"""A file of features, one that is open, or the bag of one slide in memory, as its encoder left it."""

_AHEAD = 2  # bags loaded while another is predicted


@dataclass(frozen=True, eq=False)
class LoadedBag:
    """A bag ready for the model, or what is wrong with it.

    Attributes:
        name: How results and errors call it.
        item: What was handed in.
        bags: Bags of one slide on the model's device; ``None`` after an error.
        extent: Height and width of the slide in base pixels; as far as patches go where nobody tells.
        error: One line; empty where all went well.
        note: One line on what to know about a bag that is used all the same; mostly empty.
    """

    name: str
    item: BagItem
    bags: Bags | None = None
    extent: tuple[int, int] = (0, 0)
    error: str = ""
    note: str = ""


class BagLoader:
    """Opens bags as a model wants them; what every predictor of slides shares.

    >>> loader = BagLoader(SlideInput("made-up", 8), lambda bags: bags, "cpu")
    >>> [loaded.error for loaded in loader.stream([Bags(torch.rand(2, 8), torch.tensor([[0, 0], [1, 0]]), (2,))])]
    ['']

    Args:
        given: Whose features the model takes.
        prepare: What the model does with a bag once; see ``preparation``.
        device: Where bags are to be.
    """

    def __init__(self, given: SlideInput, prepare: Callable[[Bags], Bags], device: torch.device | str) -> None:
        self.given, self.prepare, self.device = given, prepare, device

    def load(self, item: BagItem, name: str = "the bag") -> Bags:
        """The bag of one slide, as the model wants it, on its device.

        Raises:
            BadInput: Its file is damaged, its features are another encoder's, or its patches fit no lattice.
        """
        bags = self.given.normalised(item) if isinstance(item, Bags) else self._checked(_opened(item), name)
        if len(bags) != 1:
            raise BadInput(f"holds {len(bags)} slides where one is wanted", "hand them in one by one", name)
        return self.prepare(bags).to(self.device)

    def stream(self, items: Iterable[BagItem]) -> Iterator[LoadedBag]:
        """All bags in their order, two ahead; a bad one, or one without patches, costs no other anything.

        Raises:
            BadInput: One bag was handed in where a list was meant.
        """
        if isinstance(items, str | os.PathLike | Bag | Bags):
            raise BadInput("one bag was handed in where a list of bags is wanted", "put it in a list: [bag]")
        return self._stream(enumerate(items, start=1))

    def _checked(self, bag: Bag, name: str) -> Bags:
        self.given.check(SlideInput.of(bag), name)
        return self.given.normalised(load_bags([bag], self.given.snap))

    def _stream(self, numbered: Iterator[tuple[int, BagItem]]) -> Iterator[LoadedBag]:
        ahead: deque[Future[LoadedBag]] = deque()
        pool = ThreadPoolExecutor(_AHEAD, thread_name_prefix="saccade-bags")
        try:
            for number, item in numbered:
                ahead.append(pool.submit(self._load, number, item))
                if len(ahead) > _AHEAD:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _load(self, number: int, item: BagItem) -> LoadedBag:
        """Open one bag; what is wrong with it costs no other slide anything."""
        name = name_of(item, number)
        try:
            if isinstance(item, Bags):
                return LoadedBag(name, item, _holding(self.load(item, name), name), _reach(item))
            bag = _opened(item)
            bags = _holding(self.load(bag, name), name)
            doubt = self.given.doubt(SlideInput.of(bag))
            note = f"{name}: {doubt}" if doubt else ""
            extent = (bag.height or 0, bag.width or 0) if bag.width and bag.height else _reach(bags)
            return LoadedBag(name, item, bags, extent, note=note)
        except (SaccadeError, MemoryError) as error:
            return LoadedBag(name, item, error=str(error) or f"{name}: there is not enough memory for it")


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


def _holding(bags: Bags, name: str) -> Bags:
    """The same bags; a model answers for empty ones too, but that is its bias and no diagnosis."""
    if not len(bags.features):
        remedy = "leave it out, or look at how tissue was found in it"
        raise BadInput("holds no patch of tissue, so nothing can be said of it", remedy, name)
    return bags


def _reach(bags: Bags) -> tuple[int, int]:
    """Height and width in base pixels as far as patches go, where nobody says how large the slide is."""
    if not len(bags.boxes):
        return 0, 0
    right, below = bags.boxes[:, 2:].amax(0).tolist()
    return round(below), round(right)
