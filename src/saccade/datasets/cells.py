"""Small images in memory: decoded once, kept as they were stored, normalised batch by batch where they are used.

3,200 cells of 64 x 64 in colour are 39 MB. Above ``MEMORY_LIMIT`` the same tensor lies in an unnamed file in the
system's temporary folder (``TMPDIR``), which the system pages in and out; nothing else changes.
"""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int, Num
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from saccade.core.errors import BadInput, raise_first
from saccade.core.manifest import PARTS, Manifest
from saccade.core.splits import FRACTIONS, assign_parts
from saccade.datasets.labelled import LabelledData, class_numbers
from saccade.datasets.resolutions import common_mpp, field_resolutions
from saccade.datasets.sources import each_image, first_image, open_manifest
from saccade.imaging.image_files import Array
from saccade.imaging.preprocessing import Interpolation, Preprocessing

MEMORY_LIMIT = 2 * 2**30
"""Bytes of pixels that are held in memory; more are held in a temporary file."""

_MEASURED = 1024  # images whose statistics are taken at a time


class CellBatch(NamedTuple):
    """Some images as they are stored, before ``Preprocessing.normalise``, with class and place in the data of each."""

    images: Num[Tensor, "batch channel height width"]
    labels: Int[Tensor, "batch"]
    places: Int[Tensor, "batch"]


@dataclass(frozen=True, eq=False, kw_only=True)
class CellData(LabelledData, Dataset[CellBatch]):
    """A data set of small images, ready for batches.

    Attributes:
        extents: Height and width of each image in base pixels.
        storage: The pixels of the whole data set, resized, in the values of the files.
        positions: Where in the storage each image is.
    """

    extents: Int[Tensor, "image 2"]
    preprocessing: Preprocessing  # pyright: ignore[reportIncompatibleVariableOverride] - frozen
    storage: Num[Tensor, "stored channel height width"]
    positions: Int[Tensor, "image"]

    @property
    def images(self) -> Num[Tensor, "image channel height width"]:
        """All images in one tensor, not yet normalised (a copy)."""
        return self.storage[self.positions]

    def __getitem__(self, index: int) -> CellBatch:
        return self.__getitems__([index])

    def __getitems__(self, indices: Sequence[int]) -> CellBatch:
        """A whole batch at once: one gather, where a loader would else ask image by image."""
        index = torch.as_tensor(indices, dtype=torch.long)
        return CellBatch(self.storage[self.positions[index]], self.labels[index], index)

    def loader(self, batch_size: int, **options: Any) -> DataLoader[CellBatch]:
        """Batches of the data; ``options`` go to ``DataLoader``, such as ``shuffle``, ``generator`` or ``sampler``."""
        collate: Any = _unchanged  # the loader hands it what __getitems__ made, not the list that torch's types expect
        return DataLoader(self, batch_size, collate_fn=collate, **options)

    def pixels_of(self, index: Int[Tensor, "chosen"]) -> dict[str, Any]:
        """Extents and places of some images; the storage is shared."""
        return {"extents": self.extents[index], "positions": self.positions[index]}

    def fitted(self) -> "CellData":
        """The same with mean and standard deviation measured on the training part."""
        positions = self.part("train").positions.split(_MEASURED)
        return replace(self, preprocessing=self.preprocessing.fitted(self.storage[chunk] for chunk in positions))


