"""Cells in memory: every pixel where it belongs, in every part, batch and process."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from saccade.core.errors import BadInput
from saccade.datasets import cells
from saccade.datasets.cells import load_cells, open_data, preprocessing_for
from saccade.datasets.sources import open_manifest
from saccade.imaging.image_files import load_image
from saccade.imaging.preprocessing import Preprocessing


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of eight images in several sizes."""
    dice = np.random.default_rng(0)
    for index in range(16):
        path = tmp_path / "cells" / "ab"[index % 2] / f"{index:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(dice.integers(0, 256, (8 + index, 12, 3), dtype=np.uint8)).save(path)
    return tmp_path / "cells"


def test_pixels_labels_and_extents(folder: Path) -> None:
    data = open_data(folder, size=8)
    for index, row in enumerate(data.rows):
        image = load_image(row.path)
        assert data.classes[data.labels[index]] == row.path.parent.name
        assert data.extents[index].tolist() == list(image.shape[:2])
        stored = data.preprocessing.normalise(data.images[index : index + 1])[0]
        assert torch.equal(stored, data.preprocessing(image))
    assert data.storage.dtype == torch.uint8 and data.storage.shape == (16, 3, 8, 8)


def test_only_the_training_part_is_measured(folder: Path) -> None:
    data = open_data(folder, size=8)
    training = [load_image(row.path) for row in data.rows if row.split == "train"]
    expected = Preprocessing.fit(training, 8)
    assert data.preprocessing.mean == pytest.approx(expected.mean)
    assert data.preprocessing.std == pytest.approx(expected.std)
    batch = data.preprocessing.normalise(data.part("train").images)
    torch.testing.assert_close(batch.mean((0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)


def test_parts_share_the_pixels(folder: Path) -> None:
    data = open_data(folder, size=8)
    parts = [data.part(part) for part in ("train", "val", "test")]
    assert sum(map(len, parts)) == 16
    assert all(part.storage.data_ptr() == data.storage.data_ptr() for part in parts)
    for part in parts:
        for index, row in enumerate(part.rows):
            whole = data.rows.index(row)
            assert torch.equal(part.images[index], data.images[whole]) and part.labels[index] == data.labels[whole]
    with pytest.raises(BadInput, match="no images in the part 'valid'"):
        data.part("valid")


def test_own_split_and_seed(folder: Path) -> None:
    assert open_data(folder, 8, seed=1).rows == open_data(folder, 8, seed=1).rows != open_data(folder, 8, seed=2).rows
    lines = [
        f"{row.name},{row.label},{'train' if index % 3 else 'val'}"
        for index, row in enumerate(open_manifest(folder).rows)
    ]
    (folder / "manifest.csv").write_text("\n".join(["path,label,split", *lines]))
    assert [row.split for row in open_data(folder, 8).rows] == [line.split(",")[2] for line in lines]


def test_notes_come_along(folder: Path) -> None:
    (folder / "c").mkdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / "c" / "only.png")
    data = open_data(folder, 8)
    assert data.notes == ("class 'c' has 1 case: none of them in val and test",)
    assert data.part("test").notes == data.notes


def test_batches(folder: Path) -> None:
    data = open_data(folder, 8).part("train")
    seen = []
    for images, labels, places in data.loader(4, shuffle=True, generator=torch.Generator().manual_seed(0)):
        assert torch.equal(images, data.images[places]) and torch.equal(labels, data.labels[places])
        seen += places.tolist()
    assert sorted(seen) == list(range(len(data))) != seen
    assert torch.equal(data[3].images, data.images[3:4])


def test_batches_from_another_process(folder: Path) -> None:
    data = open_data(folder, 8)
    here = [batch.images for batch in data.loader(5)]
    there = [batch.images for batch in data.loader(5, num_workers=1)]
    assert all(torch.equal(a, b) for a, b in zip(here, there, strict=True))


def test_pickle(folder: Path) -> None:
    data = open_data(folder, 8).part("val")
    copy = pickle.loads(pickle.dumps(data))
    assert torch.equal(copy.images, data.images) and copy.rows == data.rows


def test_above_the_memory_limit_nothing_changes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = open_data(folder, 8)
    monkeypatch.setattr(cells, "MEMORY_LIMIT", 100)
    outside = open_data(folder, 8)
    assert torch.equal(inside.storage, outside.storage) and inside.preprocessing == outside.preprocessing
    assert torch.equal(pickle.loads(pickle.dumps(outside.part("val"))).images, inside.part("val").images)


def test_no_room_anywhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "MEMORY_LIMIT", 100)
    monkeypatch.setattr(cells.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 10})())
    with pytest.raises(BadInput, match=r"16 images of this size need 0\.0 GiB.*TMPDIR"):
        open_data(folder, 8)


