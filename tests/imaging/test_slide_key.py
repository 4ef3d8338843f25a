"""The key shows the map's own colours, tells a length truly, and leaves the picture alone."""

from collections.abc import Callable

import numpy as np
import pytest

from saccade.imaging.field_drawing import label_height
from saccade.imaging.slide_drawing import SLIDE_SCALE, weight_picture
from saccade.imaging.slide_ground import Ground
from saccade.imaging.slide_key import ColourBar, evidence_bar, scale_length, weight_bar, with_slide_key


def ground(height: int, width: int, mpp: float | None = 0.5, downsample: float = 16.0) -> Ground:
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Ground(picture, downsample, mpp=mpp)


@pytest.mark.parametrize("extent", [(480, 640), (2000, 1400), (300, 120), (40, 2000), (9, 7), (1, 1)])
@pytest.mark.parametrize("bar", [weight_bar, evidence_bar])
def test_the_picture_stays_where_it_was(extent: tuple[int, int], bar: Callable[[Ground], ColourBar]) -> None:
    over = ground(*extent)
    shown = with_slide_key(over.picture, bar(over), ["What it shows", "and more of it " * 9], over)
    assert shown.shape[1] == extent[1] and len(shown) > extent[0]
    np.testing.assert_array_equal(shown[: extent[0]], over.picture)


@pytest.mark.parametrize(
    ("mpp", "downsample", "micrometres"), [(0.5, 16.0, 1000), (0.25, 4.0, 100), (0.25, 50.0, 2000)]
)
def test_the_bar_is_as_long_as_it_says(mpp: float, downsample: float, micrometres: float) -> None:
    over = ground(480, 640, mpp, downsample)
    strip = with_slide_key(over.picture, weight_bar(over), ["a"], over)[480:, 420:]
    dark = (strip.max(2) < 60).sum(1)
    assert abs(dark.max() - micrometres / (mpp * downsample)) <= 2


@pytest.mark.parametrize("mpp", [0.01, 0.1, 0.5, 7.3, 100.0])
@pytest.mark.parametrize("longest", [3.0, 160.0, 500.0])
def test_lengths_are_round_and_fit(mpp: float, longest: float) -> None:
    length, name = scale_length(mpp, longest)
    assert longest / 2.5 - 1e-9 <= length <= longest * (1 + 1e-6)
    assert float(name.removesuffix(" mm")) == pytest.approx(length * mpp / 1000)
    assert float(f"{float(name.removesuffix(' mm')):e}".split("e")[0]) in (1.0, 2.0, 5.0)


def test_an_unknown_scale_is_said_and_not_drawn() -> None:
    over = ground(480, 640, mpp=None)
    strip = with_slide_key(over.picture, weight_bar(over), ["a"], over)[480:, 420:]
    assert 0 < (strip.max(2) < 60).sum(1).max() < 60, "letters, and no bar"


@pytest.mark.parametrize("glass_value", [236, 0])
def test_the_bar_has_the_colours_of_the_map(glass_value: int) -> None:
    """A patch at 4x over glass, light or dark, looks like the place of 4x on the bar."""
    glass = Ground(np.full((60, 60, 3), glass_value, np.uint8), 1.0)
    patch = weight_picture(glass, np.array([[0.0, 0, 60, 60]]), np.array([4.0]))[30, 30].astype(int)
    bar = weight_bar(glass, 513)
    place = round(np.log(4 / SLIDE_SCALE.low) / np.log(SLIDE_SCALE.high / SLIDE_SCALE.low) * 512)
    assert np.abs(bar.colours[0, place].astype(int) - patch).max() <= 2
    assert dict((share, text) for text, share in bar.marks)[0.5] == "4x"


@pytest.mark.parametrize(("width", "marks"), [(1000, 5), (150, 2)])
def test_marks_are_left_out_where_they_would_overlap(width: int, marks: int) -> None:
    over = ground(100, width, mpp=None)
    line = label_height(over.picture)
    shown = with_slide_key(over.picture, evidence_bar(over), ["a"], over)
    across = round(0.5 * (width - 3 * (line // 2)))
    below = shown[100 + round(1.8 * line) + round(0.9 * line) + 1, line // 2 : line // 2 + across]
    assert int((below.max(axis=1) < 100).sum()) == marks
