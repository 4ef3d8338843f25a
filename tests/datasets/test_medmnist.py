"""MedMNIST files, as their makers write them and broken in several ways."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.datasets.medmnist import load_medmnist, stream_images

DICE = np.random.default_rng(0)
Arrays = dict[str, np.ndarray]


def arrays(side: int = 28, channels: tuple[int, ...] = (3,), counts: tuple[int, ...] = (5, 2, 3)) -> Arrays:
    found: Arrays = {}
    for part, count in zip(("train", "val", "test"), counts, strict=True):
        found[f"{part}_images"] = DICE.integers(0, 256, (count, side, side, *channels), dtype=np.uint8)
        found[f"{part}_labels"] = (np.arange(count, dtype=np.uint8) % 8)[:, None]
    return found


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(("side", "channels"), [(28, ()), (28, (3,)), (64, (3,))])
def test_images_and_labels(tmp_path: Path, save: object, side: int, channels: tuple[int, ...]) -> None:
    data = arrays(side, channels)
    save(tmp_path / "somemnist.npz", **data)  # type: ignore[operator]
    manifest = load_medmnist(tmp_path / "somemnist.npz")
    assert [row.split for row in manifest.rows] == ["train"] * 5 + ["val"] * 2 + ["test"] * 3
    assert [row.label for row in manifest.rows] == list("0123401012")
    assert manifest.classes == tuple("01234") and manifest.rows[6].name == "somemnist.npz/val/1"
    streamed = dict(stream_images(tmp_path / "somemnist.npz", {row.member for row in manifest.rows}))
    assert list(streamed) == [row.member for row in manifest.rows]
    for name, image in streamed.items():
        part, index = name.split("/")
        expected = data[f"{part}_images"][int(index)].reshape(side, side, -1)
        np.testing.assert_array_equal(image, expected)


def test_only_what_is_wanted(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **arrays())
    assert [name for name, _ in stream_images(tmp_path / "a.npz", {"test/2", "train/0"})] == ["train/0", "test/2"]


def test_known_names_of_classes(tmp_path: Path) -> None:
    np.savez(tmp_path / "bloodmnist_64.npz", **arrays(counts=(8, 0, 1)))
    manifest = load_medmnist(tmp_path / "bloodmnist_64.npz")
    assert manifest.classes[3] == manifest.rows[3].label == "ig" and len(manifest.classes) == 8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_labels": np.zeros((4, 1), np.uint8)}, "train has 4 labels for 5 images"),
        ({"train_labels": np.zeros((5, 14), np.uint8)}, "train_labels is 5 x 14 uint8"),
        ({"train_labels": np.zeros((5, 1))}, "train_labels is 5 float64"),
        (
            {"val_images": np.zeros((2, 8, 8, 8), np.uint8)},
            "holds 2 x 8 x 8 x 8 uint8 values. Use a file of flat images",
        ),
        ({"val_images": np.asfortranarray(np.zeros((2, 8, 8, 3), np.uint8))}, "flat images"),
        ({"val_images": np.array([{}] * 2)}, "flat images"),
        ({"val_labels": np.array([{}] * 2)}, "damaged"),
    ],
)
def test_other_contents(tmp_path: Path, change: Arrays, message: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays() | change)
    with pytest.raises(BadInput, match=message) as caught:
        load_medmnist(tmp_path / "a.npz")
    assert caught.value.source == str(tmp_path / "a.npz") and caught.value.remedy


def test_not_such_a_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    (tmp_path / "text.npz").write_text("hello")
    for name, message in (("other", "holds no images"), ("text", "no .npz file"), ("ghost", "no such file")):
        with pytest.raises(BadInput, match=f"{name}.npz: .*{message}"):
            load_medmnist(tmp_path / f"{name}.npz")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_damaged_within(tmp_path: Path, save: object) -> None:
    """A byte changed in the pixels is found by the archive's checksum, at the latest with the last image."""
    path = tmp_path / "a.npz"
    save(path, **arrays())  # type: ignore[operator]
    with zipfile.ZipFile(path) as archive:
        place = archive.getinfo("train_images.npy").header_offset + 400
    data = bytearray(path.read_bytes())
    data[place : place + 8] = bytes(255 - value for value in data[place : place + 8])
    path.write_bytes(data)
    with pytest.raises(BadInput, match="a.npz: is damaged"):
        list(stream_images(path, {"train/4"}))


def test_ends_early(tmp_path: Path) -> None:
    """The header promises more images than there are bytes."""
    np.savez(tmp_path / "whole.npz", **arrays(counts=(5, 0, 0)))
    with zipfile.ZipFile(tmp_path / "whole.npz") as old, zipfile.ZipFile(tmp_path / "short.npz", "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name)[: -100 if name == "train_images.npy" else None])
    with pytest.raises(BadInput, match=r"short.npz: ends within train_images"):
        list(stream_images(tmp_path / "short.npz", {"train/4"}))
