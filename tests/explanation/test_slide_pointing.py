"""Shares inside annotated regions, against areas known by hand."""

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.explanation.slide_pointing import shares_inside, slide_pointing
from saccade.explanation.slide_sites import SlideSites
from saccade.imaging.tissue.outlines import Outline

BOXES = np.array([[x, y, x + 64, y + 64] for y in (1000, 1064) for x in (5000, 5064, 5128)], float)


def box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], float)


def test_shares_of_boxes_with_a_hole_and_an_overlap() -> None:
    region = [
        Outline(box(5000, 1000, 5096, 1064), (box(5016, 1016, 5048, 1048),)),
        Outline(box(5064, 1000, 5080, 1128)),  # half of it lies on the other
        Outline(box(0, 0, 10, 10)),
    ]
    expected = [1 - 32 * 32 / 64**2, 0.5, 0, 0, 16 / 64, 0]
    np.testing.assert_allclose(shares_inside(BOXES, region), expected, atol=1e-6)


def test_a_slanted_edge_is_near_enough() -> None:
    triangle = Outline(np.array([[5000.0, 1000], [5064, 1000], [5000, 1064]]))
    assert shares_inside(BOXES, [triangle])[0] == pytest.approx(0.5, abs=1 / 16)


def test_a_region_around_all_and_none() -> None:
    assert shares_inside(BOXES, [Outline(box(0, 0, 9000, 9000))]).tolist() == [1.0] * 6
    assert shares_inside(BOXES, []).tolist() == [0.0] * 6
    assert shares_inside(np.empty((0, 4)), []).shape == (0,)


def test_patches_far_apart_take_no_canvas() -> None:
    far = np.array([[0.0, 0, 512, 512], [400_000, 300_000, 400_512, 300_512]])
    found = shares_inside(far, [Outline(box(300_000, 200_000, 500_000, 500_000))])
    assert found[0] == 0 and found[1] > 0.9


def sites(weights: list[float], evidence: list[float]) -> SlideSites:
    return SlideSites(BOXES[: len(weights)], np.array(weights), np.array(evidence))


def test_shares_of_weight_and_evidence() -> None:
    measured = slide_pointing(sites([0.5, 0.3, 0.2], [1.0, 3.0, -9.0]), np.array([0.0, 1.0, 0.5]))
    assert measured.weight == pytest.approx(0.4)
    assert (measured.heaviest, measured.evidence, measured.area) == (0.0, 0.75, 0.5)


def test_several_heaviest_count_in_part_and_an_even_spread_is_chance() -> None:
    measured = slide_pointing(sites([0.25] * 4, [0.0] * 4), np.array([1.0, 0.0, 0.0, 0.4]))
    assert measured.heaviest == 0.25 and measured.weight == pytest.approx(measured.area)
    assert np.isnan(measured.evidence)


def test_nothing_and_too_little() -> None:
    assert np.isnan(slide_pointing(sites([], []), np.empty(0)).weight)
    with pytest.raises(BadInput, match="2 shares were given for 1 patches"):
        slide_pointing(sites([1.0], [0.0]), np.zeros(2))
