"""Slides to train on: the bags of a folder, joined to the labels of a table and split by case.

Features stay in their files until a batch asks for them. What has been loaded is kept while there is room, and the
index of its lattice always, so that it is built once per slide.
"""

import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from jaxtyping import Int
from torch import Tensor

from saccade.core.bags import BagIndex, Bags
from saccade.core.errors import BadInput
from saccade.core.manifest import PARTS
from saccade.core.splits import FRACTIONS, Split, assign_parts
from saccade.datasets.bags import Bags as StoredBags
from saccade.datasets.bags import open_bags
from saccade.datasets.labelled import LabelledData, class_numbers
from saccade.features.loading import load_bags
from saccade.features.slide_input import SlideInput
from saccade.ops.lattice import Snap

Slides = TypeVar("Slides", bound="SlideData")

Prepare = Callable[[Bags], Bags]
"""What a model does with the bag of a slide once, before it is used."""

_MOST_MEASURED = 256  # slides whose features are measured
KEPT = 2**31
"""Bytes of features kept in memory; what does not fit is loaded again when it is asked for again."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SlideData(LabelledData):
    """A data set of slides that have been embedded.

    Attributes:
        bags: The files.
        preprocessing: Whose features they are.
        standardise: Whether features are shifted and scaled by what they are in the training part.
    """

    bags: StoredBags
    preprocessing: SlideInput  # pyright: ignore[reportIncompatibleVariableOverride] - frozen: nobody assigns to it
    standardise: bool = True

    @property
    def shelf(self) -> "Shelf":
        """The bags, to be loaded one by one."""
        return Shelf(self.bags, self.preprocessing.snap, self.preprocessing.normalised)

    def pixels_of(self, index: Int[Tensor, "chosen"]) -> dict[str, Any]:
        """Some of the bags."""
        return {"bags": self.bags.take(index.tolist())}

    def fitted(self: Slides) -> Slides:
        """The same with features measured on the training part, where they are to be standardised."""
        if not self.standardise:
            return self
        bags = self.part("train").bags
        chosen = range(0, len(bags), max(1, len(bags) // _MOST_MEASURED))
        return replace(self, preprocessing=self.preprocessing.fitted(bags[number] for number in chosen))


@dataclass(frozen=True)
class _Both:
    """One after the other; a function within a function could not be sent to other processes."""

    first: Prepare
    then: Prepare

    def __call__(self, bags: Bags) -> Bags:
        return self.then(self.first(bags))


class Shelf:
    """Bags of slides by number, loaded when they are first asked for and kept while there is room.

    Several threads may ask; it can be sent to other processes, which start with nothing loaded.

    Args:
        bags: The files.
        snap: How patches that fit no lattice are treated.
        prepare: What is done with each once.
        kept: Bytes of features to keep.
    """

    def __init__(
        self,
        bags: StoredBags,
        snap: Snap | None = None,
        prepare: Prepare | None = None,
        kept: int = KEPT,
    ) -> None:
        self.bags, self.prepare, self.kept = bags, prepare, kept
        self.snap: Snap | None = snap
        self._loaded: OrderedDict[int, Bags] = OrderedDict()
        self._indices: dict[int, BagIndex] = {}
        self._lock = Lock()

    def prepared(self, prepare: Prepare) -> "Shelf":
        """The same bags, each prepared for a model as well."""
        own = self.prepare
        return Shelf(self.bags, self.snap, prepare if own is None else _Both(own, prepare), self.kept)

    def take(self, rows: Sequence[int]) -> "Shelf":
        """Some of the bags, in this order."""
        return Shelf(self.bags.take(rows), self.snap, self.prepare, self.kept)

    def __len__(self) -> int:
        """Slides."""
        return len(self.bags)

    def __getitem__(self, number: int) -> Bags:
        """The bag of one slide.

        Raises:
            BadInput: Its file is damaged, or its patches fit no lattice.
        """
        with self._lock:
            if number in self._loaded:
                self._loaded.move_to_end(number)
                return self._loaded[number]
            index = self._indices.get(number)
        bag = load_bags([self.bags[number]], self.snap)
        if index is not None:
            bag = replace(bag, index=index)
        if self.prepare is not None:
            bag = self.prepare(bag)
        self._keep(number, bag)
        return bag

    def __reduce__(self) -> tuple:
        return Shelf, (self.bags, self.snap, self.prepare, self.kept)

    def _keep(self, number: int, bag: Bags) -> None:
        """Remember a bag; the one that was not asked for the longest goes first."""
        with self._lock:
            self._loaded[number] = bag
            if bag.index is not None:
                self._indices[number] = bag.index
            held = sum(each.features.nbytes for each in self._loaded.values())
            while held > self.kept and len(self._loaded) > 1:
                _, gone = self._loaded.popitem(last=False)
                held -= gone.features.nbytes


def open_slide_data(
    path: Path | str,
    features: Path | str,
    *,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
    snap: Snap | None = None,
    standardise: bool = True,
    parts: Sequence[str] = PARTS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> SlideData:
    """Open embedded slides to train on: labels from a table, features from a folder, parts by their own or by case.

    Args:
        path: A manifest, or a table of slide ids and labels; the slides themselves need not be there.
        features: Feature files at any depth, such as the folder of a job.
        fractions: Shares of training, validation and test part, where the table has no split of its own.
        seed: Seed of that split.
        snap: ``nearest`` moves patches that fit no lattice.
        standardise: Shift and scale each number by its mean and deviation in the training part.
        parts: The parts to open; files of others are not looked into.
        progress: Told how many of how many files have been looked into.

    Raises:
        BadInput: A row without features, or features of several encoders.
    """
    bags = open_bags(path, features)
    split = assign_parts(bags.manifest.rows, fractions, seed)
    common = slides_of_parts(bags, split, parts, snap, progress)
    classes = bags.manifest.classes
    labels = class_numbers(common["manifest"], classes)
    data = SlideData(**common, classes=classes, labels=labels, standardise=standardise)
    return data.fitted() if "train" in parts else data


def slides_of_parts(
    bags: StoredBags, split: Split, parts: Sequence[str], snap: Snap | None, progress: Callable[[int, int], None]
) -> dict[str, Any]:
    """What ``SlideData`` holds of some parts whatever is asked of the slides: all but classes and labels.

    Args:
        bags: All slides.
        split: A part for each.
        parts: The parts to open.
        snap: ``nearest`` moves patches that fit no lattice.
        progress: Told how many of how many files have been looked into.
    """
    whole = bags.manifest.with_parts(split.parts)
    wanted = replace(bags, manifest=whole).take([n for n, row in enumerate(whole.rows) if row.split in parts])
    given, notes = common_input(wanted, progress)
    return {
        "manifest": wanted.manifest,
        "preprocessing": replace(given, snap=snap),
        "split": whole,
        "notes": (*split.notes, *notes),
        "bags": wanted,
    }


def common_input(
    bags: StoredBags, progress: Callable[[int, int], None] = lambda done, total: None
) -> tuple[SlideInput, tuple[str, ...]]:
    """Whose features the files hold, and notes where their patches are not of one size, or there are none.

    Raises:
        BadInput: There are none, or they are of several encoders.
    """
    if not len(bags):
        raise BadInput("holds no slides", "add some", str(bags.manifest.source))
    first = SlideInput.of(bags[0])
    doubts: list[str] = []
    empty: list[str] = []
    for number in range(len(bags)):
        bag, name = bags[number], os.fspath(bags.paths[number])
        own = SlideInput.of(bag)
        empty += [name] * (len(bag) == 0)
        first.check(own, name)
        if own.encoder and not first.encoder:  # older files of a folder may not tell
            first = replace(first, encoder=own.encoder, facts=own.facts)
        if doubt := first.doubt(own):
            doubts.append(f"{name}: {doubt.replace('those of the training', 'those of the first slide')}")
        progress(number + 1, len(bags))
    told = ([f"{name}: holds no patch of tissue, so nothing can be learned from it" for name in empty], doubts)
    return first, tuple(lines[0] + f" (and {len(lines) - 1} more)" * (len(lines) > 1) for lines in told if lines)
