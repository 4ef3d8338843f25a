"""Draws that depend on their names alone, and turns that leave nobody out."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from saccade.datasets.composers.fields import Field, MarkedBox, generator, turn


@given(st.integers(1, 12), st.integers(0, 5), st.integers(0, 10**6))
def test_each_comes_once_a_round(count: int, round_: int, seed: int) -> None:
    taken = [turn(seed, ("a", "b"), count, round_ * count + index) for index in range(count)]
    assert sorted(taken) == list(range(count))


def test_generators() -> None:
    numbers = {generator(*names).integers(2**60) for names in ((0, "a"), (1, "a"), (0, "b"), (0, "a", 1), (0, "a", 2))}
    assert len(numbers) == 5
    assert generator(0, "a", 1).integers(2**60) in numbers


def test_boxes_of_a_kind() -> None:
    boxes = (MarkedBox((1, 2, 3, 4), "a", "needle"), MarkedBox((5, 6, 7, 8), "", "decoy"))
    field = Field(np.zeros((9, 9, 1), np.uint8), "a", boxes, "train", "train_00000", "c")
    assert field.boxes_of("needle").tolist() == [[1, 2, 3, 4]]
    assert field.boxes_of("distractor").shape == (0, 4)
