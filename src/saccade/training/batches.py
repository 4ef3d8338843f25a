"""Batches: of images in memory one gather each, of slides the bags, loaded a little ahead.

A batch is global: with several processes each takes its share of it, so that a recipe means the same on any number of
devices.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int, Num
from torch import Tensor

from saccade.core.bags import Bags
from saccade.core.errors import BadInput
from saccade.datasets.patch_truth import PatchTruth
from saccade.datasets.slides import Shelf
from saccade.imaging.rasters import Rasters
from saccade.training.seeds import Purpose, derive_seed
from saccade.training.slide_changes import SlideChanges

Batch = tuple[Num[Tensor, "batch channel height width"] | Rasters | Bags, Int[Tensor, "label ..."]]
"""Images as they are stored, and their labels: mostly a class each (see ``goals.Labels``)."""

_AHEAD = 2  # batches of slides that are loaded while another is learned from


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """One part of a data set of cells in memory; it shares the pixels of the whole.

    Attributes:
        storage: Pixels of the whole data set, resized, in the values of the files.
        positions: Where in the storage each image is.
        labels: Index of each image's class.
    """

    storage: Num[Tensor, "stored channel height width"]
    positions: Int[Tensor, " image"]
    labels: Int[Tensor, " image"]

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, rows: Int[Tensor, " row"]) -> tuple[Tensor, Tensor]:
        """Images and labels of some rows, in one gather."""
        return self.storage[self.positions[rows]], self.labels[rows]

    def take(self, rows: Int[Tensor, " row"]) -> "LabelledImages":
        """Some of the images, without copying pixels."""
        return LabelledImages(self.storage, self.positions[rows], self.labels[rows])

    def __reduce__(self) -> tuple:
        # To other processes by value, not by shared memory: containers often have 64 MB of it, and filling it kills.
        values, labels = self.batch(torch.arange(len(self)))
        return _from_arrays, (values.numpy(), labels.numpy())


def _from_arrays(values: np.ndarray, labels: np.ndarray) -> LabelledImages:
    return LabelledImages(torch.from_numpy(values), torch.arange(len(labels)), torch.from_numpy(labels))


@dataclass(frozen=True, eq=False)
class LabelledFields:
    """One part of a data set of fields in memory; it shares the pixels of the whole.

    Attributes:
        images: The fields.
        labels: Index of each field's class.
    """

    images: Rasters
    labels: Int[Tensor, " image"]

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, rows: Int[Tensor, " row"]) -> tuple[Rasters, Tensor]:
        """Fields and labels of some rows; no pixel is copied."""
        return self.images.take(rows), self.labels[rows]

    def take(self, rows: Int[Tensor, " row"]) -> "LabelledFields":
        """Some of the fields, without copying pixels."""
        return LabelledFields(*self.batch(rows))


@dataclass(frozen=True, eq=False)
class LabelledSlides:
    """One part of a data set of slides, whose features lie in files.

    Attributes:
        shelf: The bags.
        labels: Index of each slide's class; of survival, its bin and whether the event was seen; or of every patch.
    """

    shelf: Shelf
    labels: Int[Tensor, "image ..."] | PatchTruth

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, rows: Int[Tensor, " row"]) -> tuple[Bags, Tensor]:
        """Bags and labels of some rows; those of patches slide after slide, as the patches of the bags are."""
        labels = self.labels[rows]
        bags = Bags.concatenate([self.shelf[row] for row in rows.tolist()])
        return bags, labels.joined if isinstance(labels, PatchTruth) else labels

    def take(self, rows: Int[Tensor, " row"]) -> "LabelledSlides":
        """Some of the slides."""
        return LabelledSlides(self.shelf.take(rows.tolist()), self.labels[rows])


Labelled = LabelledImages | LabelledFields | LabelledSlides


@dataclass(frozen=True)
class Share:
    """Which of how many processes this is."""

    rank: int = 0
    processes: int = 1


def batch_lengths(images: int, batch_size: int, processes: int = 1, least: int = 2) -> list[int]:
    """Lengths of one process's batches: they differ by one at most, so no epoch ends in a batch of a single image.

    A batch holds two images or more, as batch norm needs, and may exceed the wanted size by one for that. Images that
    cannot be shared out evenly sit an epoch out, others in the next.

    >>> batch_lengths(65, 64), batch_lengths(3, 2), batch_lengths(129, 64, processes=2)
    ([33, 32], [3], [22, 21, 21])
    >>> batch_lengths(3, 1, least=1)
    [1, 1, 1]

    Args:
        images: How many there are.
        batch_size: Images wanted in a batch, over all processes.
        processes: How many share them.
        least: Images that each process needs in a batch; one will do for slides, whose models have no batch norm.

    Raises:
        BadInput: There are fewer for each process.
    """
    each = images // processes
    if each < least:
        message = f"{images} training images for {processes} devices are too few"
        raise BadInput(message, f"each needs {least}: add images or use fewer devices")
    count = max(1, min(-(-images // batch_size), each // least))
    shorter, longer = divmod(each, count)
    return [shorter + (index < longer) for index in range(count)]


class TrainingBatches:
    """An epoch of training batches in an order that depends on the seed and the epoch alone.

    Args:
        images: The training part.
        batch_size: Images in a batch, over all processes.
        seed: Of the order.
        balanced: Draw with replacement so that all classes come up equally often; an epoch keeps its length.
        share: Which process this is.
        changes: What is done with slides each time they come up.
    """

    def __init__(
        self,
        images: Labelled,
        batch_size: int,
        seed: int,
        balanced: bool = False,
        share: Share | None = None,
        changes: SlideChanges | None = None,
    ) -> None:
        self.images, self.seed, self.balanced, self.share = images, seed, balanced, share or Share()
        self.changes = changes
        self.lengths = batch_lengths(len(images), batch_size, self.share.processes, least_of(images))
        self.epoch = 0

    @property
    def sampler(self) -> "TrainingBatches":
        """What Lightning tells the epoch, through ``set_epoch``."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """The epoch, counted from 0, that the next iteration is for."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Batches in an epoch."""
        return len(self.lengths)

    def __iter__(self) -> Iterator[Batch]:
        """Images and labels, batch by batch."""
        order, processes = self._order(), self.share.processes
        mine = order[: sum(self.lengths) * processes].view(-1, processes)[:, self.share.rank]
        epoch, rank = self.epoch, self.share.rank

        def changed(bags: Bags, step: int) -> Bags:
            return bags if self.changes is None else self.changes(bags, epoch, step, rank)

        yield from loaded(self.images, mine.split(self.lengths), changed)

    def _order(self) -> Int[Tensor, " image"]:
        """Every image once, or drawn by class; equal on all processes."""
        dice = torch.Generator().manual_seed(derive_seed(Purpose.ORDER, self.seed, self.epoch))
        if not self.balanced:
            return torch.randperm(len(self.images), generator=dice)
        labels = self.images.labels
        assert isinstance(labels, Tensor)  # the classes of patches are refused to be balanced so
        chances = torch.bincount(labels).double().reciprocal()[labels]
        return torch.multinomial(chances, len(labels), replacement=True, generator=dice)


