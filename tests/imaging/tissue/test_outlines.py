"""Masks to outlines and back is exact, and the outlines are what geometry libraries call valid."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path

from saccade.imaging.tissue.outlines import Outline, fill_outlines, signed_area, trace_outlines

masks = st.builds(
    lambda height, width, share, seed: np.random.default_rng(seed).random((height, width)) < share,
    st.integers(1, 12),
    st.integers(1, 12),
    st.floats(0, 1),
    st.integers(0, 2**32 - 1),
)


@given(masks)
def test_back_and_forth(mask: np.ndarray) -> None:
    outlines = trace_outlines(mask)
    assert (fill_outlines(outlines, *mask.shape) == mask).all()
    assert sum(outline.area for outline in outlines) == mask.sum()
    pieces, _ = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    assert len(outlines) == pieces - 1


@given(masks)
def test_rings_are_valid(mask: np.ndarray) -> None:
    for outline in trace_outlines(mask):
        assert signed_area(outline.outer) > 0
        assert all(signed_area(hole) < 0 for hole in outline.holes)
        for ring in (outline.outer, *outline.holes):
            points = [tuple(point) for point in ring.tolist()]
            assert len(set(points)) == len(points), "no corner twice"
            steps = [np.subtract(b, a) for a, b in pairwise([*points, points[0]])]
            assert all((step == 0).sum() == 1 for step in steps), "along the pixels"
            assert all((a == 0).tolist() != (b == 0).tolist() for a, b in pairwise(steps)), "only where it turns"


def test_a_loop_closed_by_a_corner() -> None:
    """Tissue all round a gap that opens only through a corner: outside and gap touch, no ring touches itself."""
    mask = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]], bool)
    (outline,) = trace_outlines(mask)
    assert len(outline.holes) == 1
    assert outline.area == 7


def plain_fill(outline: Outline, height: int, width: int) -> np.ndarray:
    """Crossings to the left of every centre, counted one side at a time; what is in a hole is out."""
    outer, *holes = (_parity(ring, height, width) for ring in (outline.outer, *outline.holes))
    return outer & ~np.any([np.zeros_like(outer), *holes], axis=0)


@given(st.integers(3, 12), st.booleans(), st.integers(0, 2**32 - 1))
def test_filling_any_polygon(corners: int, hole: bool, seed: int) -> None:
    """Also such as cross themselves or reach beyond the mask."""
    generator = np.random.default_rng(seed)
    outer, inner = generator.uniform(-5, 25, (corners, 2)), generator.uniform(5, 15, (3, 2))
    outline = Outline(outer, (inner,) if hole else ())
    assert (fill_outlines([outline], 16, 20) == plain_fill(outline, 16, 20)).all()


def test_filling_as_matplotlib_does() -> None:
    circle = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    ring = np.stack([20 + 15.3 * np.cos(circle), 17 + 9.7 * np.sin(circle)], axis=1)
    y, x = np.mgrid[:33, :41] + 0.5
    inside = Path(np.concatenate([ring, ring[:1]])).contains_points(np.stack([x.ravel(), y.ravel()], axis=1))
    assert (fill_outlines([Outline(ring)], 33, 41) == inside.reshape(33, 41)).all()


def _parity(ring: np.ndarray, height: int, width: int) -> np.ndarray:
    inside = np.zeros((height, width), bool)
    for row in range(height):
        for column in range(width):
            x, y = column + 0.5, row + 0.5
            for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
                if (y0 <= y) != (y1 <= y) and x0 + (y - y0) / (y1 - y0) * (x1 - x0) <= x:
                    inside[row, column] ^= True
    return inside


def test_overlapping_outlines_are_joined() -> None:
    square = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 3.0], [0.0, 3.0]])
    assert fill_outlines([Outline(square), Outline(square + 1)], 5, 5).sum() == 9 + 9 - 4


def test_outside_and_empty() -> None:
    far = Outline(np.array([[90.0, 0.0], [95.0, 0.0], [95.0, 9.0]]))
    assert not fill_outlines([far], 5, 5).any()
    assert trace_outlines(np.zeros((4, 4), bool)) == []
    assert trace_outlines(np.zeros((0, 4), bool)) == []


@pytest.mark.parametrize("turns", range(4))
def test_turning_the_mask_turns_the_outlines(turns: int) -> None:
    mask = np.random.default_rng(0).random((9, 14)) < 0.6
    turned = np.rot90(mask, turns)
    areas = [sorted(outline.area for outline in trace_outlines(each)) for each in (mask, turned)]
    assert areas[0] == areas[1]


def test_shifted_and_scaled() -> None:
    (outline,) = trace_outlines(np.ones((2, 3), bool))
    assert outline.scaled(4.0).area == 6 * 16
    assert outline.moved(10, -5).outer.min(axis=0).tolist() == [10, -5]
