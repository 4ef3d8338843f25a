"""The preview shows what was found: inside unchanged, outside paler, outline, marks and patches in their colours."""

import numpy as np
import pytest

from saccade.imaging.tissue.preview import DROPPED_COLOUR, TISSUE_COLOUR, preview
from saccade.imaging.tissue.tissue import Tissue

HEIGHT, WIDTH = 120, 200
THUMBNAIL = np.full((HEIGHT, WIDTH, 3), (200, 120, 180), np.uint8)
MASK = np.zeros((HEIGHT, WIDTH), bool)
MASK[20:100, 40:160] = True


def has(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return (picture == colour).all(axis=2)


def test_outline_and_ground() -> None:
    before = THUMBNAIL.copy()
    picture = preview(THUMBNAIL, Tissue(MASK, 32.0, 0.25), longest=WIDTH)
    assert (before == THUMBNAIL).all(), "the thumbnail itself is not drawn on"
    assert picture.shape == THUMBNAIL.shape and picture.dtype == np.uint8
    assert has(picture, TISSUE_COLOUR)[20, 40:160].all() and has(picture, TISSUE_COLOUR)[99, 40:160].all()
    assert has(picture, (200, 120, 180))[30:90, 50:150].all()
    assert (picture[:15] > THUMBNAIL[:15]).all()


def test_patches_lie_where_they_are() -> None:
    picture = preview(THUMBNAIL, Tissue(MASK, 32.0, 0.25), np.array([[60 * 32, 40 * 32, 80 * 32, 60 * 32]]), WIDTH)
    lines = has(picture, (100, 60, 90))
    rows, columns = np.nonzero(lines)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (40, 60, 60, 80)
    assert not lines[41:60, 61:80].any()


@pytest.mark.parametrize(("longest", "width"), [(50, 50), (100, 100), (399, 200), (4000, 1000)])
def test_size_and_a_mask_of_another_scale(longest: int, width: int) -> None:
    """Shrunk to any size; enlarged by whole numbers, until it is easy to see."""
    coarse = Tissue(MASK[::4, ::4], 128.0, 0.25)
    boxes = np.array([[0, 0, 32 * WIDTH, 32 * HEIGHT]])
    picture, without = (preview(THUMBNAIL, coarse, each, longest) for each in (boxes, None))
    assert picture.shape == (HEIGHT * width // WIDTH, width, 3)
    lines = (picture != without).any(axis=2)
    assert lines[0].all() and lines[:, 0].all() and not lines[2:-2, 2:-2].any()


def test_marks_are_tinted_and_darkness_stays_dark() -> None:
    dropped = np.zeros_like(MASK)
    dropped[:10] = True
    picture = preview(THUMBNAIL, Tissue(MASK, 32.0, 0.25, "stained", dropped), longest=WIDTH)
    assert np.abs(picture[5, 5] - np.array(DROPPED_COLOUR, int)).max() < 100 < np.abs(picture[15, 5].astype(int)).max()
    for found in ("fluorescent", "faint", "given"):
        dark = preview(np.zeros_like(THUMBNAIL), Tissue(MASK, 32.0, 0.25, found), longest=WIDTH)
        assert not dark[:10].any()


def test_nothing_found() -> None:
    picture = preview(THUMBNAIL, Tissue(np.zeros_like(MASK), 32.0, 0.25, "nothing"), np.empty((0, 4), np.int64))
    assert not has(picture, TISSUE_COLOUR).any()
