"""idx files: strict, for half a data set would train without a word."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.datasets.idx import load_digits, load_idx


def pack(array: np.ndarray) -> bytes:
    """An array of bytes as an idx file, written from the format's description."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_idx(path: Path, array: np.ndarray) -> Path:
    data = pack(array)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


ARRAY = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ["a.idx", "a.gz"])
def test_round_trip(tmp_path: Path, name: str) -> None:
    assert (load_idx(write_idx(tmp_path / name, ARRAY)) == ARRAY).all()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pack(ARRAY)[:-1], "holds 59 values where its header says 5 x 4 x 3"),
        (pack(ARRAY) + b"\0", "holds 61 values"),
        (pack(ARRAY)[:10], "ends within its header"),
        (b"", "is no idx file"),
        (b"\x89PNG" + pack(ARRAY), "is no idx file"),
        (b"\0\0\x0d" + pack(ARRAY)[3:], "holds values of type 0x0d, not unsigned bytes"),
        (b"\0\0\x08\0", "is no idx file"),
        (gzip.compress(pack(ARRAY), mtime=0)[:-9], "is damaged"),
        (b"\x1f\x8b" + b"\0" * 30, "is damaged"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "bad").write_bytes(data)
    with pytest.raises(BadInput, match=f"bad: {message}"):
        load_idx(tmp_path / "bad")


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no such file"):
        load_idx(tmp_path / "none")
    with pytest.raises(BadInput, match="is damaged"):
        load_idx(tmp_path)


def test_images_and_labels(tmp_path: Path) -> None:
    images = write_idx(tmp_path / "images", ARRAY)
    labels = write_idx(tmp_path / "labels", np.arange(5, dtype=np.uint8))
    pictures, numbers = load_digits(images, labels)
    assert (pictures == ARRAY).all() and numbers.tolist() == [0, 1, 2, 3, 4]
    few = write_idx(tmp_path / "few", np.arange(4, dtype=np.uint8))
    with pytest.raises(BadInput, match="few: holds 4 labels for 5 images"):
        load_digits(images, few)
    with pytest.raises(BadInput, match="labels: holds 5 values, not 3 axes"):
        load_digits(labels, images)


@pytest.mark.real_data
def test_real_digits(real_data: Path) -> None:
    folder = real_data / "mnist"
    images, labels = load_digits(folder / "t10k-images-idx3-ubyte.gz", folder / "t10k-labels-idx1-ubyte.gz")
    assert images.shape == (10000, 28, 28) and np.bincount(labels).tolist()[:3] == [980, 1135, 1032]
