"""A mask answers in base pixels: shares of boxes against counting, areas, outlines."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.imaging.tissue.outlines import fill_outlines
from saccade.imaging.tissue.tissue import Tissue


def plain_share(mask: np.ndarray, downsample: float, box: list[int]) -> float:
    """Every mask pixel's overlap with the box, in float64."""
    x0, y0, x1, y1 = box
    inside = 0.0
    for row, column in zip(*np.nonzero(mask), strict=True):
        across = min(x1, (column + 1) * downsample) - max(x0, column * downsample)
        down = min(y1, (row + 1) * downsample) - max(y0, row * downsample)
        inside += max(across, 0) * max(down, 0)
    return inside / ((x1 - x0) * (y1 - y0))


@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.floats(0.7, 40),
    st.lists(st.tuples(*[st.integers(-50, 300)] * 2, *[st.integers(1, 200)] * 2), max_size=8),
    st.integers(0, 2**32 - 1),
)
def test_fractions_are_exact(
    height: int, width: int, downsample: float, places: list[tuple[int, int, int, int]], seed: int
) -> None:
    mask = np.random.default_rng(seed).random((height, width)) < 0.5
    boxes = np.array([(x, y, x + w, y + h) for x, y, w, h in places], np.int64).reshape(-1, 4)
    shares = Tissue(mask, downsample, 0.5).fractions(boxes)
    assert shares.dtype == np.float32 and shares.shape == (len(places),)
    expected = [plain_share(mask, downsample, box) for box in boxes.tolist()]
    assert shares == pytest.approx(expected, abs=1e-6)


def test_a_box_of_whole_tissue_is_exactly_one() -> None:
    """The largest thumbnail there is: sums stay whole numbers."""
    mask = np.ones((3000, 7000), bool)
    boxes = np.array([[0, 0, 7000 * 32, 3000 * 32], [223901, 95901, 223999, 95999], [224000, 0, 224032, 32]])
    assert Tissue(mask, 32.0, 0.25).fractions(boxes).tolist() == [1.0, 1.0, 0.0]


def test_without_area() -> None:
    with pytest.raises(BadInput, match="no area"):
        Tissue(np.ones((2, 2), bool), 4.0, 0.5).fractions(np.array([[3, 0, 3, 5]]))


def test_areas() -> None:
    tissue = Tissue(np.array([[True, False], [True, True]]), 100.0, 0.5)
    assert tissue.area_mm2 == pytest.approx(3 * 0.05**2)
    assert tissue.fraction == 0.75


def test_without_pixels() -> None:
    with pytest.raises(BadInput, match="no pixels"):
        Tissue(np.empty((0, 4), bool), 1.0, 1.0)


@pytest.mark.parametrize(("downsample", "mpp"), [(0.0, 0.5), (4.0, -1.0), (float("nan"), 0.5)])
def test_scales_are_positive(downsample: float, mpp: float) -> None:
    with pytest.raises(BadInput, match="positive"):
        Tissue(np.ones((1, 1), bool), downsample, mpp)


def test_polygons_are_in_base_pixels() -> None:
    mask = np.random.default_rng(3).random((30, 50)) < 0.6
    tissue = Tissue(mask, 17.3, 0.5)
    outlines = tissue.polygons()
    assert sum(outline.area for outline in outlines) == pytest.approx(mask.sum() * 17.3**2)
    assert (fill_outlines([outline.scaled(1 / 17.3) for outline in outlines], 30, 50) == mask).all()
