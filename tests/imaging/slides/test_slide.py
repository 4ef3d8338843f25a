"""What everyone holds in hand: facts, resolution, thumbnails; regions are in the contract of the readers."""

from pathlib import Path

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.imaging.slides.errors import MissingMpp, UnreadableSlide
from saccade.imaging.slides.mpp import StatedMpp
from saccade.imaging.slides.openslide_reader import OpenSlideReader
from saccade.imaging.slides.slide import Slide, open_slide
from tests.slide_files import area_means, damage_tile, picture, pyramid, write_png, write_pyramid


@pytest.fixture
def slide(tmp_path: Path) -> Slide:
    return open_slide(write_pyramid(tmp_path / "a.tif", pyramid()))


def test_facts(slide: Slide) -> None:
    assert (slide.width, slide.height, slide.vendor, slide.backend) == (768, 512, "aperio", "openslide")
    assert slide.mpp.value == pytest.approx(0.25) and slide.bounds is None and slide.associated == ()


def test_mpp_by_hand(slide: Slide) -> None:
    other = slide.with_mpp(0.5, "manifest")
    assert other.mpp == StatedMpp(0.5, "manifest") and slide.mpp.value == pytest.approx(0.25)
    with pytest.raises(BadInput, match="50 micrometres per pixel is not plausible"):
        slide.with_mpp(50, "--source-mpp")


def test_no_mpp(tmp_path: Path) -> None:
    slide = open_slide(write_png(tmp_path / "a.png", pyramid()))
    assert slide.stated_mpp is None and not slide.has_pyramid
    for ask in (lambda: slide.mpp, lambda: slide.thumbnail(mpp=8)):
        with pytest.raises(MissingMpp, match=r"a\.png: .*manifest's mpp column or by --source-mpp"):
            ask()
    assert slide.with_mpp(0.5, "--source-mpp").thumbnail(mpp=1.0)[1] == 2.0


@pytest.mark.parametrize("asked", [{}, {"mpp": 1.0, "side": 100}, {"side": 0}, {"mpp": -1.0}])
def test_thumbnails_that_cannot_be_meant(slide: Slide, asked: dict) -> None:
    with pytest.raises(BadInput, match="either an mpp or a side"):
        slide.thumbnail(**asked)


@pytest.mark.parametrize("asked", [{"side": 5000}, {"mpp": 0.01}])
def test_a_thumbnail_is_never_finer_than_the_slide(slide: Slide, asked: dict) -> None:
    found, downsample = slide.thumbnail(**asked)
    assert downsample == 1.0 and np.array_equal(found, picture())


@pytest.mark.parametrize("side", [768, 767, 500, 333, 192, 97, 1])
def test_the_longer_side(slide: Slide, side: int) -> None:
    found, downsample = slide.thumbnail(side=side)
    assert max(found.shape[:2]) == side and downsample == pytest.approx(768 / side)


def test_a_thumbnail_by_resolution(slide: Slide) -> None:
    found, downsample = slide.thumbnail(mpp=4.0)
    assert downsample == pytest.approx(16) and found.shape == (32, 48, 3)
    assert np.abs(found - area_means(pyramid()[2], 4)).max() <= 0.51


def test_without_a_pyramid_the_file_goes_by_in_bands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from saccade.imaging.slides import thumbnails
    from saccade.imaging.slides.openslide_reader import OpenSlideReader

    slide = open_slide(write_pyramid(tmp_path / "a.tif", pyramid(1)))
    asked: list[int] = []
    read = OpenSlideReader.read_region

    def noted(self: OpenSlideReader, x: int, y: int, level: int, width: int, height: int) -> np.ndarray:
        asked.append(width * height)
        return read(self, x, y, level, width, height)

    monkeypatch.setattr(OpenSlideReader, "read_region", noted)
    monkeypatch.setattr(thumbnails, "_BAND_ROWS", 64)
    monkeypatch.setattr(thumbnails, "_BAND_PIXELS", 64 * 256)
    found, _ = slide.thumbnail(side=96)
    assert not slide.has_pyramid and max(asked) <= 64 * 256 and sum(asked) == 768 * 512
    assert np.abs(found - area_means(picture(), 8)).max() <= 0.51


def test_a_damaged_file_has_no_thumbnail(tmp_path: Path) -> None:
    path = write_pyramid(tmp_path / "a.tif", pyramid(1))
    damage_tile(path, 3)
    with pytest.raises(UnreadableSlide, match="cannot be read at x 0, y 0, level 0"):
        open_slide(path).thumbnail(side=100)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "size", "mpp", "levels"),
    [
        ("cmu-1-small-region.svs", (2220, 2967), 0.499, 1),
        ("fluorescence-dapi.ndpi", (3968, 4864), 0.228175, 7),
        ("tcga-cr-7395-01a-01-ts1.svs", (4443, 3567), None, 2),
        ("boxes.tiff", (300, 250), None, 4),
        ("boxes_0.dcm", (16, 16), 0.499, 1),
        ("boxes.png", (300, 250), None, 1),
    ],
)
def test_real_slides(real_data: Path, name: str, size: tuple[int, int], mpp: float | None, levels: int) -> None:
    slide = open_slide(real_data / "slides" / name)
    assert (slide.width, slide.height) == size and len(slide.levels) == levels
    assert (slide.stated_mpp and slide.stated_mpp.value) == (None if mpp is None else pytest.approx(mpp, abs=1e-6))
    thumbnail, downsample = slide.thumbnail(side=200)
    assert max(thumbnail.shape) == min(200, max(size)) and downsample == max(1, max(size) / 200)
    assert thumbnail.std() > 1


@pytest.mark.real_data
def test_one_real_picture_through_two_readers(real_data: Path) -> None:
    tiff, png = (open_slide(real_data / "slides" / name) for name in ("boxes.tiff", "boxes.png"))
    assert (tiff.backend, png.backend) == ("tifffile", "image")
    readers = (tiff, png, OpenSlideReader(tiff.path))
    one, *others = (reader.read_region(37, 51, 0, 200, 150) for reader in readers)
    assert all(np.array_equal(one, other) for other in others) and one.std() > 1


@pytest.mark.real_data
def test_a_real_slide_that_fails_where_it_is_read(real_data: Path) -> None:
    slide = open_slide(real_data / "slides" / "unreadable.svs")
    for _ in range(2):
        with pytest.raises(UnreadableSlide, match=r"x 0, y 0, level 0, 16 x 16 pixels \(Bogus marker length\)"):
            slide.read_region(0, 0, 0, 16, 16)
