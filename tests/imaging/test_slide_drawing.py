"""Tints lie where the patches are, the strongest on top, and tell more from less."""

import numpy as np
import pytest

from saccade.imaging.drawing import Picture
from saccade.imaging.slide_drawing import (
    CONTRA,
    PRO,
    SLIDE_SCALE,
    WEIGHT,
    evidence_colours,
    evidence_picture,
    faded,
    shown_patches,
    weight_colours,
    weight_picture,
    with_region,
)
from saccade.imaging.slide_ground import Ground
from saccade.imaging.tissue.outlines import Outline

GLASS = np.full((60, 80, 3), 230, np.uint8)
GROUND = Ground(GLASS, downsample=10.0, corner=(100.0, 200.0))


def boxes(*cells: tuple[int, int], side: float = 100.0) -> np.ndarray:
    """Patches of 10 × 10 pixels of the ground, by column and row."""
    corners = np.array(cells, float) * side + [100.0, 200.0]
    return np.concatenate([corners, corners + side], 1)


def coloured(picture: Picture) -> np.ndarray:
    """Where a picture of a grey slide is not grey."""
    return np.ptp(picture.astype(int), axis=2) > 3


def luminance(colours: np.ndarray) -> np.ndarray:
    return colours.astype(float) @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("draw", [weight_picture, evidence_picture])
def test_a_patch_tints_its_place_and_no_other(draw: object) -> None:
    found = coloured(draw(GROUND, boxes((0, 0), (3, 2), (7, 5)), np.array([0.9, 16.0, 0.2])))  # type: ignore[operator]
    expected = np.zeros((60, 80), bool)
    expected[20:30, 30:40] = True
    np.testing.assert_array_equal(found, expected)


def test_below_one_share_the_ground_stays_as_it_is() -> None:
    picture = weight_picture(GROUND, boxes((1, 1), (2, 1)), np.array([1.0, 0.0]))
    np.testing.assert_array_equal(picture[10:20, 10:30], faded(GLASS)[10:20, 10:30])
    assert (picture[9, 9:31] < 130).all() and (picture[9:21, 9] < 130).all(), "a line around both"


def test_the_strongest_shows_where_patches_overlap() -> None:
    over = np.array([[100.0, 200, 500, 400], [300.0, 200, 700, 400], [300.0, 200, 400, 300]])
    shown = shown_patches(GROUND, over, np.array([1.0, 3.0, 2.0]))
    assert (shown[:20, :20] == 0).all() and (shown[:20, 20:60] == 1).all() and (shown[20:] == -1).all()
    loud = evidence_picture(GROUND, over, np.array([-1.5, 3.0, -9.0]))
    assert loud[5, 25, 2] > loud[5, 25, 0] and loud[5, 45, 0] > loud[5, 45, 2]


def test_patches_below_a_pixel_are_not_lost() -> None:
    tiny = Ground(GLASS, downsample=1000.0)
    many = np.array([[x * 224.0, 0, x * 224.0 + 224, 224] for x in range(40)])
    shares = np.full(40, 0.5)
    shares[17] = 16.0
    found = coloured(weight_picture(tiny, many, shares))
    assert [place.tolist() for place in np.argwhere(found)] == [[0, 3]], "from 3.81 to 4.03"
    assert shown_patches(tiny, many, shares)[0, 3] == 17


def test_patches_beyond_the_ground_do_no_harm() -> None:
    far = np.array([[-900.0, -900, -800, -800], [1e7, 1e7, 1e7 + 100, 1e7 + 100], [850.0, 750, 1000, 900]])
    assert coloured(weight_picture(GROUND, far, np.full(3, 16.0)))[58, 78]
    assert not coloured(weight_picture(GROUND, np.empty((0, 4)), np.empty(0))).any()


def test_fluorescence_keeps_its_brightness_and_is_outlined_in_light() -> None:
    black = np.zeros((60, 80, 3), np.uint8)
    black[30:34, 40:44, 2] = 180  # blue light, of which luminance would leave next to nothing
    dark = Ground(black, 10.0, (100.0, 200.0))
    picture = weight_picture(dark, boxes((1, 1), (5, 2)), np.array([0.5, 0.5]))
    assert (picture[31, 41] == 180).all() and not picture[50:].any()
    assert (picture[9, 9:21] > 100).all() and not picture[10:20, 10:20].any()
    assert weight_picture(GROUND, boxes((1, 1)), np.array([0.5]))[9, 9:21].max() < 130


@pytest.mark.parametrize("stops", [WEIGHT, PRO, CONTRA])
def test_more_is_lighter(stops: np.ndarray) -> None:
    assert (np.diff(luminance(stops)) > 10).all()


def test_for_and_against_differ_in_blue_and_yellow() -> None:
    """The axis that red- and green-blind eyes see as others do."""
    shares = np.geomspace(SLIDE_SCALE.low, SLIDE_SCALE.high, 20)
    pro, contra = evidence_colours(shares).astype(int), evidence_colours(-shares).astype(int)
    assert ((contra[:, 2] - contra[:, 0]) > 100).all() and ((pro[:, 0] - pro[:, 2]) > 100).all()


def test_colours_are_between_their_stops_and_end_with_the_scale() -> None:
    assert weight_colours(np.array([0.0, 1.0, 4.0, 16.0, 900.0])).tolist() == WEIGHT[[0, 0, 2, 4, 4]].tolist()
    assert evidence_colours(np.array([4.0, -4.0])).tolist() == [PRO[1].tolist(), CONTRA[1].tolist()]


def test_a_region_is_outlined_where_it_lies() -> None:
    ring = np.array([[200.0, 300], [600, 300], [600, 600], [200, 600]])
    drawn = with_region(np.zeros((60, 80, 3), np.uint8), GROUND, [Outline(ring)])
    assert (drawn[10, 10:51] > 200).all() and (drawn[10:41, 50] > 200).all()
    assert not drawn[20:30, 20:40].any() and not drawn[50:].any()
    np.testing.assert_array_equal(with_region(GLASS, GROUND, []), GLASS)