class ValidationBatches:
    """The validation part in its own order, each image once over all processes.

    Where there are fewer images than processes each process takes all of them, which changes no mean.

    Args:
        images: The validation part.
        batch_size: Images in one process's batch.
        share: Which process this is.
    """

    def __init__(self, images: Labelled, batch_size: int, share: Share | None = None) -> None:
        share = share or Share()
        first, step = (share.rank, share.processes) if len(images) >= share.processes else (0, 1)
        self.images = images.take(torch.arange(first, len(images), step))
        self.batch_size = batch_size

    def __len__(self) -> int:
        """Batches of this process."""
        return -(-len(self.images) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        """Images and labels, batch by batch."""
        return loaded(self.images, torch.arange(len(self.images)).split(self.batch_size))


def least_of(images: Labelled) -> int:
    """How many images a batch needs."""
    return 1 if isinstance(images, LabelledSlides) else 2


def loaded(
    images: Labelled,
    batches: Sequence[Int[Tensor, "_"]],
    changed: Callable[[Bags, int], Bags] = lambda bags, step: bags,
) -> Iterator[Batch]:
    """Batches by their rows; those of slides are loaded, changed and prepared by threads, two ahead.

    Args:
        images: A part of a data set.
        batches: Rows of each batch.
        changed: What becomes of the slides of a batch, by its number.
    """
    if not isinstance(images, LabelledSlides):
        yield from map(images.batch, batches)
        return

    def load(rows: Int[Tensor, "_"], step: int) -> tuple[Bags, Tensor]:
        bags, labels = images.batch(rows)
        return changed(bags, step), labels

    ahead: deque[Future[tuple[Bags, Tensor]]] = deque()
    with ThreadPoolExecutor(_AHEAD, thread_name_prefix="saccade-bags") as pool:
        for step, rows in enumerate(batches):
            ahead.append(pool.submit(load, rows, step))
            if len(ahead) > _AHEAD:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
