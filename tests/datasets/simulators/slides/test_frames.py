"""Frames: coarse maps that agree where chunks overlap and lie where the regions do."""

import numpy as np

from saccade.datasets.simulators.slides.description import Region, SlideDescription
from saccade.datasets.simulators.slides.frames import CHUNK, COARSE, Shapes, frame_at

SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)


def shapes(mpp: float = 0.5) -> Shapes:
    stroma = Region("stroma", SQUARE * 600 + 100, (SQUARE * 200 + 300,))
    return Shapes.of(SlideDescription(2000, 2000, (stroma, Region("tumour", SQUARE * 200 + 300))), mpp)


def test_edges_lie_where_they_should() -> None:
    frame = frame_at(shapes(), 512, 512, 0.5)  # 256 to 512 µm
    assert frame is not None and set(frame.masks) == {"stroma", "tumour"}
    tumour, stroma = (frame.fine(frame.masks[kind]).astype(float) / 255 for kind in ("tumour", "stroma"))
    assert tumour.shape == (CHUNK, CHUNK)
    np.testing.assert_allclose(tumour + stroma, 1, atol=0.02)
    edge = np.flatnonzero(tumour[300] > 0.5)  # tumour from 300 to 500 µm: 88 to 488 pixels
    assert abs(edge[0] - 88) <= COARSE / 2 and abs(edge[-1] + 1 - 488) <= COARSE / 2


def test_neighbours_agree_on_what_lies_between_them() -> None:
    one, two = (frame_at(shapes(), x, 512, 0.5) for x in (0, 512))
    assert one is not None and two is not None
    rng = np.random.default_rng(0)
    x, y = rng.uniform(256 - 90, 256 + 90, 500), rng.uniform(260, 500, 500)
    for kind in ("stroma", "tumour"):
        np.testing.assert_array_equal(one.at(one.masks[kind], x, y), two.at(two.masks[kind], x, y))
    np.testing.assert_allclose(one.at(one.noise(0, 3, 60.0), x, y), two.at(two.noise(0, 3, 60.0), x, y), atol=1e-4)


def test_glass_has_no_frame() -> None:
    assert frame_at(shapes(), 4 * CHUNK, 0, 0.5) is None
    assert frame_at(shapes(), 3 * CHUNK, 3 * CHUNK, 0.5) is None
    assert frame_at(shapes(), 0, 0, 0.5) is not None
