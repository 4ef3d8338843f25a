"""Opening bags, whichever tool wrote them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import h5py

from saccade.core.errors import BadInput
from saccade.core.units import plausible_mpp
from saccade.features.store.bag import Bag
from saccade.features.store.dialects import bag_in, clam_facts, coords_in
from saccade.features.store.told import Told

BAG_SUFFIXES = (".h5", ".hdf5", ".pt")
"""What files of features are called."""

_AGAIN = "copy the file again, or embed this slide again"


def open_bag(path: Path | str, mpp: float | None = None, coords_from: Path | str | None = None) -> Bag:
    """Open the features of one slide, written by TRIDENT, CLAM, STAMP, SPAN's authors or this package.

    The dialect is told by the file's content, never by its name. Coordinates are loaded, features stay in the file:
    whether they are finite is found out when they are used (``Bag.load``) or gone through (``Bag.check``).

    >>> import numpy as np
    >>> from saccade.features.store import BagAttributes, BagWriter
    >>> told = BagAttributes("a.svs", patch_size=224, patch_size_level0=224, mpp=0.5, source_mpp=0.5, encoder="mean")
    >>> with BagWriter("job/a.h5", rows=1, dim=2, coords=np.array([[224, 0]]), attributes=told) as writer:
    ...     writer.put(0, np.array([[0.5, 2.0]], np.float32))
    >>> bag = open_bag("job/a.h5")
    >>> bag.dialect, len(bag), bag.coords, bag.features[:]
    ('trident', 1, array([[224, 0]]), array([[0.5, 2. ]], dtype=float32))

    Cost: one look at the file's structure, and 16 bytes per patch.

    Args:
        path: The file.
        mpp: Micrometres per base pixel; STAMP's coordinates cannot be placed without it.
        coords_from: A file with the coordinates, for features that come without (CLAM's ``.pt``); the ``h5_files``
            folder beside is looked into where not given.

    Raises:
        BadInput: The file is absent, damaged, of no known dialect, says nonsense of itself, or its parts do not fit
            together; or no light microscope has such pixels as ``mpp``.
    """
    path = Path(path)
    if mpp is not None:
        plausible_mpp(mpp, str(path))
    if not path.is_file():
        raise BadInput("there is no such file", "correct the path, or embed this slide", str(path))
    start = _first_bytes(path)
    if h5py.is_hdf5(path):
        with _opened(path) as file:
            return bag_in(file, path, mpp)
    if start[:4] == b"PK\x03\x04" or start[:1] == b"\x80":  # torch.save, since version 1.6 and before
        return _clam_tensor(path, mpp, None if coords_from is None else Path(coords_from))
    what = "is empty" if not start else "is no HDF5 file"
    raise BadInput(what, "give a feature file (.h5, or CLAM's .pt), or copy it again", str(path))


def bag_name(path: Path | str) -> PurePosixPath | None:
    """The slide a file of features says it belongs to; None where it does not tell, or cannot be opened."""
    try:
        with h5py.File(path, "r") as file:
            name = Told.of(file["coords"], Path(path)).text("name") if "coords" in file else ""
    except (OSError, RuntimeError, KeyError):
        return None  # whoever opens it will be told what is wrong with it
    return PurePosixPath(name) if name else None


def _first_bytes(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(8)
    except OSError as error:
        raise BadInput(f"cannot be opened ({error.strerror})", "check its permissions", str(path)) from error


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    """An HDF5 file whose damages are told in one line."""
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, KeyError) as error:  # h5py raises all three for damaged files
        reason = "it was cut short" if "truncated" in str(error) else str(error)
        raise BadInput(f"cannot be opened ({reason})", _AGAIN, str(path)) from error


def _clam_tensor(path: Path, mpp: float | None, coords_from: Path | None) -> Bag:
    """CLAM's ``pt_files/<slide>.pt``: a tensor of features, whose coordinates lie in ``h5_files/<slide>.h5``."""
    from saccade.features.store.tensors import TensorFeatures  # torch: seconds to import

    features = TensorFeatures.of(path)
    beside = coords_from or path.parent.parent / "h5_files" / f"{path.stem}.h5"
    if not os.path.isfile(beside):
        remedy = "keep CLAM's h5_files folder beside its pt_files, or give the coordinates' file"
        lacking = BadInput("holds features without coordinates", remedy, str(path))
        return Bag(path, "clam-pt", features, None, lacking, source_mpp=mpp, name=path.stem)
    with _opened(beside) as file:
        places, told = coords_in(file, beside)
    if len(places) != len(features):
        message = f"holds {len(features)} features, but {beside} {len(places)} coordinates"
        raise BadInput(message, "give the coordinates of the same slide", str(path))
    name = told.text("name") or path.stem
    facts = clam_facts(told)
    return Bag(path, "clam-pt", features, places, source_mpp=mpp, name=name, provenance=told.values, **facts)
