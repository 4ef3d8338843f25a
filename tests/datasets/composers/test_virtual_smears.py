"""Virtual smears: the truth lies where it says, and nothing but the truth tells the label."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.datasets.composers.fields import Field
from saccade.datasets.composers.materials import open_backgrounds, open_crops, simulated_backgrounds, simulated_crops
from saccade.datasets.composers.virtual_smears import LABELS, SmearSettings, VirtualSmears

SMALL = {"size": 1024, "cells": (20, 30), "pairs": 4}


@pytest.fixture(scope="module")
def rare() -> list[Field]:
    made = VirtualSmears(simulated_crops(), simulated_backgrounds(), SmearSettings("rare", ("monocyte",), **SMALL))
    return list(made.slides("train", 6))


@pytest.fixture(scope="module")
def neighbours() -> list[Field]:
    marked = ("basophil", "monocyte")
    made = VirtualSmears(simulated_crops(), simulated_backgrounds(), SmearSettings("neighbours", marked, **SMALL))
    return list(made.slides("train", 6))


def test_the_rare_cell_is_the_label(rare: list[Field]) -> None:
    assert [slide.label for slide in rare] == list(LABELS["rare"]) * 3
    for slide in rare:
        needles = [box.label for box in slide.boxes if box.kind == "needle"]
        others = [box.label for box in slide.boxes if box.kind == "distractor"]
        assert set(needles) <= {"monocyte"} and "monocyte" not in others
        assert 1 <= len(needles) <= 3 if slide.label == "present" else not needles
        assert 20 <= len(slide.boxes) <= 30


def test_neighbours_differ_in_who_lies_by_whom(neighbours: list[Field]) -> None:
    for slide in neighbours:
        needles = [box for box in slide.boxes if box.kind == "needle"]
        assert Counter(box.label for box in needles) == {"basophil": 4, "monocyte": 4}
        middles = np.array([[(b.box[0] + b.box[2]) / 2, (b.box[1] + b.box[3]) / 2] for b in needles])
        away = np.hypot(*(middles[:, None] - middles).transpose(2, 0, 1)) + np.eye(8) * 1e9
        partner = away.argmin(1)
        assert (partner[partner] == np.arange(8)).all() and away.min(1).max() < 2 * 64  # side by side
        mixed = [needles[one].label != needles[two].label for one, two in enumerate(partner)]
        assert all(mixed) if slide.label == "mixed" else not any(mixed)


def test_boxes_do_not_overlap_and_hold_something_dark(rare: list[Field], neighbours: list[Field]) -> None:
    for slide in (rare[1], neighbours[0], neighbours[1]):
        boxes = np.array([box.box for box in slide.boxes])
        for number, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
            others = np.delete(boxes, number, 0)
            apart = (others[:, 2] <= x0) | (others[:, 0] >= x1) | (others[:, 3] <= y0) | (others[:, 1] >= y1)
            assert apart.all()
            cell = slide.image[y0:y1, x0:x1].astype(int)
            assert np.quantile(cell.sum(2), 0.1) < 0.7 * np.median(slide.image.sum(2, dtype=int))


def test_slides_depend_on_seed_part_and_number_alone() -> None:
    def made(seed: int) -> VirtualSmears:
        return VirtualSmears(simulated_crops(), simulated_backgrounds(), SmearSettings(size=512, cells=(4, 6)), seed)

    one = made(0)
    one.slide("val", 3)
    first, again, other = one.slide("train", 1), made(0).slide("train", 1), made(1).slide("train", 1)
    assert (first.image == again.image).all() and first.boxes == again.boxes
    assert (first.image != other.image).any() and (first.image != made(0).slide("test", 1).image).any()


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"cell": (4, 8)}, "do not suit"),
        ({"size": 100}, "do not suit"),
        ({"cells": (2, 9)}, "range"),
        ({"pairs": 3}, "halved"),
    ],
)
def test_settings_out_of_range(wrong: dict, match: str) -> None:
    with pytest.raises(BadInput, match=match):
        SmearSettings(**wrong)


@pytest.mark.parametrize("marked", [("yeti",), ("basophil", "monocyte"), ()])
def test_classes_that_do_not_suit(marked: tuple[str, ...]) -> None:
    crops = [crop for crop in simulated_crops() if marked or crop.label == "basophil"]
    with pytest.raises(BadInput, match="do not suit the task 'rare'"):
        VirtualSmears(crops, simulated_backgrounds(), SmearSettings("rare", marked))


def test_no_room() -> None:
    settings = SmearSettings("neighbours", size=512, cells=(100, 101), pairs=40)
    with pytest.raises(BadInput, match="no room"):
        VirtualSmears(simulated_crops(), simulated_backgrounds(), settings).slide("train", 0)


@pytest.mark.real_data
def test_real_cells(real_data: Path) -> None:
    crops, backgrounds = open_crops(real_data / "pbc_cells"), open_backgrounds(real_data / "rbc_fields")
    made = VirtualSmears(crops, backgrounds, SmearSettings("rare", ("basophil",), size=2048, cells=(30, 40)))
    slide = made.slide("train", 1)
    assert slide.label == "present" and 30 <= len(slide.boxes) <= 40 and slide.boxes[0].label == "basophil"
