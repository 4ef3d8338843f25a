"""Features in every layout HDF5 has: mapped where that is right, read where it is not, the same numbers always."""

import gc
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.features.store.stored import StoredFeatures

VALUES = np.random.default_rng(0).normal(size=(1000, 6)).astype(np.float32)
LAYOUTS: dict[str, tuple[bool, dict[str, Any]]] = {
    "contiguous": (True, {}),
    "chunks of rows": (True, {"chunks": (250, 6)}),
    "uneven chunks": (False, {"chunks": (300, 6), "maxshape": (None, 6), "compression": "gzip"}),
    "one packed chunk": (False, {"chunks": (1000, 6), "compression": "lzf"}),
    "checksums": (False, {"chunks": (250, 6), "fletcher32": True}),
    "columns apart": (False, {"chunks": (250, 3)}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(tmp_path: Path, layout: str) -> None:
    mapped, options = LAYOUTS[layout]
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("features", data=VALUES, **options)
        if "maxshape" not in options:
            front = {"chunks": (1, *options["chunks"])} if "chunks" in options else {}
            file.create_dataset("batch", data=VALUES[None], **{**options, **front})
    with h5py.File(path) as file:
        stored = {name: StoredFeatures.of(dataset, path) for name, dataset in file.items()}
    for features in stored.values():
        check(features, mapped)


def check(features: StoredFeatures, mapped: bool) -> None:
    assert (features.offset is not None) == mapped
    assert features.shape == VALUES.shape and len(features) == 1000 and features.dtype == np.float32
    for rows in (slice(None), slice(10, 900, 7), 3, [5, 5, 2], VALUES[:, 0] > 0):
        np.testing.assert_array_equal(features[rows], VALUES[rows])
    np.testing.assert_array_equal(np.asarray(features, np.float64), VALUES)


def test_chunks_written_out_of_order_are_not_mapped(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        stored = file.create_dataset("features", VALUES.shape, np.float32, chunks=(250, 6))
        for start in (500, 0, 750, 250):
            stored[start : start + 250] = VALUES[start : start + 250]
            file.flush()
    with h5py.File(path) as file:
        features = StoredFeatures.of(file["features"], path)
    assert features.offset is None
    np.testing.assert_array_equal(features[:], VALUES)


def test_chunks_never_written_are_not_mapped(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        stored = file.create_dataset("features", VALUES.shape, np.float32, chunks=(250, 6), fillvalue=3)
        stored[:500] = VALUES[:500]
        file.create_dataset("nothing", VALUES.shape, np.float32)
    with h5py.File(path) as file:
        features, nothing = (StoredFeatures.of(file[name], path) for name in ("features", "nothing"))
    assert features.offset is None and (features[500:] == 3).all()
    assert nothing.offset is None and not nothing[:].any()


def test_files_that_begin_with_something_else(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["contiguous"] = VALUES
        file.create_dataset("chunks", data=VALUES, chunks=(250, 6))
    with h5py.File(path) as file:
        for name in ("contiguous", "chunks"):
            np.testing.assert_array_equal(StoredFeatures.of(file[name], path)[:], VALUES)


def test_other_byte_orders(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("features", data=VALUES, dtype=">f4")
    with h5py.File(path) as file:
        features = StoredFeatures.of(file["features"], path)
    np.testing.assert_array_equal(features[:], VALUES)


def test_nothing_is_held_open(tmp_path: Path) -> None:
    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))

    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("this system does not list open files")
    everything = []
    for number in range(30):
        path = tmp_path / f"{number}.h5"
        with h5py.File(path, "w") as file:
            file.create_dataset("features", data=VALUES, compression="gzip" if number % 2 else None)
        with h5py.File(path) as file:
            everything.append(StoredFeatures.of(file["features"], path))
    gc.collect()
    before = open_files()
    assert all(np.array_equal(features[2:5], VALUES[2:5]) for features in everything)
    gc.collect()
    assert open_files() <= before


def test_files_that_go_or_change(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["features"] = VALUES
    with h5py.File(path) as file:
        features = StoredFeatures.of(file["features"], path)
    with open(path, "ab") as file:
        file.write(b"more")
    with pytest.raises(BadInput, match="has changed since it was opened"):
        features[0]
    path.unlink()
    with pytest.raises(BadInput, match=r"the file has gone since it was opened"):
        features[0]
