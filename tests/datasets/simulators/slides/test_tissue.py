"""Amounts of dye: nuclei where the kind has them, none on glass, no seam between chunks."""

import numpy as np

from saccade.datasets.simulators.slides.description import KINDS, Region, SlideDescription
from saccade.datasets.simulators.slides.frames import CHUNK, Shapes, frame_at
from saccade.datasets.simulators.slides.tissue import dye_amounts

SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)


def amounts(kind: str, x: int = 0, y: int = 0, side: float = 2000.0) -> np.ndarray:
    shapes = Shapes.of(SlideDescription(2000, 2000, (Region(kind, SQUARE * side),)), 0.5)
    frame = frame_at(shapes, x, y, 0.5)
    assert frame is not None
    return dye_amounts(frame, seed=0)


def test_share_of_nuclei() -> None:
    share = {kind: float((amounts(kind)[..., 0] > 0.45).mean()) for kind in KINDS}
    assert share["fat"] < 0.01 < share["necrosis"] < share["stroma"] < 0.15
    assert share["stroma"] < share["glands"] < share["tumour"]
    assert 0.3 < share["tumour"] < 0.75 and 0.3 < share["lymphocytes"] < 0.75


def test_dyes_are_never_negative_and_glass_has_none() -> None:
    for kind in KINDS:
        values = amounts(kind, side=100.0)
        assert values.min() >= 0
        assert (values[230:, 230:] == 0).all()  # 15 µm and more beyond the edge at 200 pixels


def test_no_seam_between_chunks() -> None:
    for kind in KINDS:
        left, right = amounts(kind, 0, CHUNK), amounts(kind, CHUNK, CHUNK)
        across = np.abs(left[:, -1] - right[:, 0]).mean()
        inside = np.abs(np.diff(np.concatenate([left, right], 1), axis=1)).mean((0, 2))
        assert across < np.quantile(inside, 0.9) * 1.3 + 0.01, kind
