"""Fields on disk come back as they were."""

from pathlib import Path

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.core.manifest import load_manifest
from saccade.datasets.boxes import TruthBox, boxes_beside
from saccade.datasets.composers.field_files import write_fields
from saccade.datasets.composers.fields import Field, MarkedBox
from saccade.imaging.image_files import load_image


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
    manifest = load_manifest(path)
    boxes = boxes_beside(manifest)
    assert manifest.classes == ("a", "b") and boxes is not None and len(boxes) == 4
    for row, field in zip(manifest.rows, fields, strict=True):
        assert (row.label, row.split, row.case_id) == (field.label, field.part, field.case_id)
        assert (load_image(row.path) == field.image).all()
        assert boxes[row.name] == tuple(TruthBox(*each.box, each.label, each.kind) for each in field.boxes)


def test_jpeg(tmp_path: Path) -> None:
    path = write_fields(tmp_path, [field_of(0)], quality=95)
    manifest = load_manifest(path)
    assert manifest.rows[0].path.suffix == ".jpg" and set(boxes_beside(manifest) or ()) == {"images/f_0.jpg"}


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    write_fields(tmp_path, [field_of(0)])
    with pytest.raises(BadInput, match="already exists and is not empty"):
        write_fields(tmp_path, [field_of(1)])
