"""Fields in memory: every pixel as it was saved, at its own size, with what is known of where to look."""

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from saccade.core.errors import BadInput
from saccade.core.files import write_csv
from saccade.datasets.fields import FieldData, load_fields, open_fields
from saccade.datasets.sources import open_manifest
from saccade.imaging.image_files import load_image
from saccade.imaging.preprocessing import Preprocessing


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six fields of two classes and several sizes, with the needles of all but one."""
    dice = np.random.default_rng(0)
    rows, boxes = [], []
    for number in range(6):
        name = f"{number}.png"
        image = dice.integers(0, 256, (40 + number, 60 - number, 3), dtype=np.uint8)
        Image.fromarray(image).save(tmp_path / name)
        rows.append((name, "ab"[number % 2], f"case{number // 2}", ("train", "val", "test")[number // 2]))
        boxes += [(name, x, 3, x + 5, 9, "a", kind) for x, kind in ((4, "needle"), (20, "decoy"))][: 2 * (number > 0)]
    write_csv(tmp_path / "manifest.csv", ("path", "label", "case_id", "split"), rows)
    write_csv(tmp_path / "boxes.csv", ("path", "x0", "y0", "x1", "y1", "label", "kind"), boxes)
    return tmp_path


def test_pixels_are_those_of_the_files(folder: Path) -> None:
    data = open_fields(folder)
    assert data.images.extents.tolist() == [[40 + n, 60 - n] for n in range(6)]
    for place, row in enumerate(data.rows):
        assert data.store.image(place).numpy().tolist() == np.asarray(Image.open(row.path)).tolist()


def test_boxes_are_the_needles_alone(folder: Path) -> None:
    boxes = open_fields(folder).images.boxes
    assert boxes is not None
    assert boxes.shape == (6, 1, 4)
    assert boxes[0].isnan().all()
    assert boxes[1:].tolist() == [[[4, 3, 9, 9]]] * 5


def test_without_boxes_nothing_is_known(folder: Path) -> None:
    (folder / "boxes.csv").unlink()
    assert open_fields(folder).images.boxes is None


def test_a_part_shares_the_pixels_and_keeps_the_boxes(folder: Path) -> None:
    data = open_fields(folder)
    part = data.part("val")
    assert part.store.pixels.data_ptr() == data.store.pixels.data_ptr()
    assert part.labels.tolist() == [0, 1]
    assert part.images.boxes is not None and len(part.images.boxes) == 2
    assert part.store.image(1).equal(data.store.image(3))


def test_statistics_are_those_of_the_training_part(folder: Path) -> None:
    data = open_fields(folder)
    values = np.concatenate([np.asarray(Image.open(row.path)).reshape(-1, 3) for row in data.part("train").rows]) / 255
    assert data.preprocessing.size is None
    assert np.allclose(data.preprocessing.mean, values.mean(0))
    assert np.allclose(data.preprocessing.std, values.std(0))


def test_loading_holds_the_pixels_once(tmp_path: Path) -> None:
    """And of some images more, those on their way through the threads."""
    for number in range(48):
        (tmp_path / "ab"[number % 2]).mkdir(exist_ok=True)
        np.save(tmp_path / "ab"[number % 2] / f"{number}.npy", np.full((300, 400 + number, 3), number, np.uint8))
    manifest = open_manifest(tmp_path)
    preprocessing = Preprocessing.like(load_image(manifest.rows[0].path), None)
    load_fields(replace(manifest, rows=manifest.rows[:2]), preprocessing)  # what is imported and kept for good
    tracemalloc.start()
    data = load_fields(manifest, preprocessing)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [data.store.image(row).unique().item() for row in range(48)] == [int(row.path.stem) for row in data.rows]
    assert data.store.pixels.nbytes < peak < 1.6 * data.store.pixels.nbytes


def test_parts_not_asked_for_are_not_opened(folder: Path) -> None:
    (folder / "5.png").write_bytes(b"nonsense")
    assert len(open_fields(folder, parts=("train", "val"))) == 4
    with pytest.raises(BadInput, match=r"5\.png"):
        open_fields(folder)


def test_fields_of_different_kinds_are_refused(folder: Path) -> None:
    Image.fromarray(np.zeros((9, 9), np.uint16)).save(folder / "3.png")
    with pytest.raises(BadInput, match=r"3\.png.*uint16"):
        open_fields(folder)


def test_a_grey_field_among_colours_is_made_grey_colour(folder: Path) -> None:
    Image.fromarray(np.full((9, 9), 7, np.uint8)).save(folder / "3.png")
    assert open_fields(folder).store.image(3).unique().tolist() == [7]


def test_it_is_data(folder: Path) -> None:
    data = open_fields(folder).with_parts(["train"] * 6)
    assert isinstance(data, FieldData)
    assert len(data.part("train")) == 6
    assert torch.equal(data.take([2, 0]).labels, torch.tensor([0, 0]))


def test_the_resolution_is_the_manifests_or_else_the_files_own(folder: Path) -> None:
    """The median, once every field is known."""
    rows = [(f"{n}.tif", "ab"[n % 2], f"case{n // 2}", ("train", "val", "test")[n // 2]) for n in range(6)]
    for number, row in enumerate(rows):
        dots = {"resolution": (1e4 / 0.25,) * 2, "resolutionunit": "CENTIMETER"} if number else {}
        tifffile.imwrite(folder / row[0], np.full((20, 30, 3), 9 * number, np.uint8), photometric="rgb", **dots)
    write_csv(folder / "manifest.csv", ("path", "label", "case_id", "split"), rows)
    assert open_fields(folder).preprocessing.mpp is None
    told = [(*row, "0.3" if number == 0 else "") for number, row in enumerate(rows)]
    write_csv(folder / "manifest.csv", ("path", "label", "case_id", "split", "mpp"), told)
    assert open_fields(folder).preprocessing.mpp == pytest.approx(0.25)
    assert open_fields(folder, mpp=0.7).preprocessing.mpp == 0.7


def test_fields_of_several_resolutions_are_told(folder: Path) -> None:
    """Of the parts that are opened; not where the recipe says what holds for all."""
    rows = [(f"{n}.png", "ab"[n % 2], f"case{n // 2}", ("train", "val", "test")[n // 2]) for n in range(6)]
    told = [(*row, "0.25" if number < 4 else "0.5") for number, row in enumerate(rows)]
    write_csv(folder / "manifest.csv", ("path", "label", "case_id", "split", "mpp"), told)
    alike, mixed, given = open_fields(folder, parts=("train", "val")), open_fields(folder), open_fields(folder, mpp=0.7)
    said = "from 0.25 to 0.5 micrometres per pixel"
    assert [sum(said in note for note in data.notes) for data in (alike, mixed, given)] == [0, 1, 0]
