"""Pens and corners are told from tissue of every stain."""

import numpy as np
import pytest

from saccade.imaging.tissue.background import densities, find_glass, stain_distance
from saccade.imaging.tissue.marks import find_corners, find_pen
from tests.imaging.tissue.scenes import (
    DAB,
    HAEMATOXYLIN,
    HE,
    PALE_HE,
    PENS,
    SILVER,
    TRICHROME,
    blobs,
    bright,
    stroke,
)

SCALE = 8.0
HEIGHT, WIDTH = 260, 400
BODY = blobs(HEIGHT, WIDTH, (150, 170, 80, 60), (280, 180, 40, 50))
RING = [(20, 40), (380, 30), (385, 240)]


def pen_of(picture: np.ndarray) -> np.ndarray:
    density = densities(picture, find_glass(picture))
    return find_pen(density, stain_distance(density) >= 10, SCALE)


@pytest.mark.parametrize("width", [28, 60])
@pytest.mark.parametrize("ink", PENS)
def test_pens_on_glass(ink: str, width: int) -> None:
    picture, drawn = bright(BODY, HE), np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    stroke(picture, RING, PENS[ink], width)
    stroke(drawn, RING, (255, 255, 255), width)
    pen = pen_of(picture)
    assert pen[drawn[..., 0] > 128].mean() > 0.99
    assert not pen[drawn[..., 0] == 0].any()


@pytest.mark.parametrize("ink", ["blue", "green"])
def test_pens_on_tissue(ink: str) -> None:
    picture = bright(BODY, HE)
    stroke(picture, [(120, 120), (180, 180)], PENS[ink], 30)
    pen = pen_of(picture)
    assert pen[150, 150] and pen.sum() * SCALE**2 / 1e6 < 0.5


@pytest.mark.parametrize("ink", ["red", "black"])
def test_blood_and_pigment_within_tissue_stay(ink: str) -> None:
    picture = bright(BODY, HE)
    stroke(picture, [(130, 140), (170, 160)], PENS[ink], 30)
    assert not pen_of(picture).any()


@pytest.mark.parametrize(
    "stain", [HE, 2 * HE, PALE_HE, DAB, 2 * DAB, HAEMATOXYLIN, TRICHROME, SILVER, np.array([0.75, 0.5, 0.2])]
)
def test_no_stain_is_ink(stain: np.ndarray) -> None:
    """The last is a blue dye: as blue as ink, but uneven and everywhere."""
    assert not pen_of(bright(BODY, stain)).any()


@pytest.mark.parametrize("ink", ["red", "black"])
def test_a_clot_or_splinter_by_itself_stays(ink: str) -> None:
    picture = bright(BODY, HE)
    stroke(picture, [(330, 40), (350, 60)], PENS[ink], 40)
    assert not pen_of(picture).any()


@pytest.mark.parametrize("ink", ["red", "black"])
def test_a_long_bleeding_or_a_large_clot_stays(ink: str) -> None:
    """The first is as long as a stroke but lies in tissue, the second lies on glass and is as long, but plump."""
    picture = bright(np.ones_like(BODY), HE)
    stroke(picture, [(40, 60), (360, 70)], PENS[ink], 30)
    assert not pen_of(picture).any()
    picture = bright(np.zeros_like(BODY), HE)
    stroke(picture, [(140, 130), (260, 130)], PENS[ink], 150)
    assert not pen_of(picture).any()


def test_a_streaky_pen() -> None:
    """As uneven as tissue, but only some of what stands out: ink all the same."""
    picture, drawn = bright(BODY, HE), np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    stroke(picture, RING[:2], PENS["blue"], 28, streaks=1.5)
    stroke(drawn, RING[:2], (255, 255, 255), 28)
    assert pen_of(picture)[drawn[..., 0] > 128].mean() > 0.95


def test_ink_at_a_surgical_margin_stays() -> None:
    picture = bright(BODY, HE)
    stroke(picture, [(70, 120), (75, 180), (100, 215)], PENS["green"], 10)
    assert not pen_of(picture).any()


def test_corners() -> None:
    picture = bright(BODY, HE)
    picture[:50, :60], picture[:, -4:], picture[150:155, 150:155] = 5, 12, 0
    found = find_corners(picture, SCALE)
    assert found[:50, :60].all() and found[:, -4:].all()
    assert not found[150:155, 150:155].any(), "black inside the tissue is no corner"
    assert found[:57, :67].sum() + 11 * HEIGHT > found.sum()


def test_no_corners() -> None:
    assert not find_corners(bright(BODY, 2 * HE), SCALE).any()
