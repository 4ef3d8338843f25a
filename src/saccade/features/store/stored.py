"""Features in a file, indexed like an array: nothing is held open between two accesses.

So they can be pickled, sent to worker processes, used after a fork and kept by the thousand without running out of
file handles. Where they lie in one uncompressed piece of the file they are memory-mapped, which costs no copy and
shares its memory between processes; otherwise HDF5 reads them.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from saccade.core.errors import BadInput

_MOST_CHUNKS = 65536  # of which the places are worth listing; files of one-row chunks can have more


@dataclass(frozen=True)
class FileStamp:
    """Size and time of a file, by which a replaced one is told."""

    size: int
    changed: int

    @classmethod
    def of(cls, path: Path) -> "FileStamp":
        """The stamp of a file as it is now."""
        stat = os.stat(path)
        return cls(stat.st_size, stat.st_mtime_ns)

    def check(self, path: Path) -> None:
        """Make sure the file is still the one that was opened.

        Raises:
            BadInput: It has gone, or was replaced.
        """
        try:
            now = FileStamp.of(path)
        except FileNotFoundError:
            raise BadInput("the file has gone since it was opened", "copy it again", str(path)) from None
        if now != self:
            raise BadInput("the file has changed since it was opened", "open it again", str(path))


@dataclass(frozen=True, eq=False)
class StoredFeatures:
    """One dataset of an HDF5 file as an array of patches × numbers.

    Slices come as views of the file where it can be mapped, and are then not to be written to; arrays of row numbers
    and masks come as copies, in the order asked for.

    Attributes:
        path: The file.
        dataset: Name of the dataset in it.
        shape: Patches and numbers per patch.
        dtype: As stored.
        offset: Where in the file the first number lies, if they follow one another from there; None otherwise.
        stamp: Size and time of the file when it was opened.
        batched: Whether the file has an axis of length one before the patches, as some encoders leave it.
    """

    path: Path
    dataset: str
    shape: tuple[int, int]
    dtype: np.dtype
    offset: int | None
    stamp: FileStamp
    batched: bool = False

    @classmethod
    def of(cls, dataset: h5py.Dataset, path: Path) -> "StoredFeatures":
        """The features an open file holds; the file may be closed afterwards."""
        name = str(dataset.name).lstrip("/")
        *batch, rows, dim = dataset.shape
        return cls(path, name, (rows, dim), dataset.dtype, offset_of(dataset), FileStamp.of(path), bool(batch))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Some rows.

        Raises:
            BadInput: The file has gone, was replaced or cannot be read.
        """
        try:
            self.stamp.check(self.path)
            return self._mapped()[rows] if self.offset is not None else self._unmapped(rows)
        except OSError as error:
            reason = error.strerror or str(error)
            raise BadInput(f"the features cannot be read ({reason})", "copy the file again", str(self.path)) from error

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self[:], dtype=dtype, copy=copy)

    def _mapped(self) -> np.ndarray:
        mapped = np.memmap(self.path, self.dtype, mode="r", offset=self.offset or 0, shape=self.shape)
        return mapped.view(np.ndarray)

    def _unmapped(self, rows: Any) -> np.ndarray:
        with h5py.File(self.path, "r") as file:
            stored: Any = file[self.dataset]
            front = (0,) if self.batched else ()
            if isinstance(rows, slice) and (rows.step is None or rows.step > 0):
                return stored[*front, rows]
            wanted = np.arange(len(self))[rows]  # NumPy's own rules for negative numbers, masks and steps
            distinct, back = np.unique(wanted, return_inverse=True)  # HDF5 wants rows in order, each once
            return stored[*front, distinct][back.reshape(wanted.shape)]


def offset_of(dataset: h5py.Dataset) -> int | None:
    """Where the numbers begin in the file, if they lie there as they are, in one piece and in order."""
    plan = dataset.id.get_create_plist()
    if plan.get_nfilters() or plan.get_external_count() or dataset.file.userblock_size or not dataset.size:
        return None
    if dataset.chunks is None:
        return dataset.id.get_offset()  # None where nothing was ever written
    rows = dataset.chunks[-2]
    if dataset.chunks[-1] != dataset.shape[-1] or -(-dataset.shape[-2] // rows) > _MOST_CHUNKS:
        return None
    return _first_of_a_row(dataset, rows)


def _first_of_a_row(dataset: h5py.Dataset, rows: int) -> int | None:
    """Where the first chunk lies, if the others follow it gapless and none is missing."""
    places: dict[int, int] = {}
    dataset.id.chunk_iter(lambda chunk: places.update({chunk.chunk_offset[-2]: chunk.byte_offset}))
    first, size = places.get(0), dataset.shape[-1] * dataset.dtype.itemsize
    expected = {row: (first or 0) + row * size for row in range(0, dataset.shape[-2], rows)}
    return first if places == expected else None
