"""Areas in mm² decide which pieces stay and which holes are filled."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saccade.imaging.tissue.pieces import disc, tidy, touching_edge
from saccade.imaging.tissue.settings import TissueSettings

MPP = 10.0  # a pixel is 1e-4 mm²


def settings(area: int = 0, relative: float = 0.0, hole: int = 0) -> TissueSettings:
    """Areas in pixels."""
    return TissueSettings(min_area_mm2=area * 1e-4, min_relative=relative, min_hole_mm2=hole * 1e-4)


def scene() -> np.ndarray:
    """A ring of 64 with a hole of 36, and pieces of 9 and 4."""
    mask = np.zeros((40, 40), bool)
    mask[5:15, 5:15], mask[7:13, 7:13] = True, False
    mask[20:23, 20:23], mask[30:32, 30:32] = True, True
    return mask


@pytest.mark.parametrize(
    ("kept", "pixels"),
    [
        (settings(), 64 + 9 + 4),
        (settings(area=5), 64 + 9),
        (settings(area=10), 64),
        (settings(area=65), 0),
        (settings(hole=36), 64 + 9 + 4),
        (settings(hole=37), 100 + 9 + 4),
        (settings(relative=0.1), 64 + 9),
        (settings(relative=0.1, hole=37), 100),
    ],
)
def test_areas(kept: TissueSettings, pixels: int) -> None:
    assert tidy(scene(), MPP, kept).sum() == pixels


def test_the_same_area_at_another_scale() -> None:
    """Twice the pixels per side, half the micrometres: the same pieces."""
    fine = scene().repeat(2, 0).repeat(2, 1)
    assert (
        tidy(fine, MPP / 2, settings(9, 0, 37)) == tidy(scene(), MPP, settings(9, 0, 37)).repeat(2, 0).repeat(2, 1)
    ).all()


def test_a_bay_at_the_edge_is_no_hole() -> None:
    mask = np.ones((20, 20), bool)
    mask[:3, :3] = mask[10:12, 10:12] = False
    tidied = tidy(mask, MPP, settings(hole=100))
    assert not tidied[:3, :3].any() and tidied[10:12, 10:12].all()


def test_nothing_and_all() -> None:
    for mask in (np.zeros((5, 6), bool), np.ones((5, 6), bool)):
        assert (tidy(mask, MPP, TissueSettings(min_area_mm2=0)) == mask).all()


@given(st.floats(0, 12))
def test_disc(radius: float) -> None:
    kernel = disc(radius)
    reach = int(radius)
    expected = [
        [int(x * x + y * y <= radius * radius) for x in range(-reach, reach + 1)] for y in range(-reach, reach + 1)
    ]
    assert kernel.tolist() == expected
    assert all((np.rot90(kernel, turns) == kernel).all() for turns in range(4))


def test_touching_edge() -> None:
    _, labels = cv2.connectedComponents(scene().astype(np.uint8))
    assert touching_edge(labels).tolist() == [0]
