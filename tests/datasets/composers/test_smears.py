"""Preparing smears: the lamp, the red cells and what does not belong are known, for they were drawn."""

import cv2
import numpy as np
import pytest

from saccade.datasets.composers.light import as_picture
from saccade.datasets.composers.smears import components, prepare_smear, wipe
from saccade.imaging.image_files import load_image

GLASS, RED, PURPLE = (230, 215, 200), (190, 140, 150), (80, 40, 120)


def draw(size: tuple[int, int] = (240, 320), step: int = 45, radius: int = 14) -> np.ndarray:
    """Red discs in rows on glass, with a little noise."""
    picture = np.full((*size, 3), GLASS, np.uint8)
    for y in range(step // 2, size[0], step):
        for x in range(step // 2, size[1], step):
            cv2.circle(picture, (x, y), radius, RED, cv2.FILLED, cv2.LINE_AA)
    noise = np.random.default_rng(0).normal(0, 1.5, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def test_red_cells_are_found_and_measured() -> None:
    smear = prepare_smear(draw(), np.random.default_rng(0))
    assert smear.red_cell == pytest.approx(28, rel=0.12)
    assert smear.glass == pytest.approx(np.array(GLASS), abs=3)
    assert smear.objects[22, 22] and not smear.objects[45, 45]
    assert smear.grain.min() >= 0.5 and smear.grain.max() < 4


def test_uneven_light_is_divided_out() -> None:
    rows, columns = np.mgrid[-1:1:240j, -1:1:320j]
    lamp = 1 - 0.15 * (rows**2 + columns**2) + 0.1 * columns
    uneven = np.clip(draw() * lamp[..., None], 0, 255).astype(np.uint8)
    smear = prepare_smear(uneven, np.random.default_rng(0))
    glass = smear.image[~cv2.dilate(smear.objects.astype(np.uint8), np.ones((7, 7))).astype(bool)]
    assert np.abs(glass - smear.glass).mean() < 3
    assert uneven[~smear.objects].std(0).max() > 3 * glass.std(0).max()


def test_white_cells_and_pointers_are_wiped_away_platelets_stay() -> None:
    picture = draw()
    cv2.circle(picture, (160, 120), 30, PURPLE, cv2.FILLED)
    cv2.line(picture, (300, 100), (319, 239), (20, 20, 20), 6)
    cv2.circle(picture, (90, 90), 3, PURPLE, cv2.FILLED)
    smear = prepare_smear(picture, np.random.default_rng(0))
    assert np.abs(smear.image[100:140, 140:180] - smear.glass).mean() < 4
    assert np.abs(smear.image[150:154, 306:309] - smear.glass).mean() < 8
    assert smear.image[90, 90].tolist() == pytest.approx(PURPLE, abs=12)
    assert smear.image[22, 22].tolist() == pytest.approx(RED, abs=12)


def test_empty_glass_and_noise() -> None:
    for picture in (np.full((64, 64, 3), 200, np.uint8), np.zeros((40, 90, 3), np.uint8)):
        smear = prepare_smear(picture, np.random.default_rng(0))
        assert smear.red_cell == 0 and not smear.objects.any() and (smear.image == picture).all()
    noise = np.random.default_rng(0).integers(0, 256, (70, 50, 3), dtype=np.uint8)
    assert prepare_smear(noise, np.random.default_rng(0)).image.shape == (70, 50, 3)


def test_grey_backgrounds() -> None:
    grey = as_picture(draw().mean(2, keepdims=True).astype(np.uint8))
    smear = prepare_smear(grey, np.random.default_rng(0))
    assert smear.red_cell == pytest.approx(28, rel=0.15)


def test_wiping_touches_nothing_else() -> None:
    picture = draw()
    cover = np.zeros(picture.shape[:2], np.float32)
    cover[40:80, 50:90] = 1
    before = picture.copy()
    glass, grain = np.array([10, 20, 30], np.float32), np.full(3, 2, np.float32)
    wipe(picture, cover, glass, grain, np.random.default_rng(0))
    changed = (picture != before).any(2)
    assert not changed[:34].any() and not changed[86:].any() and not changed[:, :44].any()
    middle = picture[50:70, 60:80].reshape(-1, 3).astype(float)
    assert middle.mean(0) == pytest.approx(glass, abs=0.5) and middle.std(0) == pytest.approx(grain, rel=0.35)
    wipe(picture, np.zeros_like(cover), glass, grain, np.random.default_rng(0))  # nothing to do


def test_components() -> None:
    mask = np.zeros((10, 12), bool)
    mask[1:4, 2:4] = mask[6:9, 8:12] = True
    found = components(mask)
    assert found.boxes[1:].tolist() == [[2, 1, 2, 3, 6], [8, 6, 4, 3, 12]]
    assert (found.labels > 0).tolist() == mask.tolist()


@pytest.mark.real_data
def test_real_smears(real_data) -> None:
    files = sorted((real_data / "rbc_fields" / "images").glob("*.jpg"))[::10]
    for path in files:
        smear = prepare_smear(as_picture(load_image(path)), np.random.default_rng(0))
        assert 25 < smear.red_cell < 60 and 0.05 < smear.objects.mean() < 0.7
