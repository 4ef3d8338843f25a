"""A taste finds damage in the middle and at the ends."""

from pathlib import Path

import pytest

from saccade.imaging.slides.errors import UnreadableSlide
from saccade.imaging.slides.probing import probe
from saccade.imaging.slides.slide import open_slide
from tests.slide_files import damage_tile, picture, pyramid, write_png, write_pyramid


def test_sound_slides(tmp_path: Path) -> None:
    probe(open_slide(write_pyramid(tmp_path / "a.tif", pyramid())))
    probe(open_slide(write_png(tmp_path / "a.png", [picture(1, 3)])))


@pytest.mark.parametrize("tile", [0, 5, 14, 18, 23])  # corners and middle of 4 rows of 6
def test_damage_is_found(tmp_path: Path, tile: int) -> None:
    path = write_pyramid(tmp_path / "a.tif", pyramid())
    damage_tile(path, tile)
    with pytest.raises(UnreadableSlide, match="level 0"):
        probe(open_slide(path))


@pytest.mark.real_data
def test_real_slides(real_data: Path) -> None:
    for name in ("cmu-1-small-region.svs", "fluorescence-dapi.ndpi", "tcga-cr-7395-01a-01-ts1.svs", "boxes_0.dcm"):
        probe(open_slide(real_data / "slides" / name))
