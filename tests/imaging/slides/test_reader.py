"""Where regions lie, and what lies beyond the image."""

from pathlib import Path

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.imaging.slides.reader import SlideFacts, SlideLevel, checked_name, checked_region, pasted

IMAGE = np.arange(60, dtype=np.uint8).reshape(6, 10, 1)
LEVELS = (SlideLevel(24, 40, 1.0), SlideLevel(6, 10, 4.0))


def fetch(rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
    assert 0 <= rows[0] < rows[1] <= 6 and 0 <= columns[0] < columns[1] <= 10, "only what is inside may be asked for"
    return IMAGE[slice(*rows), slice(*columns)].copy()


@pytest.mark.parametrize("x", range(-14, 44, 3))
@pytest.mark.parametrize("y", [-30, -4, 0, 9, 20, 26])
def test_every_place(x: int, y: int) -> None:
    """Against the slow way: pixel by pixel."""
    red = (200, 10, 20)
    found = pasted(LEVELS[1], (x, y, 3, 4), red, fetch)
    left, top = round(x / 4), round(y / 4)
    for row in range(4):
        for column in range(3):
            inside = 0 <= top + row < 6 and 0 <= left + column < 10
            expected = [int(IMAGE[top + row, left + column, 0])] * 3 if inside else list(red)
            assert found[row, column].tolist() == expected


def test_what_a_slide_has_not() -> None:
    facts = SlideFacts("image", "png", LEVELS, associated=("label",))
    assert checked_region(facts, Path("a"), 1, 1, 1) is LEVELS[1]
    assert checked_name(facts, Path("a"), "label") == "label"
    with pytest.raises(BadInput, match="a: has no level 2. Give a level from 0, the finest, to 1"):
        checked_region(facts, Path("a"), 2, 1, 1)
    with pytest.raises(BadInput, match="a region of 0 x 5 pixels is empty"):
        checked_region(facts, Path("a"), 0, 0, 5)
    with pytest.raises(BadInput, match="no picture 'macro'. Those it holds: label"):
        checked_name(facts, Path("a"), "macro")
