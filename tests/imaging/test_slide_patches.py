"""Patches of a slide are the pixels of its file, and a sheet holds them as they are."""

from pathlib import Path

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.imaging.slide_patches import PatchRow, rows_picture, slide_patches
from saccade.imaging.slides import open_slide
from tests.slide_files import KINDS, halved, picture, pyramid


@pytest.mark.parametrize("kind", KINDS)
def test_at_their_own_size_they_are_the_files_pixels(tmp_path: Path, kind: str) -> None:
    _, name, write = KINDS[kind]
    slide = open_slide(write(tmp_path / name, pyramid()))
    boxes = np.array([[0.0, 0, 32, 32], [128, 64, 160, 96], [700, 480, 732, 512]])
    found = slide_patches(slide, boxes, side=32)
    for patch, (x0, y0, x1, y1) in zip(found, boxes.astype(int), strict=True):
        np.testing.assert_array_equal(patch, picture()[y0:y1, x0:x1])


def test_large_ones_come_from_a_coarser_level(tmp_path: Path) -> None:
    _, name, write = KINDS["openslide"]
    slide = open_slide(write(tmp_path / name, pyramid()))
    found = slide_patches(slide, np.array([[128.0, 256, 256, 384]]), side=64)
    np.testing.assert_array_equal(found[0], halved(picture())[128:192, 64:128])


def test_small_ones_are_enlarged_and_what_lies_outside_is_background(tmp_path: Path) -> None:
    _, name, write = KINDS["png"]
    slide = open_slide(write(tmp_path / name, pyramid()))
    found = slide_patches(slide, np.array([[0.0, 0, 16, 16], [760, 500, 776, 516]]), side=64)
    assert found.shape == (2, 64, 64, 3)
    assert abs(float(found[0].mean()) - float(picture()[:16, :16].mean())) < 2
    assert (found[1, -10:, -10:] == 255).all()
    assert slide_patches(slide, np.empty((0, 4))).shape[0] == 0


def test_rows_hold_their_patches_untouched() -> None:
    patches = np.random.default_rng(0).integers(0, 256, (3, 40, 40, 3), dtype=np.uint8)
    sheet = rows_picture([PatchRow("most", patches, ("1", "2", "3")), PatchRow("least", patches[:1], ("9\nlast",))])
    high, gap, heading = (len(sheet) - 10) // 2, 10, 30
    for column in range(3):
        left = gap + column * 50
        np.testing.assert_array_equal(sheet[gap + heading : gap + heading + 40, left : left + 40], patches[column])
    second = gap + high + heading
    np.testing.assert_array_equal(sheet[second : second + 40, gap : gap + 40], patches[0])
    assert (sheet[gap : gap + heading, gap : gap + 60].min() < 100) and (sheet[second + 42 :, :60].min() < 130)


def test_refused() -> None:
    with pytest.raises(BadInput, match="one caption for each patch"):
        rows_picture([PatchRow("most", np.zeros((2, 8, 8, 3), np.uint8), ("1",))])
    with pytest.raises(BadInput, match="needs rows"):
        rows_picture([])
