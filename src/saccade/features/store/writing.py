"""Writing bags as TRIDENT does: whole or not at all, and so that they can be memory-mapped.

Code followed: none; the layout is that of TRIDENT's files (mahmoodlab/TRIDENT). Changed: chunks of 512 rows in place
of one, allocated at once, so that the features lie in one piece; provenance on the file.

HDF5 lays the file out and is done with it before the first feature comes; these are written to their place as plain
bytes. An HDF5 file that is open while its disk fills up cannot be closed again, and takes the whole process with it.
"""

import errno
import os
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
from jaxtyping import Float, Int

from saccade.core.errors import SaccadeError
from saccade.core.files import claimed_path
from saccade.features.store.attributes import BagAttributes
from saccade.features.store.stored import offset_of

CHUNK_ROWS = 512
_SPARE = 2**20  # bytes: more than attributes and the file's own structure take
_LAYOUT = ("v110", "v110")  # HDF5 of 2016: the oldest whose chunks need no index between them, so they lie in one piece


class BagWriter:
    """Write the features of one slide, batch by batch, in any order.

    The file has its name only once every row is written; until then it is ``.<name>.partial``, which the next attempt
    overwrites. Memory does not grow with the slide: rows go to the file as they come.

    >>> told = BagAttributes("a.svs", patch_size=224, patch_size_level0=224, mpp=0.5, source_mpp=0.5, encoder="mean")
    >>> places = np.array([[0, 0], [224, 0], [448, 224]])
    >>> with BagWriter("features_mean/a.h5", rows=3, dim=2, coords=places, attributes=told) as writer:
    ...     writer.put(0, np.ones((2, 2), np.float32))
    ...     writer.put(2, np.zeros((1, 2), np.float32))

    Args:
        path: The file, ``features_<encoder>/<slide>.h5``; its folder is made.
        rows: Patches of the slide; a slide without tissue has none, and its file is valid all the same.
        dim: Numbers per patch.
        half: Store 16-bit floats: half the space, three significant digits.
        coords: Left upper corner x y of each patch, in base pixels.
        attributes: What the file says about itself.

    Raises:
        AlreadyClaimed: On entering: another process writes this bag.
        SaccadeError: The place cannot be written, a value is not finite or too large for 16 bits, or, on leaving,
            rows are missing.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        rows: int,
        dim: int,
        coords: Int[np.ndarray, "patch 2"],
        attributes: BagAttributes,
        half: bool = False,
    ) -> None:
        if len(coords) != rows:
            raise ValueError(f"{len(coords)} coordinates for {rows} patches")
        self.path = Path(path)
        self._shape = (rows, dim)
        self._dtype = np.dtype(np.float16 if half else np.float32)
        self._coords = coords
        self._attributes = attributes
        self._written = np.zeros(rows, bool)
        self._open = ExitStack()

    def __enter__(self) -> "BagWriter":
        with ExitStack() as opening:  # closes what was opened, should a later step fail
            temporary = opening.enter_context(claimed_path(self.path))
            _refuse_full_disk(temporary, self._shape[0] * (self._shape[1] * self._dtype.itemsize + 16))
            with _new_file(temporary) as file:
                _put_coords(file, self._coords, self._attributes)
                features = _new_features(file, self._shape, self._dtype)
                _set(features, self._attributes.on_features())
                _set(file, self._attributes.on_file())
                self._offset = _place_of(features)
            self._file = opening.enter_context(open(temporary, "r+b"))
            self._open = opening.pop_all()
        return self

    def put(self, start_row: int, features: Float[np.ndarray, "patch dim"]) -> None:
        """Write consecutive rows, beginning with ``start_row``; rows written before are replaced.

        Raises:
            SaccadeError: A value is not finite, or beyond 65504 in a file of 16-bit floats.
            ValueError: They are no rows of this bag; written as bytes, they would run over what lies behind.
        """
        rows, dim = self._shape
        fits = features.ndim == 2 and features.shape[1] == dim
        if not (fits and 0 <= start_row <= start_row + len(features) <= rows):
            raise ValueError(f"features {features.shape} from row {start_row} do not fit into {self._shape}")
        with np.errstate(over="ignore"):  # it becomes infinite, which is told below
            values = features.astype(self._dtype)
        finite = np.isfinite(values).all(axis=1)
        if not finite.all():
            x, y = self._coords[start_row + int(np.flatnonzero(~finite)[0])]
            message = f"the encoder's features of the patch at x {x}, y {y} are not finite"
            if np.isfinite(features).all():
                message = f"the features of the patch at x {x}, y {y} are too large for 16-bit floats"
            raise SaccadeError(message, "store 32-bit floats, or choose another encoder", os.fspath(self.path))
        if len(values):
            self._file.seek(self._offset + start_row * dim * self._dtype.itemsize)
            self._file.write(np.ascontiguousarray(values).data)
            self._file.flush()
        self._written[start_row : start_row + len(features)] = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and not self._written.all():
            missing = int((~self._written).sum())
            error = SaccadeError(f"{missing} of {len(self._written)} patches have no features", "", str(self.path))
            self._open.__exit__(type(error), error, error.__traceback__)
            raise error
        self._open.__exit__(kind, error, trace)


def write_coords(path: Path | str, coords: Int[np.ndarray, "patch 2"], attributes: BagAttributes) -> None:
    """Write the coordinates alone, as TRIDENT's ``patches/<slide>_patches.h5``.

    Raises:
        AlreadyClaimed: Another process writes this file.
        SaccadeError: The place cannot be written.
    """
    with claimed_path(path) as temporary:
        _refuse_full_disk(temporary, coords.nbytes)
        with _new_file(temporary) as file:
            _put_coords(file, coords, attributes)
            _set(file, attributes.on_file())


def _new_file(path: Path) -> h5py.File:
    """An HDF5 file; its own lock is left out, as the path is claimed already and the two would collide."""
    return h5py.File(path, "w", libver=_LAYOUT, locking=False)


def _refuse_full_disk(path: Path, wanted: int) -> None:
    """Raise the error that writing would end in, while nothing is lost yet."""
    if wanted + _SPARE > shutil.disk_usage(path.parent).free:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _put_coords(file: h5py.File, coords: Int[np.ndarray, "patch 2"], attributes: BagAttributes) -> None:
    _set(file.create_dataset("coords", data=np.asarray(coords, np.int64).reshape(-1, 2)), attributes.on_coords())


def _new_features(file: h5py.File, shape: tuple[int, int], dtype: np.dtype) -> h5py.Dataset:
    """Room for all rows, laid out at once and filled with nothing: every row will be written."""
    if not shape[0]:
        return file.create_dataset("features", shape, dtype)  # nothing can be chunked
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    plan.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    chunks = (min(CHUNK_ROWS, shape[0]), shape[1])
    return file.create_dataset("features", shape, dtype, chunks=chunks, dcpl=plan)


def _place_of(features: h5py.Dataset) -> int:
    """Where in the file the first feature goes."""
    offset = offset_of(features)
    if offset is None and len(features):
        raise RuntimeError("HDF5 has not laid the features out in one piece")
    return offset or 0


def _set(place: h5py.File | h5py.Dataset, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        place.attrs[name] = value
