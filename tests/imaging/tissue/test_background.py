"""The glass is told whatever its tint, padding, dirt or light; tissue that fills the picture is not taken for it."""

import numpy as np
import pytest

from saccade.imaging.tissue.background import (
    OD_STEP,
    WHITE,
    densities,
    extremes,
    find_glass,
    glow_distance,
    stain_distance,
)
from tests.imaging.tissue.scenes import DAB, HAEMATOXYLIN, HE, PALE_HE, blobs, bright, fluorescent, jpeg

HEIGHT, WIDTH = 200, 300
BODY = blobs(HEIGHT, WIDTH, (120, 100, 70, 60))
FULL = np.ones((HEIGHT, WIDTH), bool)


@pytest.mark.parametrize("glass", [(243, 242, 240), (205, 204, 200), (240, 234, 215), (225, 230, 238), (252, 252, 252)])
@pytest.mark.parametrize("stain", [HE, PALE_HE, DAB], ids=["he", "pale", "dab"])
def test_glass_of_any_tint(glass: tuple[int, int, int], stain: np.ndarray) -> None:
    found = find_glass(jpeg(bright(BODY, stain, glass)))
    assert not found.dark
    assert np.abs(np.subtract(found.colour, glass)).max() <= 3


def test_padding_is_no_glass() -> None:
    picture = bright(BODY, HE, (236, 233, 235))
    picture[:120] = 255
    assert np.abs(np.subtract(find_glass(picture).colour, (236, 233, 235))).max() <= 2


@pytest.mark.parametrize("stain", [HE, PALE_HE, DAB, HAEMATOXYLIN], ids=["he", "pale", "dab", "haematoxylin"])
def test_tissue_everywhere(stain: np.ndarray) -> None:
    found = find_glass(bright(FULL, stain))
    assert not found.dark and found.colour == WHITE


@pytest.mark.parametrize("colour", [(0, 0, 255), (40, 255, 30), (255, 255, 255)])
@pytest.mark.parametrize("mask", [BODY, FULL, ~FULL], ids=["some", "full", "none"])
def test_fluorescence(mask: np.ndarray, colour: tuple[int, int, int]) -> None:
    assert find_glass(fluorescent(mask, colour)).dark


def test_black_corners_are_no_fluorescence() -> None:
    picture = bright(BODY, HE)
    picture[:, :200] = 3
    assert not find_glass(picture).dark


def test_density_is_the_logarithm() -> None:
    """Against the formula in float64, to half a step."""
    generator = np.random.default_rng(0)
    picture = generator.integers(1, 256, (40, 40, 3), dtype=np.uint8)
    glass = find_glass(np.full((9, 9, 3), 240, np.uint8))
    expected = np.log10(240 / picture.astype(np.float64)).clip(0, 255 * OD_STEP)
    assert np.abs(densities(picture, glass) * OD_STEP - expected).max() <= OD_STEP / 2 + 1e-9


def test_shadow_is_not_far_and_stain_is() -> None:
    glass = find_glass(np.full((9, 9, 3), 240, np.uint8))
    shadow, stain = (np.full((5, 5, 3), colour, np.uint8) for colour in ((200, 200, 200), (238, 200, 230)))
    far = [int(stain_distance(densities(picture, glass))[2, 2]) * OD_STEP for picture in (shadow, stain)]
    assert far == pytest.approx([0, np.log10(240 / 200) - np.log10(240 / 238)], abs=2 * OD_STEP)


def test_glow_reaches_between_nuclei() -> None:
    """Two nuclei 30 µm apart: tissue lies between; at 300 µm it does not."""
    picture = np.zeros((61, 121, 3), np.uint8)
    for row, columns in ((15, (58, 62)), (45, (40, 80))):
        for column in columns:
            picture[row - 1 : row + 2, column - 1 : column + 2, 2] = 255
    far = glow_distance(picture, find_glass(picture), 8.0)
    assert far[15, 60] > 112 > 30 > far[45, 60]


def test_extremes() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (7, 8, 3), dtype=np.uint8)
    least, most = extremes(picture)
    assert (least == picture.min(axis=2)).all() and (most == picture.max(axis=2)).all()
