"""Bags appear whole or not at all, in one piece, written by one process at a time."""

import inspect
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import h5py
import numpy as np
import pytest

from saccade.core.errors import SaccadeError
from saccade.core.files import AlreadyClaimed
from saccade.features.store import BagAttributes, BagWriter, open_bag, write_coords

TOLD = BagAttributes("s.svs", patch_size=224, patch_size_level0=448, mpp=0.5, source_mpp=0.25, encoder="mean")


def grid(rows: int) -> np.ndarray:
    return np.stack([np.arange(rows) % 40, np.arange(rows) // 40], axis=1) * 448


def write(path: Path, features: np.ndarray, half: bool = False) -> None:
    rows, dim = features.shape
    with BagWriter(path, rows=rows, dim=dim, coords=grid(rows), attributes=TOLD, half=half) as writer:
        for start in reversed(range(0, rows, 100)):  # any order will do
            writer.put(start, features[start : start + 100])


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize(("rows", "dim"), [(1, 3), (511, 3), (512, 7), (513, 5), (40_000, 3)])
def test_features_lie_in_one_piece(tmp_path: Path, rows: int, dim: int, half: bool) -> None:
    """The file's own bytes, from where the bag says they begin."""
    features = np.random.default_rng(0).normal(size=(rows, dim)).astype(np.float32)
    write(tmp_path / "s.h5", features, half)
    bag = open_bag(tmp_path / "s.h5")
    dtype = np.float16 if half else np.float32
    assert bag.features.offset is not None and bag.features.dtype == dtype
    raw = (tmp_path / "s.h5").read_bytes()[bag.features.offset :][: rows * dim * np.dtype(dtype).itemsize]
    np.testing.assert_array_equal(np.frombuffer(raw, dtype).reshape(rows, dim), features.astype(dtype))
    np.testing.assert_array_equal(bag.features[:], features.astype(dtype))
    with h5py.File(tmp_path / "s.h5") as file:
        assert file["features"].chunks == (min(512, rows), dim)
        np.testing.assert_array_equal(file["features"][:], features.astype(dtype))


def test_mapped_features_are_not_to_be_written_to(tmp_path: Path) -> None:
    write(tmp_path / "s.h5", np.ones((3, 2), np.float32))
    bag = open_bag(tmp_path / "s.h5")
    with pytest.raises(ValueError, match="read-only"):
        bag.features[:][0] = 0
    bag.load()[0] = 0  # a copy
    assert (bag.load() == 1).all()


def test_missing_rows_leave_no_file(tmp_path: Path) -> None:
    def forget() -> None:
        with BagWriter(tmp_path / "s.h5", rows=5, dim=2, coords=grid(5), attributes=TOLD) as writer:
            writer.put(0, np.ones((2, 2), np.float32))
            writer.put(4, np.ones((1, 2), np.float32))

    with pytest.raises(SaccadeError, match=r"s\.h5: 2 of 5 patches have no features"):
        forget()
    assert not list(tmp_path.iterdir())


def test_errors_of_the_block_leave_what_was_there(tmp_path: Path) -> None:
    write(tmp_path / "s.h5", np.ones((3, 2), np.float32))
    with (
        pytest.raises(KeyboardInterrupt),
        BagWriter(tmp_path / "s.h5", rows=5, dim=2, coords=grid(5), attributes=TOLD),
    ):
        raise KeyboardInterrupt
    assert len(open_bag(tmp_path / "s.h5")) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["s.h5"]


@pytest.mark.parametrize(
    ("value", "half", "message"),
    [
        (np.nan, False, r"patch at x 448, y 0 are not finite"),
        (np.inf, True, r"patch at x 448, y 0 are not finite"),
        (70_000.0, True, r"patch at x 448, y 0 are too large for 16-bit floats"),
    ],
)
def test_values_no_model_could_use(tmp_path: Path, value: float, half: bool, message: str) -> None:
    features = np.ones((2, 2), np.float32)
    features[1, 1] = value
    with pytest.raises(SaccadeError, match=message):
        write(tmp_path / "s.h5", features, half)
    assert not list(tmp_path.iterdir())


def test_wrong_shapes_are_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2 coordinates for 3 patches"):
        BagWriter(tmp_path / "s.h5", rows=3, dim=2, coords=grid(2), attributes=TOLD)
    with (
        pytest.raises(ValueError, match="do not fit"),
        BagWriter(tmp_path / "s.h5", rows=3, dim=2, coords=grid(3), attributes=TOLD) as writer,
    ):
        writer.put(2, np.ones((2, 2), np.float32))


@pytest.mark.parametrize("shape", [(3, 2, 7), (3, 2, 1), (3, 2, 0), (2,), (3,), (), (3, 3), (4, 2)])
def test_what_is_no_table_of_rows_is_not_written(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """As bytes, more axes would run over the coordinates behind and be called done."""
    put = inspect.unwrap(BagWriter.put)  # as it runs outside the tests, where no shape is checked on the way in
    with (
        pytest.raises(ValueError, match="do not fit into"),
        BagWriter(tmp_path / "s.h5", rows=3, dim=2, coords=grid(3), attributes=TOLD) as writer,
    ):
        put(writer, 0, np.ones(shape, np.float32))
    assert not list(tmp_path.iterdir())


def test_two_writers(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "s.h5", rows=1, dim=1, coords=grid(1), attributes=TOLD) as first:
        with (
            pytest.raises(AlreadyClaimed),
            BagWriter(tmp_path / "s.h5", rows=1, dim=1, coords=grid(1), attributes=TOLD),
        ):
            pass
        first.put(0, np.ones((1, 1), np.float32))
    assert open_bag(tmp_path / "s.h5").load().tolist() == [[1.0]]


def test_a_killed_writer_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    code = """
        import sys, time
        import numpy as np
        from saccade.features.store import BagAttributes, BagWriter
        told = BagAttributes("s", patch_size=224, patch_size_level0=224, mpp=0.5, source_mpp=0.5)
        with BagWriter(sys.argv[1], rows=5000, dim=8, coords=np.zeros((5000, 2), int), attributes=told) as writer:
            writer.put(0, np.ones((1000, 8), np.float32))
            print("half way", flush=True)
            time.sleep(60)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "s.h5")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "half way\n"
        with pytest.raises(AlreadyClaimed):
            write(tmp_path / "s.h5", np.ones((3, 2), np.float32))
        process.send_signal(signal.SIGKILL)
    assert [path.name for path in tmp_path.iterdir()] == [".s.h5.partial"]
    write(tmp_path / "s.h5", np.ones((3, 2), np.float32))
    assert len(open_bag(tmp_path / "s.h5")) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["s.h5"]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SaccadeError, match="cannot be written"):
        write(tmp_path / "file" / "s.h5", np.ones((3, 2), np.float32))


def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2**20 + 100 * 24 - 1))
    for write_something in (
        lambda: write(tmp_path / "s.h5", np.ones((100, 2), np.float32)),
        lambda: write_coords(tmp_path / "s_patches.h5", grid(200), TOLD),
    ):
        with pytest.raises(SaccadeError, match=r"cannot be written \(No space left on device\)\. Check .*free space"):
            write_something()
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2**20 + 100 * 24))
    write(tmp_path / "s.h5", np.ones((100, 2), np.float32))


def test_no_hdf5_file_is_open_while_features_come(tmp_path: Path) -> None:
    """It could not be closed on a full disk, and would take the process with it."""
    with BagWriter(tmp_path / "s.h5", rows=2, dim=2, coords=grid(2), attributes=TOLD) as writer:
        assert h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_FILE) == 0
        writer.put(0, np.ones((2, 2), np.float32))


def test_coordinates_alone(tmp_path: Path) -> None:
    write_coords(tmp_path / "patches" / "s_patches.h5", grid(5), TOLD)
    with h5py.File(tmp_path / "patches" / "s_patches.h5") as file:
        assert set(file) == {"coords"}
        np.testing.assert_array_equal(file["coords"][:], grid(5))
        assert file["coords"].dtype == np.int64 and file["coords"].attrs["patch_size_level0"] == 448
    write_coords(tmp_path / "none_patches.h5", np.empty((0, 2), np.int64), TOLD)
    with h5py.File(tmp_path / "none_patches.h5") as file:
        assert file["coords"].shape == (0, 2)


def test_the_same_bag_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / name / "s.h5", np.ones((600, 4), np.float32))
    assert (tmp_path / "a" / "s.h5").read_bytes() == (tmp_path / "b" / "s.h5").read_bytes()
