"""MedMNIST files: thousands of small images, their labels and their split in one ``.npz``.

Yang et al., "MedMNIST v2", Scientific Data 2023, https://medmnist.com. The arrays are called ``train_images``,
``train_labels`` and so on for ``val`` and ``test``; images are (N, side, side) or (N, side, side, 3) in uint8. They are
unpacked one at a time, so a file of several gigabytes needs no more memory than what is kept of it.
"""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from saccade.core.errors import BadInput
from saccade.core.manifest import PARTS, Manifest, Row, ordered_classes
from saccade.imaging.image_files import MAX_PIXELS, Array, as_image

CLASS_NAMES: dict[str, tuple[str, ...]] = {
    "bloodmnist": ("basophil", "eosinophil", "erythroblast", "ig", "lymphocyte", "monocyte", "neutrophil", "platelet"),
}
"""Names for the numbers, by the start of the file's name; bloodmnist's are the folders of its source images."""


def load_medmnist(path: Path | str) -> Manifest:
    """The labels and the split of a MedMNIST file as a manifest; ``stream_images`` gives the images.

    Labels are the file's numbers as text, or names where ``CLASS_NAMES`` knows them.

    Raises:
        BadInput: Not such a file, damaged, with several labels per image, or with other numbers of labels and images.
    """
    path = Path(path)
    names = next((names for start, names in CLASS_NAMES.items() if path.stem.lower().startswith(start)), ())
    rows: list[Row] = []
    with _opened(path) as archive:
        for part in _parts(archive):
            labels = _labels(archive, part)
            with archive.open(f"{part}_images.npy") as file:
                count = _header(file)[0][0]
            if len(labels) != count:
                raise BadInput(f"{part} has {len(labels)} labels for {count} images", "download the file again")
            for index, label in enumerate(labels):
                member = f"{part}/{index}"
                name = names[label] if 0 <= label < len(names) else str(label)
                rows.append(Row(path, name, name=f"{path.name}/{member}", split=part, member=member))
    if not rows:
        raise BadInput("holds no images", "give a MedMNIST file with train_images and train_labels", str(path))
    found = {row.label for row in rows}
    return Manifest(tuple(rows), names if found <= set(names) else ordered_classes(found), path)


def stream_images(path: Path | str, members: set[str]) -> Iterator[tuple[str, Array]]:
    """The wanted images of a MedMNIST file, each with its member name such as ``train/12``, in the file's order."""
    path = Path(path)
    with _opened(path) as archive:
        for part in _parts(archive):
            wanted = {index for _, index in (name.split("/") for name in members if name.startswith(f"{part}/"))}
            if not wanted:
                continue
            with archive.open(f"{part}_images.npy") as file:
                (count, *shape), dtype = _header(file)
                size = prod(shape) * dtype.itemsize
                for index in range(count):
                    data = file.read(size)
                    if len(data) < size:
                        raise BadInput(f"ends within {part}_images", "download the file again")
                    if str(index) in wanted:
                        name = f"{part}/{index}"
                        image = np.frombuffer(data, dtype).reshape(shape)
                        yield name, as_image(image, f"{path}/{name}")


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive; whatever goes wrong with it becomes ``BadInput`` with the file's name."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except BadInput as error:
        raise BadInput(error.message, error.remedy, error.source or str(path)) from error
    except FileNotFoundError:
        raise BadInput("there is no such file", "check the path", str(path)) from None
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, KeyError, NotImplementedError) as error:
        reason = " ".join(str(error).split())[:120]
        raise BadInput(f"is damaged or no .npz file ({reason})", "download the file again", str(path)) from error


def _parts(archive: zipfile.ZipFile) -> list[str]:
    """The parts of the split that the file holds."""
    held = set(archive.namelist())
    return [part for part in PARTS if f"{part}_images.npy" in held and f"{part}_labels.npy" in held]


def _labels(archive: zipfile.ZipFile, part: str) -> list[int]:
    """The labels of one part, one number per image."""
    with archive.open(f"{part}_labels.npy") as file:
        labels = np.lib.format.read_array(file, allow_pickle=False)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in "ui":
        shape = " x ".join(map(str, labels.shape))
        raise BadInput(f"{part}_labels is {shape} {labels.dtype}", "use a file with one class number per image")
    return labels.tolist()


def _header(file: Any) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of the stored images of an open member, checked before any is unpacked."""
    version = np.lib.format.read_magic(file)
    load = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = load(file)
    flat = len(shape) == 3 or (len(shape) == 4 and shape[3] in (1, 3))
    if not flat or fortran or dtype.kind not in "uif" or prod(shape[1:]) > MAX_PIXELS:
        extent = " x ".join(map(str, shape))
        raise BadInput(f"holds {extent} {dtype} values", "use a file of flat images, grey or RGB")
    return shape, dtype