def open_data(
    path: Path | str,
    size: int = 64,
    *,
    channels: int | None = None,
    interpolation: Interpolation = "area",
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    mpp: float | None = None,
    parts: Sequence[str] = PARTS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> CellData:
    """Open data to train on: split by its own columns or by case, normalised by its training part.

    >>> data = open_data("cells", size=16)
    >>> batch = next(iter(data.part("train").loader(8, shuffle=True)))
    >>> data.preprocessing.normalise(batch.images).shape, batch.labels.shape
    (torch.Size([8, 3, 16, 16]), torch.Size([8]))

    Args:
        path: Folder of class folders, manifest or MedMNIST file.
        size: Side of the square that images are resized to.
        channels: Channels of the model's input; those of the first image where not given.
        interpolation: How pixels are averaged.
        fractions: Shares of training, validation and test part, where the data has no split of its own.
        seed: Seed of that split.
        mean: Mean of each channel, between 0 and 1 for 8-bit values; measured on the training part where not given.
        std: Standard deviation of each channel, likewise.
        mpp: Micrometres per base pixel; the data's own where not given.
        parts: The parts to load; images of others are not opened.
        progress: Told how many of how many images are loaded.
    """
    manifest = open_manifest(path)
    split = assign_parts(manifest.rows, fractions, seed)
    whole = manifest.with_parts(split.parts)
    wanted = replace(whole, rows=tuple(row for row in whole.rows if row.split in parts))
    preprocessing = preprocessing_for(wanted, size, channels=channels, interpolation=interpolation)
    data = load_cells(wanted, replace(preprocessing, mpp=mpp or preprocessing.mpp), whole.classes, progress)
    if mean is None or std is None:
        data = data.fitted()
    else:
        fixed = replace(data.preprocessing, mean=tuple(mean), std=tuple(std))
        data = replace(data, preprocessing=fixed)
    return replace(data, split=whole, notes=split.notes)


def preprocessing_for(manifest: Manifest, size: int | None, **options: Any) -> Preprocessing:
    """How the images of a data set become tensors, told from the first of them; nothing is measured yet.

    Args:
        manifest: The data; its micrometres per pixel are kept (their median) where every row tells them. Fields may
            leave that to their files.
        size: Side of the square; ``None`` leaves images at their own size.
        options: ``channels``, ``interpolation``, ``scale`` for floats with a range of their own, or ``mpp`` in place of
            the data's.
    """
    if "mpp" not in options:
        found = field_resolutions(manifest) if size is None else [row.mpp for row in manifest.rows]
        options = {**options, "mpp": common_mpp(found)}
    return Preprocessing.like(first_image(manifest), size, **options)


def load_cells(
    manifest: Manifest,
    preprocessing: Preprocessing,
    classes: Sequence[str] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> CellData:
    """Decode and resize every image of a manifest.

    Args:
        manifest: The images; hand in a part of it to load no more than that.
        preprocessing: Size, channels and kind of values wanted.
        classes: The names behind the labels; a model's own when it is evaluated.
        progress: Told how many of how many images are done.

    Raises:
        BadInput: For the first image that cannot be loaded, or the first label that is not among the classes.
    """
    names = manifest.classes if classes is None else tuple(classes)
    labels = class_numbers(manifest, names)
    side, channels = preprocessing.size, preprocessing.channels
    assert side is not None, "cells are brought to one size"
    values = _room((len(manifest), channels, side, side), np.uint8 if preprocessing.kind == "uint8" else np.float32)
    extents = np.zeros((len(manifest), 2), np.int64)

    def keep(index: int, image: Array) -> None:
        extents[index] = image.shape[:2]
        values[index] = preprocessing.resize(image, manifest.rows[index].place).transpose(2, 0, 1)

    raise_first(tuple(each_image(manifest.rows, keep, progress)))
    return CellData(
        manifest=manifest,
        classes=names,
        labels=labels,
        extents=torch.from_numpy(extents),
        preprocessing=preprocessing,
        storage=torch.from_numpy(values),
        positions=torch.arange(len(manifest)),
        split=manifest,
    )


def _room(shape: tuple[int, ...], dtype: type[np.generic]) -> np.ndarray:
    """Space for the pixels, in memory or, above the limit, in a file that vanishes with the process."""
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if size <= MEMORY_LIMIT:
        return np.empty(shape, dtype)
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free < size:
        message = f"{shape[0]} images of this size need {size / 2**30:.1f} GiB, {free / 2**30:.1f} GiB are free"
        raise BadInput(message, "choose a smaller data.size, or set TMPDIR to a larger disk", folder)
    with tempfile.TemporaryFile(prefix="saccade-") as file:
        return np.memmap(file, dtype, mode="w+", shape=shape)


def _unchanged(batch: CellBatch) -> CellBatch:
    """The loader's collate step: ``__getitems__`` has made the batch already."""
    return batch
