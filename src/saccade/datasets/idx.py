"""IDX files, the format of MNIST: arrays of bytes behind a short header, plain or gzip.

LeCun, Cortes and Burges, "The MNIST database of handwritten digits". The header is two zero bytes, the type of the
values (8: unsigned bytes, the only one taken), the number of axes, and the length of each, big-endian in 32 bits.
"""

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from saccade.core.errors import BadInput
from saccade.imaging.image_files import MAX_PIXELS

_UNSIGNED_BYTES = 8
_AGAIN = "download the file again"


def load_idx(path: Path | str) -> UInt8[np.ndarray, "..."]:
    """Load an idx or idx.gz file of unsigned bytes.

    >>> _ = Path("two.idx").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]))
    >>> load_idx("two.idx").tolist()
    [7, 9]

    Raises:
        BadInput: Naming the file: missing, damaged, truncated, too long, or no idx file of bytes.
    """
    path = Path(path)
    data = _bytes(path)
    if len(data) < 4 or data[:2] != b"\0\0" or not 1 <= data[3] <= 4:
        raise BadInput("is no idx file: its first bytes are wrong", "give MNIST's own idx or idx.gz files", str(path))
    if data[2] != _UNSIGNED_BYTES:
        message = f"holds values of type {data[2]:#04x}, not unsigned bytes (0x08)"
        raise BadInput(message, "give a file of 8-bit values", str(path))
    start = 4 + 4 * data[3]
    if len(data) < start:
        raise BadInput("ends within its header", _AGAIN, str(path))
    shape = tuple(int(length) for length in np.frombuffer(data, ">u4", data[3], 4))
    if len(data) - start != prod(shape):
        extent = " x ".join(map(str, shape))
        message = f"holds {len(data) - start:,} values where its header says {extent}"
        raise BadInput(message, _AGAIN, str(path))
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def load_digits(
    images: Path | str, labels: Path | str
) -> tuple[UInt8[np.ndarray, "image height width"], UInt8[np.ndarray, " image"]]:
    """Load images and their labels from two idx files.

    Raises:
        BadInput: One of the files is unusable, holds other axes, or they hold different numbers.
    """
    pictures, numbers = load_idx(images), load_idx(labels)
    for array, axes, path in ((pictures, 3, images), (numbers, 1, labels)):
        if array.ndim != axes or not array.size:
            shape = " x ".join(map(str, array.shape))
            raise BadInput(f"holds {shape} values, not {axes} axes", "give images, then labels", str(path))
    if len(pictures) != len(numbers):
        message = f"holds {len(numbers)} labels for {len(pictures)} images"
        raise BadInput(message, "give two files that belong together", str(labels))
    return pictures, numbers


def _bytes(path: Path) -> bytes:
    """The file's bytes, unpacked where they are gzip."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as file:
            data = file.read(64 * MAX_PIXELS)
    except FileNotFoundError:
        raise BadInput("there is no such file", "check the path", str(path)) from None
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"is damaged ({error})", _AGAIN, str(path)) from error
    return data
