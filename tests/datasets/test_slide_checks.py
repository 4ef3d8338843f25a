"""The check of slides finds every fault that was planted, and tells what matters from what does not."""

from pathlib import Path

import pytest

from saccade.datasets import slide_checks
from saccade.datasets.checks import Report
from saccade.datasets.slide_checks import check_slides, holds_slides
from tests.slide_files import damage_tile, picture, pyramid, write_png, write_pyramid


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four sound slides, no two alike."""
    home = tmp_path / "slides"
    home.mkdir()
    for number in range(4):
        write_pyramid(home / f"s{number}.tif", [picture(256 + 16 * number, 300), picture(128 + 8 * number, 150)])
    return home


def found(report: Report, severity: str = "error") -> list[str]:
    return list(map(str, report.errors if severity == "error" else report.notes))


def test_sound_slides(folder: Path) -> None:
    told: list[tuple[int, int]] = []
    report = check_slides(folder, lambda done, total: told.append((done, total)))
    assert report.lines() == ["4 slides"] and not report.problems
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_three_kinds_of_trouble(folder: Path) -> None:
    damage_tile(folder / "s0.tif", 0)
    (folder / "s1.tif").write_bytes(b"II*\0 and no more")
    write_pyramid(folder / "s2.tif", [picture().astype("uint16")], description=None)
    write_png(folder / "s4.png", [picture(30, 40)])
    errors = found(check_slides(folder))
    assert len(errors) == 4
    for line, name, status in zip(
        errors,
        ("s0.tif", "s1.tif", "s2.tif", "s4.png"),
        ("unreadable", "unreadable", "unsupported", "no mpp"),
        strict=True,
    ):
        assert line.startswith(f"{folder / name}: {status}: ")
    assert "at x" in errors[0]
    assert len(found(check_slides(folder, source_mpp=0.5))) == 3, "the PNG has its resolution now"


def write(folder: Path, *rows: str) -> Path:
    (folder / "manifest.csv").write_text("path,label,case_id,split,mpp,tissue_path\n" + "\n".join(rows))
    return folder / "manifest.csv"


def test_a_manifest(folder: Path) -> None:
    (folder / "copy.tif").write_bytes((folder / "s0.tif").read_bytes())
    (folder / "twin.tif").write_bytes((folder / "s1.tif").read_bytes())
    path = write(
        folder,
        "s0.tif,x,p1,train,,",
        "copy.tif,y,p1,train,,",
        "s1.tif,y,p2,train,,",
        "twin.tif,y,p2,train,,",
        "s2.tif,y,p1,test,0.5,",
        "s3.tif,,,,30,",
        "ghost.tif,y,p3,test,,",
        "s0.tif,x,p1,train,,",
        "s3.tif,,,,,ghost.png",
        "s3.tif,,,,,",
    )
    report = check_slides(path)
    errors, notes = "\n".join(found(report)), "\n".join(found(report, "note"))
    for words in (
        "row 7: 30 micrometres per pixel is not plausible",
        "ghost.tif (row 8): unreadable: there is no such file",
        "row 9: 's0.tif' is already in row 2",
        f"s3.tif (row 10): there is no file '{folder / 'ghost.png'}'",
        "copy.tif (row 3): is the same slide as",
        "but has the label 'y' where that has 'x'",
        "s2.tif (row 6): case 'p1' is in test, but in train",
    ):
        assert words in errors
    assert len(report.errors) == 7
    for words in (
        "twin.tif (row 5): is the same slide as",
        "has 0.5 micrometres per pixel in the manifest, but 0.25 in openslide.mpp-x",
        "1 of 7 slides have no label",
        "1 of 7 slides have no case_id",
    ):
        assert words in notes
    assert report.lines()[-1] == "7 slides in 2 classes (x 1, y 5)"


def test_one_slide_in_two_parts(folder: Path) -> None:
    (folder / "copy.tif").write_bytes((folder / "s0.tif").read_bytes())
    (error,) = found(check_slides(write(folder, "s0.tif,x,p1,train,,", "copy.tif,x,p2,test,,")))
    assert "is in test where that is in train" in error


def test_large_slides_without_a_pyramid(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slide_checks, "_LARGE", 512 * 768 - 1)
    write_pyramid(folder / "flat.tif", pyramid(1))
    write_pyramid(folder / "steep.tif", [255 - image for image in pyramid(2)])
    (note,) = found(check_slides(folder), "note")
    assert "flat.tif: has no pyramid: every thumbnail unpacks all 768 x 512 pixels" in note


def test_nothing_to_open(tmp_path: Path) -> None:
    for path in (tmp_path / "ghost", tmp_path / "ghost.csv", tmp_path):
        report = check_slides(path)
        assert len(report.errors) == 1 and report.images == 0


def test_what_is_of_slides(folder: Path, cells: Path, miniature: Path) -> None:
    assert (
        not holds_slides(cells) and not holds_slides(cells / "manifest.csv") and not holds_slides(miniature / "images")
    )
    assert not holds_slides(folder), "a TIFF may be a field as well"
    assert not holds_slides(folder / "ghost") and not holds_slides(miniature / "bloodmnist.npz")
    (folder / "s0.tif").rename(folder / "s0.svs")
    assert holds_slides(folder) and holds_slides(folder / "s0.svs")
    assert holds_slides(write(folder, "s0,x,,,,"))


@pytest.mark.real_data
def test_real_slides(real_data: Path) -> None:
    folder = real_data / "slides"
    assert holds_slides(folder) and holds_slides(folder / "boxes_0.dcm") and not holds_slides(folder / "boxes.png")
    report = check_slides(folder)
    status = {line.partition(": ")[0].rpartition("/")[2]: line.split(": ")[1] for line in found(report)}
    assert status == {
        "boxes.png": "no mpp",
        "boxes.tiff": "no mpp",
        "broken.svs": "unreadable",
        "tcga-cr-7395-01a-01-ts1.svs": "no mpp",
        "unopenable.tiff": "unsupported",
        "unreadable.svs": "unreadable",
    }
    assert report.lines()[-1] == "9 slides" and len(check_slides(folder, source_mpp=0.25).errors) == 3
