"""The check finds every fault planted in a data set, and errors are what training refuses."""

import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from saccade.core.errors import BadInput
from saccade.datasets.cells import open_data
from saccade.datasets.checks import Report, check_data

DICE = np.random.default_rng(0)


def save(path: Path, *shape: int, values: np.ndarray | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = DICE.integers(0, 256, shape or (8, 8, 3), dtype=np.uint8) if values is None else values
    if path.suffix == ".npy":
        np.save(path, values)
    else:
        Image.fromarray(values).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for index in range(12):
        save(tmp_path / "cells" / "ab"[index % 2] / f"{index:02}.png")
    return tmp_path / "cells"


def found(report: Report, severity: str) -> str:
    return "\n".join(map(str, report.errors if severity == "error" else report.notes))


def test_a_sound_folder(folder: Path) -> None:
    report = check_data(folder)
    assert not report.errors and report.images == 12 and report.counts == {"a": 6, "b": 6}
    assert "12 of 12 images have no case_id" in found(report, "note")
    assert "12 of 12 images have no mpp" in found(report, "note")
    assert report.lines()[-1] == "12 images in 2 classes (a 6, b 6)"


def test_what_tiff_files_state_is_not_missing(tmp_path: Path) -> None:
    dots = {"resolution": (1e4 / 0.25,) * 2, "resolutionunit": "CENTIMETER"}
    for number in range(6):
        path = tmp_path / "ab"[number % 2] / f"{number}.tif"
        path.parent.mkdir(exist_ok=True)
        pixels = DICE.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        tifffile.imwrite(path, pixels, photometric="rgb", **dots if number else {})
    assert "1 of 6 images have no mpp" in found(check_data(tmp_path), "note")
    (tmp_path / "a" / "0.tif").unlink()
    assert "no mpp" not in found(check_data(tmp_path), "note")


def plant(folder: Path, fault: str) -> None:
    match fault:
        case "truncated":
            data = (folder / "a" / "00.png").read_bytes()
            (folder / "a" / "00.png").write_bytes(data[:100])
        case "empty file":
            (folder / "b" / "01.png").write_bytes(b"")
        case "channels":
            save(folder / "b" / "x.npy", 8, 8, 2)
        case "kind":
            save(folder / "b" / "x.npy", values=np.zeros((8, 8, 3), np.uint16))
        case "nan":
            save(folder / "b" / "x.npy", values=np.full((8, 8, 3), np.nan, np.float32))
        case "empty class":
            (folder / "c").mkdir()
        case "one class":
            for path in (folder / "b").iterdir():
                path.unlink()
            (folder / "b").rmdir()
        case "two labels":
            (folder / "b" / "copy.png").write_bytes((folder / "a" / "00.png").read_bytes())


FAULTS = {
    "truncated": "00.png: is damaged",
    "empty file": "01.png: the file is empty",
    "channels": "x.npy: has 2 channels, most images 3",
    "kind": "x.npy: holds uint16 values, most images uint8",
    "nan": "x.npy: 192 of 192 values are NaN",
    "empty class": "c: the class folder holds no image",
    "one class": "only the class 'a'",
    "two labels": "copy.png: has the same pixels as .*00.png, but the label 'b' where that has 'a'",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_errors_in_folders(folder: Path, fault: str) -> None:
    plant(folder, fault)
    report = check_data(folder)
    (problem,) = report.errors
    assert re.search(FAULTS[fault], str(problem))
    assert problem.remedy and "\n" not in str(problem)
    if fault != "two labels":  # which only a look at all pixels tells
        with pytest.raises(BadInput):
            open_data(folder, 8)


def test_notes_in_folders(folder: Path) -> None:
    save(folder / "a" / "dot.png", 1, 1, 3)
    save(folder / "a" / "grey.png", 8, 8)
    save(folder / "a" / "long.png", 8, 30, 3)
    save(folder / "c" / "only.png")
    (folder / "a" / "copy.png").write_bytes((folder / "a" / "00.png").read_bytes())
    (folder / "a" / "notes.txt").touch()
    report = check_data(folder)
    assert not report.errors, report.errors
    notes = found(report, "note")
    for text in (
        "dot.png: is a single pixel",
        "grey.png: has 1 channel, most images 3. Grey images are repeated",
        "images have 3 sizes, from 1 x 1 to 30 x 8",
        "1 images are more than 1.5 times longer",
        "only.png: the only image of the class 'c'",
        "class 'c' has 1 case: none of them in val and test",
        "has the same pixels as",
        "1 files of other kinds",
    ):
        assert text in notes
    open_data(folder, 8)


def test_manifest(folder: Path) -> None:
    """All faults of one table at once, each with its row."""
    (folder / "a" / "02.png").write_bytes(b"")
    (folder / "b" / "copy.png").write_bytes((folder / "b" / "01.png").read_bytes())
    rows = [
        "a/00.png,a,p1,train,0.2",
        "b/01.png,b,p2,train,0.4",
        "ghost.png,a,p1,train,0.2",
        "../outside.png,a,p1,train,0.2",
        "a/04.png,,p1,train,0.2",
        "a/00.png,a,p1,train,0.2",
        "a/02.png,a,p1,train,0.2",
        "b/03.png,b,p2,test,0.2",
        "b/05.png,b,p3,sometimes,0.2",
        "b/07.png,b,p3,val,20",
        "a/06.png,a,p4,test,",
        "b/copy.png,b,p5,val,0.2",
    ]
    (folder / "manifest.csv").write_text("path,label,case_id,split,mpp\n" + "\n".join(rows))
    report = check_data(folder)
    errors = found(report, "error")
    for text in (
        "row 4: there is no file 'ghost.png'",
        "row 5: the path '../outside.png' leaves the folder",
        "row 6: the label is missing",
        "row 7: 'a/00.png' is already in row 2",
        "02.png (row 8): the file is empty",
        "03.png (row 9): case 'p2' is in test, but in train",
        "row 10: split 'sometimes' is not a part",
        "row 11: 20 micrometres per pixel is not plausible",
        "copy.png (row 13): has the same pixels as",
    ):
        assert text in errors
    assert len(report.errors) == 9
    assert "1 of 7 images have no mpp" in found(report, "note")
    assert "images are from 1.6 to 3.2 µm wide" in found(report, "note")


def test_nothing_to_open(tmp_path: Path) -> None:
    report = check_data(tmp_path / "ghost")
    assert "no such file" in found(report, "error") and report.images == 0


def test_a_damaged_archive(tmp_path: Path) -> None:
    arrays = {"train_images": np.zeros((4, 8, 8), np.uint8), "train_labels": np.array([[0], [1], [0], [1]], np.uint8)}
    np.savez(tmp_path / "a.npz", **arrays)
    report = check_data(tmp_path / "a.npz")
    assert report.images == 4 and "but the label '1' where that has '0'" in found(report, "error")


@pytest.mark.real_data
def test_real_fields(real_data: Path) -> None:
    report = check_data(real_data / "osteosarcoma_fields")
    assert not report.errors and report.images == 60
    notes = found(report, "note")
    assert "class 'Viable' has 2 cases: none of them in val" in notes
    assert "14 of 20 images of 'Viable' are of case 'Case-48'" in notes
    assert "'Non-Tumor'" not in notes.partition("confounded")[2]  # its images come from seven cases


@pytest.mark.parametrize("confounded", [True, False])
def test_a_class_that_its_case_gives_away(folder: Path, confounded: bool) -> None:
    for index in range(12, 24):  # of a dozen images nothing is said
        save(folder / "ab"[index % 2] / f"{index:02}.png")
    rows = [
        f"{path.parent.name}/{path.name},{path.parent.name},{path.parent.name if confounded else index % 3}"
        for index, path in enumerate(sorted(folder.rglob("*.png")))
    ]
    (folder / "manifest.csv").write_text("path,label,case_id\n" + "\n".join(rows))
    report = check_data(folder)
    assert not report.errors
    assert ("class and case are confounded" in found(report, "note")) == confounded


def test_recordings_that_cannot_state_their_sensor(tmp_path: Path) -> None:
    for label in ("a", "b"):
        for number in range(2):
            events = np.zeros(9, [("x", "u2"), ("y", "u2"), ("t", "i8"), ("p", "u1")])
            events["x"] = np.arange(9) + (label == "a") * number
            (tmp_path / label).mkdir(exist_ok=True)
            np.save(tmp_path / label / f"{number}.npy", events)
    notes = [str(note) for note in check_data(tmp_path).notes]
    assert any("4 recordings are NPY, which cannot state the sensor" in note for note in notes)
