"""Cutting cells out: the simulator knows the cell's outline, and what lies beside it."""

import cv2
import numpy as np
import pytest

from saccade.datasets.composers.cutting import cut_along, cut_cell
from saccade.datasets.composers.light import as_picture
from saccade.datasets.simulators import KINDS, simulate_cell
from saccade.imaging.image_files import load_image


def inside(outline: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(outline).astype(np.int32)], 1)
    return mask > 0


def overlap(picture: np.ndarray, truth: np.ndarray) -> float:
    """Intersection over union of the cutout's outline, found again in the picture, and the true cell."""
    cutout = cut_cell(picture)
    assert cutout is not None
    height, width = cutout.transmittance.shape[:2]
    best = 0.0
    mask = inside(cutout.outline, (height, width))
    for top in range(picture.shape[0] - height + 1):  # the cutout does not tell where it was taken from
        for left in range(picture.shape[1] - width + 1):
            window = truth[top : top + height, left : left + width]
            best = max(best, (mask & window).sum() / ((mask | window).sum() + truth.sum() - window.sum()))
    return best


@pytest.mark.parametrize("kind", KINDS)
def test_the_outline_is_the_cells(kind: str) -> None:
    found = []
    for seed in range(4):
        cell = simulate_cell(kind, np.random.default_rng(seed), size=96, mpp=25.6 / 96)
        found.append(overlap(cell.image, cell.cell))
    assert np.median(found) > 0.8


def test_rays_that_leave_the_crop_find_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    crop = simulate_cell("neutrophil", np.random.default_rng(0), size=96, mpp=25.6 / 96).image
    clean, warp = cut_cell(crop), cv2.warpPolar

    def into_used_memory(plane, size, *others):
        return warp(plane, size, *others, np.full(size[::-1], 1e9, np.float32))

    monkeypatch.setattr(cv2, "warpPolar", into_used_memory)
    again = cut_cell(crop)
    assert clean is not None and again is not None
    np.testing.assert_array_equal(again.outline, clean.outline)


def test_grey_crops() -> None:
    cell = simulate_cell("monocyte", np.random.default_rng(1), size=96, mpp=25.6 / 96)
    grey = as_picture(cell.image.mean(2, keepdims=True).astype(np.uint8))
    assert overlap(grey, cell.cell) > 0.6


def test_size_of_the_crop_does_not_matter() -> None:
    cell = simulate_cell("neutrophil", np.random.default_rng(2), size=256, mpp=0.1)
    small = np.asarray(cv2.resize(cell.image, (96, 96), interpolation=cv2.INTER_AREA))
    large_cut, small_cut = cut_cell(cell.image), cut_cell(small)
    assert large_cut is not None and small_cut is not None
    assert large_cut.across / small_cut.across == pytest.approx(256 / 96, rel=0.1)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_nothing_to_cut(value: int) -> None:
    assert cut_cell(np.full((64, 64, 3), value, np.uint8)) is None


def test_a_margin_is_kept_and_glass_lets_all_light_through() -> None:
    picture = np.full((50, 60, 3), (200, 180, 160), np.uint8)
    outline = np.array([[20, 20], [30, 20], [30, 35], [20, 35]], np.float32)
    cutout = cut_along(picture, np.array([200, 180, 160], np.float32), outline)
    assert (cutout.transmittance == 1).all()
    assert cutout.outline.min() >= 4 and cutout.across == 15
    assert cutout.transmittance.shape[0] >= 15 + 8 and cutout.transmittance.shape[1] >= 10 + 8
    assert cut_along(picture, np.ones(3, np.float32), outline - 20).outline.min() == 0  # at the crop's edge


@pytest.mark.real_data
def test_real_cells(real_data) -> None:
    """Most cells can be cut, none of them with half of the crop."""
    across = []
    for folder in ("eosinophil", "lymphocyte", "monocyte", "neutrophil"):
        for path in sorted((real_data / "pbc_cells" / folder).glob("*.jpg"))[:6]:
            cutout = cut_cell(as_picture(load_image(path)))
            across += [cutout.across] if cutout else []
    assert len(across) >= 21 and min(across) > 60 and max(across) < 260
