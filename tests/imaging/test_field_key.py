"""The key below a picture shows the map's own colours and leaves the picture alone."""

import numpy as np
import pytest

from saccade.imaging.drawing import WeightScale
from saccade.imaging.field_drawing import label_height, map_colours
from saccade.imaging.field_key import with_key


@pytest.mark.parametrize("extent", [(480, 640), (1040, 1388), (120, 160), (300, 40), (9, 7), (1, 1)])
def test_the_picture_stays_where_it_was(extent: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*extent, 3), dtype=np.uint8)
    shown = with_key(picture)
    assert shown.shape[1] == extent[1] and len(shown) - extent[0] >= 3 * label_height(picture)
    np.testing.assert_array_equal(shown[: extent[0]], picture)


@pytest.mark.parametrize("scale", [WeightScale(1.0, 1024.0), WeightScale(0.25, 16.0)])
def test_the_bar_has_the_colours_of_the_map(scale: WeightScale) -> None:
    picture = np.zeros((480, 640, 3), np.uint8)
    line = label_height(picture)
    row = with_key(picture, scale)[480 + line + line // 2, line // 2 : 640 - line // 2]
    np.testing.assert_array_equal(row, map_colours(scale, 640 - 2 * (line // 2))[0])


@pytest.mark.parametrize(("width", "marks"), [(640, 6), (160, 2)])
def test_marks_are_left_out_where_they_would_overlap(width: int, marks: int) -> None:
    picture = np.zeros((100, width, 3), np.uint8)
    line = label_height(picture)
    below = with_key(picture)[100 + 2 * line + 1, line // 2 : width - line // 2]
    assert int((below.max(axis=1) < 100).sum()) == marks
