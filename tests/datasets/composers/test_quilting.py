"""Enlarging smears: no cell is cut, nothing is invented, the size is that asked for."""

import numpy as np
import pytest

from saccade.datasets.composers.quilting import enlarge
from saccade.datasets.composers.smears import components, prepare_smear
from tests.datasets.composers.test_smears import draw


@pytest.mark.parametrize("size", [100, 237, 512, 700])
def test_sizes(size: int) -> None:
    smear = prepare_smear(draw(), np.random.default_rng(0))
    large = enlarge(smear, size, smear.red_cell, np.random.default_rng(1))
    assert large.image.shape == (size, size, 3) and large.objects.shape == (size, size)
    assert large.image.flags.c_contiguous and large.red_cell == pytest.approx(smear.red_cell)


def test_red_cells_of_the_diameter_wanted() -> None:
    smear = prepare_smear(draw(), np.random.default_rng(0))
    large = enlarge(smear, 600, 42.0, np.random.default_rng(1))
    again = prepare_smear(large.image, np.random.default_rng(0))
    assert large.red_cell == pytest.approx(42) and again.red_cell == pytest.approx(42, rel=0.1)


def test_seams_wind_around_the_cells() -> None:
    """Few red cells are cut or doubled: nearly all objects off the edge have the usual area."""
    smear = prepare_smear(draw(), np.random.default_rng(0))
    large = enlarge(smear, 640, smear.red_cell, np.random.default_rng(3))
    boxes = components(large.objects).boxes[1:]
    off_edge = (boxes[:, :2] > 0).all(1) & (boxes[:, :2] + boxes[:, 2:4] < 640).all(1)
    areas = boxes[off_edge, 4] / (np.pi / 4 * smear.red_cell**2)
    assert len(areas) > 100 and ((areas > 0.8) & (areas < 1.25)).mean() > 0.85


def test_seams_do_not_show_on_glass() -> None:
    smear = prepare_smear(draw(), np.random.default_rng(0))
    large = enlarge(smear, 640, smear.red_cell, np.random.default_rng(3))
    values, original = large.image[~large.objects].astype(float), smear.image[~smear.objects].astype(float)
    assert values.std(0) == pytest.approx(original.std(0), rel=0.35)


@pytest.mark.parametrize("red_cell", [3.0, 17.3, 29.9, 200.0])
def test_any_scale_and_rounding(red_cell: float) -> None:
    smear = prepare_smear(draw((101, 103)), np.random.default_rng(0))
    for size in range(95, 111):
        assert enlarge(smear, size, red_cell, np.random.default_rng(0)).image.shape == (size, size, 3)


def test_tiny_and_empty_smears() -> None:
    tiny = prepare_smear(draw((20, 30), 12, 4), np.random.default_rng(0))
    assert enlarge(tiny, 200, 8.0, np.random.default_rng(0)).image.shape == (200, 200, 3)
    bare = prepare_smear(np.full((50, 80, 3), 180, np.uint8), np.random.default_rng(0))
    assert (enlarge(bare, 120, 30.0, np.random.default_rng(0)).image == 180).all()
