"""Stamps: nuclei of their true size and direction, pressed on whole or in part."""

import numpy as np
import pytest

from saccade.datasets.simulators.slides.stamps import GLAND, NUCLEI, TURNS, glands, nuclei, press


def darkness(stamp) -> np.ndarray:
    return stamp.added[..., 0]


@pytest.mark.parametrize("mpp", [0.25, 0.5])
@pytest.mark.parametrize("name", ["lymphocyte", "tumour", "spindle"])
def test_sizes(name: str, mpp: float) -> None:
    kind = NUCLEI[name]
    areas = np.array([(1 - stamp.kept[..., 0]).sum() for stamp in nuclei(name, mpp)]) * mpp**2
    low, high = (np.pi * length**2 / aspect for length, aspect in zip(kind.length, kind.aspect[::-1], strict=True))
    high = np.pi * kind.length[1] ** 2 / kind.aspect[0]
    assert 0.8 * low < areas.min() and areas.max() < 1.25 * high


def test_long_nuclei_lie_at_their_angle() -> None:
    for number in (0, 3, TURNS // 2, 11):
        values = 1 - nuclei("spindle", 0.25)[number].kept[..., 0]
        rows, columns = np.indices(values.shape) - values.shape[0] // 2
        moments = np.array([[(values * columns * columns).sum(), (values * columns * rows).sum()],
                            [(values * columns * rows).sum(), (values * rows * rows).sum()]])  # fmt: skip
        x, y = np.linalg.eigh(moments)[1][:, 1]
        off = (np.arctan2(y, x) - np.pi * number / TURNS + np.pi / 2) % np.pi - np.pi / 2
        assert abs(off) < 0.1


def test_glands_have_an_empty_middle_and_fit() -> None:
    for stamp in glands(0.5):
        middle, side = stamp.kept.shape[0] // 2, stamp.kept.shape[0]
        assert darkness(stamp)[middle, middle] == 0 and stamp.kept[middle, middle, 0] == 0
        reach = np.hypot(*(np.indices((side, side)) - middle)) * 0.5
        assert (stamp.kept[reach > GLAND[1] + 2] == 1).all()
        assert darkness(stamp).max() > 0.6  # nuclei


def test_pressing_at_an_edge_is_part_of_pressing_whole() -> None:
    stamp = nuclei("tumour", 0.5)[0]
    whole = np.full((100, 100, 2), 0.3, np.float32)
    press(whole, stamp, 50, 50)
    assert (whole != np.float32(0.3)).any()
    for top, left in ((45, 40), (50, 60), (0, 55)):
        part = np.full((50, 40, 2), 0.3, np.float32)
        press(part, stamp, 50 - left, 50 - top)
        np.testing.assert_array_equal(part, whole[top : top + 50, left : left + 40])
    away = np.full((10, 10, 2), 0.3, np.float32)
    press(away, stamp, -50, 500)
    assert (away == np.float32(0.3)).all()
