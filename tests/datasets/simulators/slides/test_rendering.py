"""Rendering: pixels depend on place and seed alone, and regions look like what the truth says they are."""

from pathlib import Path

import numpy as np
import openslide
import pytest

from saccade.core.errors import BadInput
from saccade.datasets.pyramids import PyramidSettings, write_pyramid
from saccade.datasets.simulators.slides import PenStroke, Region, SlideDescription, SlideRenderer, draw_slide
from saccade.datasets.simulators.slides.description import KINDS


def squares(side: float = 260.0, seed: int = 0) -> SlideDescription:
    """Each kind in a square of its own, in a row, on glass."""
    corner = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * side
    regions = tuple(
        Region(kind, corner + np.array([60 + number * (side + 60), 60])) for number, kind in enumerate(KINDS)
    )
    return SlideDescription(60 + len(KINDS) * (side + 60), side + 120, regions, seed=seed)


@pytest.fixture(scope="module")
def slide() -> SlideRenderer:
    return SlideRenderer(draw_slide(3, 1500, 1100, pen=True), mpp=0.5)


def test_boxes_do_not_depend_on_what_was_read_before(slide: SlideRenderer) -> None:
    whole = slide.crop(0, 0, slide.width, slide.height)
    rng = np.random.default_rng(0)
    fresh = SlideRenderer(slide.description, slide.mpp)
    for _ in range(12):
        x, y = int(rng.integers(slide.width - 1)), int(rng.integers(slide.height - 1))
        width, height = int(rng.integers(1, slide.width - x + 1)), int(rng.integers(1, slide.height - y + 1))
        np.testing.assert_array_equal(fresh.crop(x, y, width, height), whole[y : y + height, x : x + width])


def test_the_file_does_not_depend_on_the_tiles(tmp_path: Path, slide: SlideRenderer) -> None:
    whole = slide.crop(0, 0, slide.width, slide.height)
    for tile in (64, 192, 512):
        settings = PyramidSettings(tile=tile, compression="deflate", levels=1)
        path = write_pyramid(tmp_path / "a.tif", SlideRenderer(slide.description, slide.mpp), 0.5, settings)
        with openslide.OpenSlide(path) as file:
            np.testing.assert_array_equal(np.asarray(file.read_region((0, 0), 0, file.dimensions))[..., :3], whole)


def test_plain_boxes_of_one_name_are_equal(slide: SlideRenderer) -> None:
    seen: dict[object, np.ndarray] = {}
    for y in range(0, slide.height - 128, 128):
        for x in range(0, slide.width - 128, 128):
            name, pixels = slide.plain(x, y, 128, 128), slide.crop(x, y, 128, 128)
            if name is not None:
                np.testing.assert_array_equal(seen.setdefault(name, pixels), pixels)
            elif pixels.min() < 150:
                continue
    assert seen


def test_seed() -> None:
    one, again, other = (SlideRenderer(squares(seed=seed), 1.0).crop(70, 70, 200, 200) for seed in (1, 1, 2))
    assert (one == again).all() and (one != other).mean() > 0.5


def mean_colours(mpp: float) -> dict[str, np.ndarray]:
    slide = SlideRenderer(squares(), mpp)
    side = round(220 / mpp)
    places = ((kind, round((80 + number * 320) / mpp), round(80 / mpp)) for number, kind in enumerate(KINDS))
    return {kind: slide.crop(x, y, side, side).reshape(-1, 3).mean(0) for kind, x, y in places}


def test_kinds_look_as_they_should() -> None:
    colours = mean_colours(0.5)
    red, green, blue = (np.array([colours[kind][channel] for kind in KINDS]) for channel in range(3))
    of = dict(zip(KINDS, range(len(KINDS)), strict=True))
    assert (green < red).all() and (green < blue).all()  # pink to purple, never green
    assert green.argmax() == of["fat"] and green[of["fat"]] > 215  # fat is washed out of the section
    for blueish in ("tumour", "lymphocytes"):  # full of nuclei
        assert (blue - red)[of[blueish]] > max((blue - red)[of[kind]] for kind in ("stroma", "necrosis"))
    assert red[of["stroma"]] > 200 and red[of["necrosis"]] > 200


def test_resolution_changes_no_colour() -> None:
    fine, coarse = mean_colours(0.25), mean_colours(1.0)
    for kind in KINDS:
        np.testing.assert_allclose(fine[kind], coarse[kind], atol=9, err_msg=kind)


def test_glass_and_pen() -> None:
    line = np.array([[200.0, 200.0], [200.0, 600.0]])
    slide = SlideRenderer(SlideDescription(900, 800, (), (PenStroke(line, 80.0, (2.2, 0.9, 0.25)),), 4), 1.0)
    pixels = slide.crop(0, 0, 900, 800).astype(int)
    assert pixels[300:500, 190:210, 0].max() < 60  # blue
    away = pixels[:, 400:]
    assert away.min() > 225 and 0 < away.std() < 3  # bright, with grain


@pytest.mark.parametrize("mpp", [0.0, 0.05, 8.0])
def test_resolution_out_of_range(mpp: float) -> None:
    with pytest.raises(BadInput, match="per pixel"):
        SlideRenderer(squares(), mpp)
