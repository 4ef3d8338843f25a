"""Megapixel-MNIST: three agree, nothing overlaps, and no digit is in two parts."""

from pathlib import Path

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.core.manifest import load_manifest
from saccade.datasets.boxes import boxes_beside, needles_of
from saccade.datasets.composers.digit_fields import DigitFields, compose_digit_fields
from tests.datasets.test_idx import write_idx

COUNT = 90
LABELS = (np.arange(COUNT) % 3).astype(np.uint8)
# Each made-up digit is of one value, its own number, so that it is known again wherever it lies.
DIGITS = np.broadcast_to(np.arange(1, COUNT + 1, dtype=np.uint8)[:, None, None], (COUNT, 28, 28)).copy()


def numbers_in(field) -> dict[tuple[int, ...], int]:
    """Which digit lies in each box of needle or distractor."""
    found = {}
    for marked in field.boxes:
        if marked.kind != "decoy":
            x0, y0, x1, y1 = marked.box
            (value,) = np.unique(field.image[y0:y1, x0:x1])
            found[marked.box] = int(value) - 1
    return found


def test_three_agree_and_two_do_not() -> None:
    fields = DigitFields(DIGITS, LABELS, size=375)
    for index, field in enumerate(fields.fields("train", 9)):
        numbers = numbers_in(field)
        needles = [numbers[tuple(box)] for box in field.boxes_of("needle").tolist()]
        others = [numbers[tuple(box)] for box in field.boxes_of("distractor").tolist()]
        assert field.label == str(index % 3)
        assert len(set(needles)) == 3 and {LABELS[number] for number in needles} == {index % 3}
        assert len(others) == 2 and index % 3 not in {LABELS[number] for number in others}
        assert all(str(LABELS[numbers[m.box]]) == m.label for m in field.boxes if m.kind != "decoy")


@pytest.mark.parametrize(("size", "patterns"), [(375, 3), (750, 12), (1500, 50)])
def test_patterns_in_proportion_and_nothing_overlaps(size: int, patterns: int) -> None:
    field = DigitFields(DIGITS, LABELS, size=size).field("val", 0)
    assert field.image.shape == (size, size, 1) and field.image.dtype == np.uint8
    assert len(field.boxes_of("decoy")) == patterns
    covered = np.zeros((size, size), int)
    for marked in field.boxes:
        x0, y0, x1, y1 = marked.box
        covered[y0:y1, x0:x1] += 1
        assert field.image[y0:y1, x0:x1].any()
    assert covered.max() == 1 and not field.image[covered == 0].any()


def test_no_digit_in_two_parts() -> None:
    fields = DigitFields(DIGITS, LABELS, size=375)
    used = {
        part: {number for field in fields.fields(part, 40) for number in numbers_in(field).values()}
        for part in ("train", "val", "test")
    }
    assert sum(map(len, used.values())) == len(set.union(*used.values())) == COUNT  # each is used, in one part


def test_a_field_depends_on_nothing_but_its_number() -> None:
    one, again = DigitFields(DIGITS, LABELS, size=375), DigitFields(DIGITS, LABELS, size=375)
    later = list(one.fields("test", 5))[4]
    assert (later.image == again.field("test", 4).image).all()
    assert (later.image != DigitFields(DIGITS, LABELS, size=375, seed=1).field("test", 4).image).any()


def test_classes() -> None:
    fields = DigitFields(DIGITS, LABELS, (2, 0), size=375)
    assert [field.label for field in fields.fields("train", 3)] == ["2", "0", "2"]
    assert all(LABELS[number] != 1 for number in numbers_in(fields.field("train", 0)).values())
    for classes, message in (((0, 7), "no digit 7"), ((0,), "make no task"), ((1, 1), "make no task")):
        with pytest.raises(BadInput, match=message):
            DigitFields(DIGITS, LABELS, classes)


def test_no_room_and_no_digits() -> None:
    with pytest.raises(BadInput, match="fields of 100 pixels are too small.*112 or more"):
        DigitFields(DIGITS, LABELS, size=100)
    with pytest.raises(BadInput, match="no room left in a field of 112 pixels"):
        DigitFields(DIGITS, LABELS, size=112, patterns=200).field("train", 0)
    with pytest.raises(BadInput, match="the part 'val' has no digit"):
        DigitFields(DIGITS[:6], LABELS[:6], size=375, fractions=(1.0, 0.0, 0.0)).field("val", 0)


def test_on_disk(tmp_path: Path) -> None:
    images, labels = write_idx(tmp_path / "i.gz", DIGITS), write_idx(tmp_path / "l", LABELS)
    path = compose_digit_fields(tmp_path / "set", images, labels, counts={"train": 3, "val": 1}, size=375)
    assert [row.label for row in load_manifest(path).rows] == ["0", "1", "2", "0"]
    boxes = boxes_beside(load_manifest(path)) or {}
    assert len(boxes) == 4 and all(len(needles_of(each)) == 3 for each in boxes.values())


@pytest.mark.real_data
def test_real_digits(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "mnist"
    files = (folder / "t10k-images-idx3-ubyte.gz", folder / "t10k-labels-idx1-ubyte.gz")
    path = compose_digit_fields(tmp_path / "set", *files, counts={"test": 4}, size=375, classes=(1, 4, 7))
    assert load_manifest(path).classes == ("1", "4", "7")
