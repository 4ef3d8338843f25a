"""Fields on disk come back as they were."""

from pathlib import Path

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.core.manifest import load_manifest
from saccade.datasets.composers.field_files import load_boxes, load_needles, write_fields
from saccade.datasets.composers.fields import Field, MarkedBox
from saccade.imaging.image_files import load_image

HEADER = "path,x0,y0,x1,y1,label,kind\n"


def field_of(index: int, channels: int = 3) -> Field:
    image = np.random.default_rng(index).integers(0, 256, (20, 30, channels), dtype=np.uint8)
    boxes = (MarkedBox((1, 2, 11, 12), "ab"[index % 2], "needle"), MarkedBox((15, 2, 25, 12), "", "decoy"))
    return Field(image, "ab"[index % 2], boxes, ("train", "val")[index % 2], f"f_{index}", f"case {index}")


@pytest.mark.parametrize("channels", [1, 3])
def test_round_trip(tmp_path: Path, channels: int) -> None:
    fields = [field_of(index, channels) for index in range(4)]
    told = []
    path = write_fields(tmp_path / "set", iter(fields), 4, lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    manifest, boxes = load_manifest(path), load_boxes(path)
    assert manifest.classes == ("a", "b") and len(boxes) == 4
    for row, field in zip(manifest.rows, fields, strict=True):
        assert (row.label, row.split, row.case_id) == (field.label, field.part, field.case_id)
        assert (load_image(row.path) == field.image).all()
        assert boxes[row.name] == field.boxes
    assert load_boxes(tmp_path / "set") == load_boxes(tmp_path / "set" / "boxes.csv") == boxes
    assert load_needles(path)["images/f_0.png"].tolist() == [[1, 2, 11, 12]]


def test_jpeg(tmp_path: Path) -> None:
    path = write_fields(tmp_path, [field_of(0)], quality=95)
    assert load_manifest(path).rows[0].path.suffix == ".jpg" and set(load_boxes(path)) == {"images/f_0.jpg"}


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    write_fields(tmp_path, [field_of(0)])
    with pytest.raises(BadInput, match="already exists and is not empty"):
        write_fields(tmp_path, [field_of(1)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + "a.png,1,2,x,4,a,needle", r"boxes\.csv, row 2: a corner of the box is no whole number"),
        (HEADER + "a.png,1,2,1,4,a,needle", "row 2: the box 1,2,1,4 is empty"),
        (HEADER + "a.png,1,2,3,4,a,needle\na.png,1,2,3,4,a,hay", "row 3: 'hay' is no kind of box"),
        ("path,x0,y0,x1,label\n", "has no column y1"),
    ],
)
def test_bad_tables(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "boxes.csv").write_text(text)
    with pytest.raises(BadInput, match=message):
        load_boxes(tmp_path)


def test_no_table(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"boxes\.csv: there is no such file"):
        load_boxes(tmp_path / "manifest.csv")
