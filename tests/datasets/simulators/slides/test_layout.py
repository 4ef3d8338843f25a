"""Drawn slides: as much tissue as asked for, nests inside their hosts, nothing overlapping."""

import cv2
import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.datasets.simulators.slides import draw_slide
from saccade.datasets.simulators.slides.description import KINDS


def area(ring: np.ndarray) -> float:
    return float(cv2.contourArea(ring.astype(np.float32)))


@pytest.mark.parametrize("seed", range(4))
def test_nothing_overlaps(seed: int) -> None:
    slide = draw_slide(seed, 6000, 4000, pieces=2)
    counts = np.zeros((400, 600), np.uint8)
    for region in slide.regions:
        own = np.zeros_like(counts)
        cv2.fillPoly(
            own, [np.rint(ring / 10 * 16).astype(np.int32) for ring in (region.outline, *region.holes)], 1, shift=4
        )
        rim = np.zeros_like(counts)
        for ring in (region.outline, *region.holes):
            cv2.polylines(rim, [np.rint(ring / 10 * 16).astype(np.int32)], True, 1, 3, cv2.LINE_8, 4)
        counts += own * (rim == 0)
    assert counts.max() == 1
    corners = np.concatenate([region.outline for region in slide.regions])
    assert corners.min() > 0 and (corners < (6000, 4000)).all()


def test_as_much_tissue_as_asked_for() -> None:
    for wanted in (0.1, 0.4, 0.6):
        shares = []
        for seed in range(6):
            slide = draw_slide(seed, 5000, 5000, tissue=wanted, pieces=1)
            shares.append(max(area(region.outline) for region in slide.regions) / 25e6)
        assert np.mean(shares) == pytest.approx(wanted, rel=0.3)


def test_kinds_of_all_sorts_come_up() -> None:
    seen = {region.kind for seed in range(3) for region in draw_slide(seed, 8000, 8000).regions}
    assert seen == set(KINDS)


@pytest.mark.parametrize("seed", range(12))
def test_what_is_certain_is_there_within_its_host(seed: int) -> None:
    slide = draw_slide(seed, 1000, 1000, tissue=0.4, pieces=1, certain=("tumour",))
    outlines = [region.outline for region in slide.regions if region.kind == "tumour"]
    assert outlines
    stroma = slide.regions[0]
    for outline in outlines:
        assert any(hole is outline for hole in stroma.holes)
        ring = stroma.outline.astype(np.float32)
        assert all(cv2.pointPolygonTest(ring, point, False) > 0 for point in outline.tolist())
        assert area(outline) > np.pi * 40**2


def test_what_is_certain_changes_nothing_where_there_is_room() -> None:
    plain, certain = (draw_slide(3, 8000, 8000, certain=kinds) for kinds in ((), ("tumour", "fat")))
    assert [region.kind for region in plain.regions] == [region.kind for region in certain.regions]
    for one, other in zip(plain.regions, certain.regions, strict=True):
        np.testing.assert_array_equal(one.outline, other.outline)


def test_what_has_no_room_at_all_is_refused() -> None:
    with pytest.raises(BadInput, match="has no room for tumour"):
        draw_slide(0, 150, 150, certain=("tumour",))


def test_seed_and_pen() -> None:
    one, again, other = (draw_slide(seed, 3000, 3000) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.regions[-1].outline, again.regions[-1].outline)
    assert (
        one.regions[0].outline.shape != other.regions[0].outline.shape
        or (one.regions[0].outline != other.regions[0].outline).any()
    )
    assert not one.strokes and draw_slide(1, 3000, 3000, pen=True).strokes


@pytest.mark.parametrize("wrong", [{"tissue": 0.9}, {"tissue": 0.0}, {"pieces": 0}, {"width": -5.0}])
def test_out_of_range(wrong: dict) -> None:
    with pytest.raises(BadInput, match="make no slide"):
        draw_slide(0, **wrong)
