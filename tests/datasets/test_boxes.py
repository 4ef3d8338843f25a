"""Truth boxes beside a manifest: both forms of the table, and errors that name file and row."""

from pathlib import Path

import pytest
import torch

from saccade.core.errors import BadInput
from saccade.core.manifest import load_manifest
from saccade.datasets.boxes import TruthBox, boxes_beside, load_boxes, needles_of, padded_needles

SHORT = "path,x0,y0,x1,y1"
LONG = f"{SHORT},label,kind"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / "images" / name).touch()
    (tmp_path / "manifest.csv").write_text("path,label\nimages/a.png,x\nimages/b.png,y\nimages/c.png,y\n")
    return tmp_path


def write(folder: Path, *lines: str) -> Path:
    path = folder / "boxes.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_short_form_holds_needles(folder: Path) -> None:
    found = load_boxes(write(folder, SHORT, "images/a.png,1,2,3,4", "images/b.png,0,0,9,9", "images/a.png,5,5,7.5,8"))
    assert found == {
        "images/a.png": (TruthBox(1, 2, 3, 4), TruthBox(5, 5, 7.5, 8)),
        "images/b.png": (TruthBox(0, 0, 9, 9),),
    }


def test_of_the_long_form_only_needles_are_the_truth(folder: Path) -> None:
    rows = (
        "images/a.png,1,2,3,4,mast,needle",
        "images\\a.png,5,5,7,8,blast,distractor",
        "./images/b.png,1,1,2,2,,decoy",
    )
    found = load_boxes(write(folder, LONG, *rows))
    assert found["images/a.png"][1] == TruthBox(5, 5, 7, 8, "blast", "distractor")
    assert needles_of(found["images/a.png"]).tolist() == [[1, 2, 3, 4]]
    assert needles_of(found["images/b.png"]).shape == (0, 4)


def test_several_images_side_by_side(folder: Path) -> None:
    found = load_boxes(write(folder, SHORT, "images/a.png,1,2,3,4", "images/a.png,5,5,7,8", "images/b.png,0,0,9,9"))
    padded = padded_needles(["images/b.png", "images/a.png", "images/c.png"], found)
    assert padded.shape == (3, 2, 4)
    assert padded[1].tolist() == [[1, 2, 3, 4], [5, 5, 7, 8]]
    assert padded[0, 0].tolist() == [0, 0, 9, 9]
    assert torch.isnan(padded).all(-1).tolist() == [[False, True], [False, False], [True, True]]
    assert padded_needles(["images/c.png"], found).shape == (1, 0, 4)


def test_names_are_those_of_the_manifest(folder: Path) -> None:
    manifest = load_manifest(folder / "manifest.csv")
    assert boxes_beside(manifest) is None
    write(folder, SHORT, "images/b.png,1,2,3,4")
    found = boxes_beside(manifest)
    assert found is not None
    assert [row.name in found for row in manifest.rows] == [False, True, False]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("path,x0,y0,x1", "images/a.png,1,2,3"), "boxes.csv: has no column y1"),
        ((SHORT, "images/a.png,1,2,3,4", "images/d.png,1,2,3,4"), "row 3: there is no file 'images/d.png'"),
        ((SHORT, ",1,2,3,4"), "row 2: there is no file ''"),
        ((SHORT, "images/a.png,1,two,3,4"), "row 2: y0 'two' is not a number"),
        ((SHORT, "images/a.png,1,2,nan,4"), "row 2: x1 'nan' is not a number"),
        ((SHORT, "images/a.png,3,2,3,4"), "row 2: the box 3,2,3,4 is empty"),
        ((LONG, "images/a.png,1,2,3,4,x,haystack"), "row 2: 'haystack' is no kind of box"),
        ((SHORT, "images/a.png,1,2,3,4,5"), "row 2: has 6 cells where the header has 5"),
    ],
)
def test_errors_name_the_row(folder: Path, lines: tuple[str, ...], message: str) -> None:
    with pytest.raises(BadInput) as error:
        load_boxes(write(folder, *lines))
    assert message in str(error.value)
