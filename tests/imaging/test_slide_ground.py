"""Grounds of maps: whatever the slide's size, a place on the slide is where the ground says."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from saccade.imaging.slide_ground import LONGEST, Ground, plain_ground, slide_ground
from saccade.imaging.slides import Slide, open_slide
from tests.slide_files import write_png, write_pyramid

HEIGHT, WIDTH = 512, 768
BOX = np.array([[256.0, 128, 384, 256]])  # dark on light glass


def written(path: Path) -> Slide:
    image = np.full((HEIGHT, WIDTH, 3), 240, np.uint8)
    image[128:256, 256:384] = 20
    return open_slide(write_pyramid(path, [image, image[::2, ::2].copy()]))


def darkness(ground: Ground) -> np.ndarray:
    """Edges of what is dark, in pixels of the ground."""
    y, x = np.nonzero(ground.picture.max(2) < 130)
    return np.array([x.min(), y.min(), x.max() + 1, y.max() + 1])


@pytest.mark.parametrize("longest", [64, 100, 333, 768, LONGEST])
def test_places_of_the_slide_are_found(tmp_path: Path, longest: int) -> None:
    ground = slide_ground(written(tmp_path / "a.tif"), longest)
    assert max(ground.picture.shape[:2]) <= longest and ground.mpp == 0.25
    np.testing.assert_allclose(darkness(ground), ground.pixels(BOX)[0], atol=1)


@pytest.mark.parametrize("longest", [90, 250, LONGEST])
def test_the_scanned_part_alone_is_shown(tmp_path: Path, longest: int) -> None:
    slide = written(tmp_path / "a.tif")
    slide = replace(slide, facts=replace(slide.facts, bounds=(200, 100, 250, 180)))
    ground = slide_ground(slide, longest)
    height, width = ground.picture.shape[:2]
    assert width <= longest + 1 and width / height == pytest.approx(250 / 180, rel=0.05)
    np.testing.assert_allclose(darkness(ground), ground.pixels(BOX)[0], atol=1.5)


def test_small_slides_are_enlarged_and_need_no_mpp(tmp_path: Path) -> None:
    ground = slide_ground(open_slide(write_png(tmp_path / "a.png", [np.zeros((40, 50, 3), np.uint8)])))
    assert ground.picture.shape == (800, 1000, 3) and ground.mpp is None
    assert ground.pixels(np.array([[0.0, 0, 50, 40]])).tolist() == [[0.0, 0.0, 1000.0, 800.0]]


def test_a_plain_sheet_of_the_slides_size() -> None:
    ground = plain_ground(BOX, (HEIGHT, WIDTH), mpp=0.5)
    assert ground.picture.shape == (800, 1200, 3) and ground.mpp == 0.5
    x0, y0, x1, y1 = ground.pixels(BOX)[0].astype(int)
    other = (ground.picture != ground.picture[0, 0]).any(2)
    assert other[y0:y1, x0:x1].all() and other.sum() == (x1 - x0) * (y1 - y0)


@pytest.mark.parametrize("count", [0, 1, 3, 400])
def test_a_plain_sheet_of_patches_alone(count: int) -> None:
    corners = np.stack([np.arange(count) % 20, np.arange(count) // 20], 1) * 224.0 + 1e6
    boxes = np.concatenate([corners, corners + 224], 1)
    ground = plain_ground(boxes)
    height, width = ground.picture.shape[:2]
    inside = ground.pixels(boxes)
    assert (inside >= 0).all() and (inside <= [width, height, width, height]).all()
    assert max(height, width) <= 1201
