"""Labels: inside the picture, off each other, near what they belong to."""

import itertools

import numpy as np
import pytest

from saccade.imaging.label_places import Label, place_labels


def overlap(one: Label, other: Label) -> bool:
    (a0, b0, a1, b1), (c0, d0, c1, d1) = one.box, other.box
    return a0 < c1 and c0 < a1 and b0 < d1 and d0 < b1


@pytest.mark.parametrize("seed", range(4))
def test_twenty_labels_of_one_crowded_place(seed: int) -> None:
    dice = np.random.default_rng(seed)
    corners = dice.integers(0, 40, (20, 2)) + dice.integers(0, 260, 2)
    boxes = np.concatenate([corners, corners + 40], axis=1)
    sizes = [(24, 16)] * 20
    labels = place_labels(boxes, sizes, (320, 340), boxes)
    assert not any(overlap(*pair) for pair in itertools.combinations(labels, 2))
    for label in labels:
        x0, y0, x1, y1 = label.box
        assert (x1 - x0, y1 - y0) == (24, 16)
        assert x0 >= 0 and y0 >= 0 and x1 <= 340 and y1 <= 320


def test_a_lonely_label_touches_its_box_and_needs_no_line() -> None:
    box = np.array([[50, 50, 70, 70]])
    (label,) = place_labels(box, [(10, 8)], (100, 100), box)
    assert not label.leader
    assert max(50 - label.box[2], label.box[0] - 70, 50 - label.box[3], label.box[1] - 70) <= 4


def test_a_line_leads_to_the_nearest_corner() -> None:
    label = Label((0, 0, 10, 10), True)
    assert label.leader_to(np.array([50, 60, 70, 80])) == (5, 5, 50, 60)


def test_no_boxes_no_labels() -> None:
    assert place_labels(np.empty((0, 4), int), [], (10, 10), np.empty((0, 4), int)) == []