def test_every_kind_of_values(tmp_path: Path) -> None:
    dice = np.random.default_rng(0)
    for kind in ("uint8", "uint16", "float32"):
        values = (dice.random((6, 5, 8, 8)) * 200).astype(kind)
        for index, planes in enumerate(values):
            path = tmp_path / kind / "ab"[index % 2] / f"{index}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(path, planes, photometric="minisblack")
        data = open_data(tmp_path / kind, 8)
        order = [int(row.path.stem) for row in data.rows]
        np.testing.assert_array_equal(data.images.numpy(), values[order])
        assert data.preprocessing.kind == kind


def test_medmnist(tmp_path: Path) -> None:
    dice = np.random.default_rng(0)
    arrays = {}
    for part in ("train", "val", "test"):
        arrays[f"{part}_images"] = dice.integers(0, 256, (4, 28, 28, 3), dtype=np.uint8)
        arrays[f"{part}_labels"] = np.array([[1], [0], [1], [0]], np.uint8)
    np.savez(tmp_path / "some.npz", **arrays)
    data = open_data(tmp_path / "some.npz", 28)
    np.testing.assert_array_equal(data.part("val").images, arrays["val_images"].transpose(0, 3, 1, 2))
    assert data.part("test").labels.tolist() == [1, 0, 1, 0]


def test_grey_files_for_a_model_of_colours(folder: Path) -> None:
    Image.fromarray(np.full((8, 8), 7, np.uint8)).save(folder / "b" / "grey.png")
    data = open_data(folder, 8)
    assert (data.images[-1] == 7).all()
    Image.fromarray(np.full((8, 8), 7, np.uint8)).save(folder / "a" / "00.png")
    with pytest.raises(BadInput, match=r"02\.png: has 3 channels, the model wants 1.*Convert"):
        open_data(folder, 8)
    assert open_data(folder, 8, channels=3).images.shape[1] == 3


def test_bad_images_are_counted(folder: Path) -> None:
    (folder / "b" / "01.png").write_bytes(b"")
    (folder / "b" / "03.png").write_bytes(b"")
    with pytest.raises(BadInput, match=r"01\.png: the file is empty \(and 1 more, listed by `saccade check`\)"):
        open_data(folder, 8)


def test_another_laboratory(folder: Path) -> None:
    """A model's preprocessing and classes, for data whose labels have other names."""
    manifest = open_manifest(folder)
    preprocessing = preprocessing_for(manifest, 8)
    names = {"a": "neutrophil", "b": "monocyte"}
    renamed = replace(manifest, rows=tuple(replace(row, label=names[row.label]) for row in manifest.rows))
    data = load_cells(renamed, preprocessing, ("monocyte", "x", "neutrophil"))
    assert set(data.labels.tolist()) == {0, 2} and data.classes == ("monocyte", "x", "neutrophil")
    with pytest.raises(BadInput, match=r"00\.png: the label 'a' is not among the classes monocyte.*--labels map\.csv"):
        load_cells(manifest, preprocessing, ("monocyte",))


def test_mpp_only_where_all_have_it(folder: Path) -> None:
    manifest = open_manifest(folder)
    assert preprocessing_for(manifest, 8).mpp is None
    rows = tuple(replace(row, mpp=0.2 + 0.1 * (index % 2)) for index, row in enumerate(manifest.rows[:3]))
    assert preprocessing_for(replace(manifest, rows=rows), 8).mpp == pytest.approx(0.2)


def test_progress(folder: Path) -> None:
    told = []
    manifest = open_manifest(folder)
    load_cells(manifest, preprocessing_for(manifest, 8), progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (16, 16)


@pytest.mark.real_data
def test_real_cells(real_data: Path) -> None:
    manifest = open_manifest(real_data / "pbc_cells")
    small = replace(manifest, rows=manifest.rows[::50])
    data = load_cells(small, preprocessing_for(small, 64)).fitted()
    assert len(data) == 64 and data.extents.min() >= 360
    assert 0.5 < min(data.preprocessing.mean) < max(data.preprocessing.mean) < 1
