"""Exact means, whatever the block and wherever the bands are cut."""

import numpy as np
import pytest

from saccade.imaging.slides import thumbnails
from saccade.imaging.slides.reader import SlideLevel
from saccade.imaging.slides.thumbnails import averaged, block_means, level_for
from tests.slide_files import area_means, picture

LEVELS = [SlideLevel(1000, 1000, 1.0), SlideLevel(250, 250, 4.0003), SlideLevel(62, 62, 16.03)]


@pytest.mark.parametrize(("downsample", "level"), [(1, 0), (3.9, 0), (4, 1), (15, 1), (16.03, 2), (16.02, 2), (100, 2)])
def test_the_coarsest_level_at_least_as_fine(downsample: float, level: int) -> None:
    assert level_for(LEVELS, downsample) == level


@pytest.mark.parametrize("block", [1, 2, 3, 7, 50, 200])
@pytest.mark.parametrize("extent", [(90, 120), (91, 121), (5, 7)])
def test_block_means(block: int, extent: tuple[int, int]) -> None:
    image = picture(*extent)
    found = block_means(image, block)
    assert np.abs(found - area_means(image, block)).max() <= 0.51


def fetched(image: np.ndarray, calls: list[int]):
    def fetch(x: int, y: int, width: int, height: int) -> np.ndarray:
        calls.append(width * height)
        assert x >= 0 and y >= 0 and x + width <= image.shape[1] and y + height <= image.shape[0]
        return image[y : y + height, x : x + width]

    return fetch


@pytest.mark.parametrize("downsample", [2, 5, 16, 3.7])
def test_bands_change_nothing_and_bound_what_is_held(monkeypatch: pytest.MonkeyPatch, downsample: float) -> None:
    image, once, cut = picture(301, 403), [], []
    level = SlideLevel(301, 403, 1.0)
    whole = averaged(level, (301, 403), downsample, fetched(image, once))
    monkeypatch.setattr(thumbnails, "_BAND_ROWS", 20)
    monkeypatch.setattr(thumbnails, "_BAND_PIXELS", 20 * 64)
    assert np.array_equal(averaged(level, (301, 403), downsample, fetched(image, cut)), whole)
    assert once == [301 * 403] and len(cut) > 50 and max(cut) <= 20 * 64
    assert sum(cut) == 301 * 403, "each pixel is asked for once"


def test_the_geometry_is_exact() -> None:
    """A step in the image is where the downsample says, to a hundredth of a pixel, on the far side too."""
    image = np.zeros((40, 3000, 3), np.uint8)
    image[:, 2900:] = 255
    downsample = 7.3
    found = averaged(SlideLevel(40, 3000, 1.0), (40, 3000), downsample, fetched(image, []))
    place = 2900 / downsample
    assert found.shape == (6, 411, 3)
    light = found[2, : int(place) + 2, 0].astype(float) / 255
    assert (int(place) + 2) - light.sum() == pytest.approx(place, abs=0.1)


def test_a_coarser_level() -> None:
    image = picture(75, 101)
    found = averaged(SlideLevel(75, 101, 4.0), (301, 403), 12.0, fetched(image, []))
    assert found.shape == (26, 34, 3)
    assert np.abs(found[:25, :33] - area_means(image, 3)[:25, :33]).max() <= 0.51
