"""What is particular to OpenSlide: transparent pixels, pictures beside the slide, its own words for failing."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Event

import numpy as np
import pytest
from openslide import OpenSlide, OpenSlideError, lowlevel
from PIL import Image

from saccade.imaging.slides import openslide_reader
from saccade.imaging.slides.errors import UnreadableSlide, UnsupportedSlide
from saccade.imaging.slides.openslide_reader import OpenSlideReader, over
from tests.slide_files import picture, pyramid, write_png, write_pyramid


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_pyramid(tmp_path / "a.tif", pyramid())


def plainly(
    path: Path, x: int, y: int, level: int, size: tuple[int, int], background: tuple[int, int, int]
) -> np.ndarray:
    """The plain path: OpenSlide's public function, its picture laid over the background by Pillow."""
    with OpenSlide(path) as slide:
        region = slide.read_region((x, y), level, size)
    canvas = Image.new("RGBA", region.size, background)
    return np.asarray(Image.alpha_composite(canvas, region).convert("RGB"))


@pytest.mark.parametrize(("x", "y", "level"), [(0, 0, 0), (700, 450, 0), (-30, -20, 0), (13, 27, 1), (751, 499, 2)])
@pytest.mark.parametrize("background", [(255, 255, 255), (10, 200, 90)])
def test_the_fast_path_is_the_plain_one(
    path: Path, x: int, y: int, level: int, background: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between pixels, and at edges, some are half transparent: rounding may differ by a step or two."""
    monkeypatch.setattr(openslide_reader, "WHOLE_PIXELS", 0)
    reader = OpenSlideReader(path)
    reader.facts = replace(reader.facts, background=background)
    found = reader.read_region(x, y, level, 90, 80)
    expected = plainly(path, x, y, level, (90, 80), background)
    assert np.abs(found.astype(int) - expected).max() <= 2


@pytest.mark.parametrize(("x", "y", "level"), [(0, 0, 0), (700, 450, 0), (-30, -20, 0), (14, 28, 1), (752, 500, 2)])
@pytest.mark.parametrize("background", [(255, 255, 255), (10, 200, 90)])
def test_a_small_level_is_cut_from_its_whole(
    path: Path, x: int, y: int, level: int, background: tuple[int, int, int]
) -> None:
    reader = OpenSlideReader(path)
    reader.facts = replace(reader.facts, background=background)
    found = reader.read_region(x, y, level, 90, 80)
    assert np.array_equal(found, plainly(path, x, y, level, (90, 80), background))
    found[:] = 0  # its own pixels, not the level's
    assert np.array_equal(reader.read_region(x, y, level, 90, 80), plainly(path, x, y, level, (90, 80), background))


def test_between_pixels_of_a_small_level_the_nearest_is_taken(path: Path) -> None:
    reader = OpenSlideReader(path)
    assert np.array_equal(reader.read_region(13, 27, 2, 50, 40), reader.read_region(12, 28, 2, 50, 40))


def test_a_small_level_is_unpacked_once_whoever_asks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    fill = openslide_reader._fill
    monkeypatch.setattr(openslide_reader, "_fill", lambda *arguments: asked.append(arguments[2:]) or fill(*arguments))
    reader = OpenSlideReader(path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda place: reader.read_region(place, 0, 1, 16, 16), range(0, 400, 10)))
    assert asked == [(0, 0, 1, 384, 256)]
    assert reader.held == 384 * 256 * 3
    monkeypatch.setattr(openslide_reader, "WHOLE_PIXELS", 384 * 256)
    reader.read_region(8, 16, 0, 20, 30)
    assert asked[1:] == [(8, 16, 0, 20, 30)]


def test_a_level_that_will_be_wanted_is_unpacked_by_several_threads(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every tile once, two at a time; what comes of it is the same."""
    expected = OpenSlideReader(path).read_region(0, 0, 0, 768, 512)
    both, places = Barrier(2, timeout=20), []
    fill = openslide_reader._fill

    def watched(handle: object, target: object, x: int, y: int, level: int, width: int, height: int) -> None:
        if (width, height) == (1, 1):
            both.wait()
            places.append((x // 128, y // 128))
        fill(handle, target, x, y, level, width, height)

    monkeypatch.setattr(openslide_reader, "_fill", watched)
    reader = OpenSlideReader(path)
    side = reader._tile_side(0, "width")
    reader.unpack(0, 2)
    assert len(places) == len(set(places)) == -(-768 // side) * -(-512 // side) > 1
    assert np.array_equal(reader.read_region(0, 0, 0, 768, 512), expected)
    reader.unpack(0, 2)  # there already
    OpenSlideReader(path).unpack(0, 1)
    monkeypatch.setattr(openslide_reader, "WHOLE_PIXELS", 0)
    OpenSlideReader(path).unpack(0, 2)
    assert len(places) == -(-768 // side) * -(-512 // side)


def test_a_damaged_spot_of_a_small_level_costs_no_more_than_itself(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a damaged slide behaves: OpenSlide reads what does not touch the spot, at 300 across and 200 down."""
    fill = openslide_reader._fill

    def damaged(handle: object, target: object, x: int, y: int, level: int, width: int, height: int) -> None:
        if x <= 300 < x + width and y <= 200 < y + height:
            raise OpenSlideError("cannot decode")
        fill(handle, target, x, y, level, width, height)

    monkeypatch.setattr(openslide_reader, "_fill", damaged)
    reader = OpenSlideReader(path)
    for _ in range(2):
        assert np.array_equal(reader.read_region(0, 0, 0, 50, 40), plainly(path, 0, 0, 0, (50, 40), (255, 255, 255)))
        with pytest.raises(UnreadableSlide, match="x 280, y 190, level 0, 40 x 40"):
            reader.read_region(280, 190, 0, 40, 40)


@pytest.mark.parametrize("opacity", [0, 1, 77, 128, 254, 255])
def test_over(opacity: int) -> None:
    """Against the formula: colour × opacity + background × (1 − opacity)."""
    colours = picture(20, 30)
    premultiplied = np.rint(colours * (opacity / 255)).astype(np.uint8)
    pixels = np.dstack([premultiplied[..., ::-1], np.full((20, 30), opacity, np.uint8)])
    background = np.array([240, 10, 128])
    expected = colours * (opacity / 255) + background * (1 - opacity / 255)
    assert np.abs(over(np.ascontiguousarray(pixels), (240, 10, 128)) - expected).max() <= 1.01


def test_one_clear_pixel_among_others() -> None:
    pixels = np.full((4, 5, 4), 255, np.uint8)
    pixels[2, 3] = 0
    found = over(pixels, (1, 2, 3))
    assert found[2, 3].tolist() == [1, 2, 3] and (np.delete(found.reshape(-1, 3), 13, axis=0) == 255).all()


def test_bands_are_blended_as_the_whole() -> None:
    """Against the same sum done at once, over more than one band and with bands that are opaque."""
    pixels = np.random.default_rng(0).integers(0, 256, (300, 1000, 4), dtype=np.uint8)
    pixels[:100, :, 3] = 255
    bare = (255 - pixels[..., 3:].astype(int)) * np.array([240, 10, 128])
    expected = np.minimum(pixels[..., 2::-1] + (bare + 127) // 255, 255)
    assert np.array_equal(over(pixels, (240, 10, 128)), expected)


def test_one_clear_pixel_costs_little_memory() -> None:
    pixels = np.full((2000, 2000, 4), 255, np.uint8)
    pixels[1500, 3] = 0
    tracemalloc.start()
    try:
        found = over(pixels, (1, 2, 3))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found[1500, 3].tolist() == [1, 2, 3]
    assert peak < found.nbytes + 4_000_000  # as NumPy counts it; at once it was 100 MB more


def test_closing_waits_for_a_level_that_is_being_unpacked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or it would be kept, and counted, in a reader that is closed."""
    begun, go_on = Event(), Event()
    fill = openslide_reader._fill

    def slowly(*arguments: object) -> None:
        begun.set()
        assert go_on.wait(20)
        fill(*arguments)

    monkeypatch.setattr(openslide_reader, "_fill", slowly)
    reader = OpenSlideReader(path)
    with ThreadPoolExecutor(2) as pool:
        reading = pool.submit(reader.read_region, 0, 0, 1, 20, 30)
        assert begun.wait(20)
        closing = pool.submit(reader.close)
        closed_early = wait([closing], timeout=0.2).done
        go_on.set()
        closing.result(20)
        assert reading.result(20).shape == (30, 20, 3)
    assert not closed_early
    assert reader._wholes == {} and reader.held == 0
    with pytest.raises(ValueError, match="closed"):
        reader.read_region(0, 0, 1, 5, 5)


@pytest.mark.parametrize(
    ("text", "colour"),
    [("ffffff", (255, 255, 255)), ("0a1B2c", (10, 27, 44)), ("", (255,) * 3), ("red", (255,) * 3), ("ff", (255,) * 3)],
)
def test_background_colours(text: str, colour: tuple[int, int, int]) -> None:
    assert openslide_reader._colour(text) == colour


def test_bounds() -> None:
    named = {f"openslide.bounds-{side}": str(number) for number, side in enumerate(("x", "y", "width", "height"), 5)}
    assert openslide_reader._bounds(named) == (5, 6, 7, 8)
    del named["openslide.bounds-y"]
    assert openslide_reader._bounds(named) is None


def test_what_it_says_of_itself(path: Path) -> None:
    facts = OpenSlideReader(path).facts
    assert (facts.backend, facts.vendor, facts.associated, facts.bounds) == ("openslide", "aperio", (), None)
    assert facts.stated_mpp is not None and facts.stated_mpp.value == pytest.approx(0.25)
    assert facts.stated_mpp.source == "openslide.mpp-x"


def test_all_handles_share_one_cache(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caches = []
    monkeypatch.setattr(lowlevel, "set_cache", lambda handle, cache: caches.append(cache))
    OpenSlideReader(path), OpenSlideReader(path)
    assert len(caches) == 2 and caches[0] is caches[1]


def test_what_it_does_not_know(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedSlide, match="no kind that OpenSlide knows"):
        OpenSlideReader(write_png(tmp_path / "a.png", pyramid(1)))


def test_a_header_that_promises_too_much(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:400_000])
    with pytest.raises((UnreadableSlide, UnsupportedSlide)):
        reader = OpenSlideReader(path)
        for level in range(3):
            reader.read_region(0, 0, level, 768 >> level, 512 >> level)


@pytest.mark.real_data
def test_real_pictures_beside_the_slide(real_data: Path) -> None:
    path = real_data / "slides" / "cmu-1-small-region.svs"
    reader = OpenSlideReader(path)
    assert set(reader.facts.associated) == {"label", "macro", "thumbnail"}
    with OpenSlide(path) as slide:
        for name in reader.facts.associated:
            expected = np.asarray(slide.associated_images[name].convert("RGB"))
            assert np.array_equal(reader.associated_image(name), expected)
            assert expected.std() > 1


@pytest.mark.real_data
def test_a_real_broken_picture(real_data: Path) -> None:
    reader = OpenSlideReader(real_data / "slides" / "unreadable.svs")
    with pytest.raises(UnreadableSlide, match="its picture 'thumbnail' cannot be read"):
        reader.associated_image("thumbnail")
