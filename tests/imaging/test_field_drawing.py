"""Maps, outlines, dashes and patches lie where they belong."""

import numpy as np
import pytest
import torch

from saccade.core.results import Sites
from saccade.imaging.drawing import COLOURS, WeightScale
from saccade.imaging.field_drawing import (
    MAP_SCALE,
    READ_COLOUR,
    TRUTH_COLOUR,
    field_picture,
    map_colours,
    patches_picture,
    shrunk,
    with_map,
)

GREY = np.full((120, 160, 3), 200, np.uint8)


def sites_of(*boxes: list[float]) -> Sites:
    count = len(boxes)
    return Sites(torch.tensor([boxes]), torch.full((1, count), 1 / count), torch.ones(1, count, dtype=torch.bool))


def coloured(picture: np.ndarray) -> np.ndarray:
    """Where a picture of a grey image is not grey."""
    return np.ptp(picture.astype(int), axis=2) > 3


@pytest.mark.parametrize(("row", "column"), [(0, 0), (3, 7), (14, 19), (9, 2)])
def test_one_hot_cell_colours_its_place_and_no_other(row: int, column: int) -> None:
    relative = np.full((15, 20), 0.5)
    relative[row, column] = 300.0
    found = coloured(field_picture(GREY, relative=relative, factor=8))
    expected = np.zeros((120, 160), bool)
    expected[8 * row : 8 * row + 8, 8 * column : 8 * column + 8] = True
    np.testing.assert_array_equal(found, expected)


def test_the_place_stays_in_a_smaller_picture_and_at_a_ragged_edge() -> None:
    image = np.full((118, 157, 3), 200, np.uint8)
    relative = np.full((15, 20), 0.5)
    relative[14, 19] = 300.0
    found = coloured(field_picture(image, relative=relative, factor=8))
    assert found[112:, 152:].all() and found.sum() == 6 * 5
    half = coloured(field_picture(GREY, relative=relative, factor=8, longest=80))
    assert half.shape == (60, 80)
    assert half[56:60, 76:80].all() and half.sum() == 16


def test_cells_below_a_pixel_are_not_lost() -> None:
    relative = np.full((60, 80), 0.5)
    relative[33, 47] = 900.0
    found = coloured(field_picture(GREY, relative=relative, factor=2, longest=40))
    (place,) = np.argwhere(found)
    assert place.tolist() == [33 // 2, 47 // 2]


def test_colours_are_those_of_one_fixed_scale() -> None:
    black = np.zeros((1, 3, 3), np.uint8)
    shown = with_map(black, np.array([[1.0, 32.0, 1e6]]), 1)
    assert shown[0, 0].tolist() == [0, 0, 0]
    np.testing.assert_allclose(shown[0, 1], 0.85 * MAP_SCALE.colours(np.array(32.0)), atol=0.51)
    np.testing.assert_allclose(shown[0, 2], 0.85 * COLOURS[-1], atol=0.51)
    assert isinstance(MAP_SCALE, WeightScale) and map_colours().shape == (1, 256, 3)


def test_where_nothing_is_preferred_the_image_shows() -> None:
    image = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    shown = field_picture(image, relative=np.ones((3, 4)), factor=8).astype(float)
    correlation = np.corrcoef(shown.mean(2).ravel(), image.mean(2).ravel())[0, 1]
    assert correlation > 0.9
    assert (field_picture(image) == image).all()


def test_outlines_and_dashes_surround_their_boxes_and_leave_the_inside_alone() -> None:
    picture = field_picture(GREY, sites=sites_of([40.0, 30, 60, 50]), boxes=torch.tensor([[100.0, 60, 130, 90]]))
    read, truth = ((picture == colour).all(2) for colour in (READ_COLOUR, TRUTH_COLOUR))
    assert (picture[33:47, 43:57] == 200).all() and (picture[63:87, 103:127] == 200).all()
    assert read[29, 42:58].all() and read[32:48, 60].all()
    rows, columns = np.nonzero(truth)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (59, 90, 99, 130)
    edge = truth[59, 99:131]
    assert edge.any() and not edge.all(), "dashed"


def test_the_heaviest_is_outlined_thicker_and_every_place_has_a_number() -> None:
    one = field_picture(GREY, sites=sites_of([40.0, 30, 60, 50]))
    two = field_picture(GREY, sites=sites_of([40.0, 30, 60, 50], [100.0, 60, 120, 80]))
    changed = (one != two).any(2)
    assert changed[50:100, 90:140].any() and not changed[25:55, 35:65].any()

    def white(top: int, left: int) -> int:
        return int((two[top : top + 24, left : left + 24] == 255).all(2).sum())

    assert white(28, 38) > white(58, 98)


def test_patches_are_shown_pixel_for_pixel_in_order() -> None:
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    picture = patches_picture(image, sites_of([16.0, 24, 48, 56], [100.0, 60, 132, 92], [-8.0, 0, 24, 32]), side=64)
    assert picture.shape == (10 + 64 + 26 + 10, 10 + 3 * 74, 3)
    for place, (x, y) in enumerate([(16, 24), (100, 60)]):
        left = 10 + 74 * place
        shown = picture[36:100, left : left + 64]
        np.testing.assert_array_equal(shown[::2, ::2], image[y : y + 32, x : x + 32])
        np.testing.assert_array_equal(shown[1::2, 1::2], image[y : y + 32, x : x + 32])
    np.testing.assert_array_equal(picture[36:100:2, 158:222:2][:, 8:], image[0:32, 0:24])


def test_hits_are_framed() -> None:
    plain, marked = (
        patches_picture(GREY, sites_of([16.0, 24, 48, 56], [100.0, 60, 132, 92]), hits, 64)
        for hits in (None, [False, True])
    )
    frame = (plain != marked).any(2)[34:]
    assert not frame[:, :76].any() and frame[:, 76:].any()


def test_many_patches_break_into_rows() -> None:
    boxes = [[float(x), 0.0, x + 20.0, 20.0] for x in range(0, 70, 10)]
    picture = patches_picture(GREY, sites_of(*boxes), side=20, columns=5)
    assert picture.shape[:2] == (10 + 2 * 56, 10 + 5 * 30)


def test_shrinking_keeps_small_pictures() -> None:
    assert shrunk(GREY, None) is GREY and shrunk(GREY, 500) is GREY
    assert shrunk(GREY, 80).shape == (60, 80, 3)
