"""Textures: no seam, the sizes they should have, the same whenever asked for."""

import numpy as np
import pytest

from saccade.datasets.simulators.slides.textures import SIDE, fibres, grain, membranes


@pytest.mark.parametrize("texture", [fibres, grain, membranes])
@pytest.mark.parametrize("mpp", [0.25, 1.0])
def test_no_seam(texture, mpp: float) -> None:
    values = texture(mpp)
    assert values.shape == (SIDE, SIDE) and values.dtype == np.float32 and np.isfinite(values).all()
    for turned in (values, values.T):
        inner = np.abs(np.diff(turned, axis=0)).mean(1)
        assert np.abs(turned[0] - turned[-1]).mean() <= inner.max() * 1.05
    assert texture(mpp) is values


def test_fibres_run_along_x() -> None:
    values = fibres(0.5)
    assert 0 <= values.min() < 0.1 and 0.9 < values.max() <= 1
    along, across = (np.abs(np.diff(values, axis=axis)).mean() for axis in (1, 0))
    assert across > 2 * along


def test_fat_is_mostly_empty() -> None:
    walls = membranes(0.5) > 0.5
    assert 0.02 < walls.mean() < 0.15
