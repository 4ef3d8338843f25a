"""One suite over all readers of slides: whoever reads a picture, and wherever, must see the same."""

import multiprocessing
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from torch.utils.data import DataLoader

from saccade.core.errors import BadInput
from saccade.imaging.slides import handles, openslide_reader
from saccade.imaging.slides.errors import UnreadableSlide
from saccade.imaging.slides.opening import open_reader
from saccade.imaging.slides.openslide_reader import OpenSlideReader
from saccade.imaging.slides.slide import Slide, open_slide
from saccade.imaging.slides.tiff_reader import TiffReader
from tests.slide_files import (
    HEIGHT,
    KINDS,
    WIDTH,
    Regions,
    area_means,
    damage_tile,
    fetched,
    handles_before_and_after,
    pyramid,
    smooth,
    write_all,
    write_pyramid,
)

BOXES = [(96, 160, 64, 48), (300, 7, 130, 131), (0, 0, 20, 20), (701, 450, 67, 62), (511, 255, 3, 5)]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The picture in every kind of file; to be read only."""
    return write_all(tmp_path_factory.mktemp("slides"))


COMPOSED = "openslide, large levels"
"""As OpenSlide reads levels too large to unpack whole; the pictures here are small, and would be cut from the whole."""


def of_kind(name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The kind of file, with OpenSlide's way of large levels where that is wanted."""
    if name == COMPOSED:
        monkeypatch.setattr(openslide_reader, "WHOLE_PIXELS", 0)
    return "openslide" if name == COMPOSED else name


@pytest.fixture(params=[*KINDS, COMPOSED])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    return of_kind(request.param, monkeypatch)


@pytest.fixture(params=["openslide", COMPOSED])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of OpenSlide, for tests that open their files by themselves."""
    of_kind(request.param, monkeypatch)
    return request.param


@pytest.fixture
def slide(files: dict[str, Path], kind: str) -> Slide:
    return open_slide(files[kind])


def cut(image: np.ndarray, x: int, y: int, width: int, height: int) -> np.ndarray:
    """A region of an array, white outside."""
    far = 1000
    wide = np.pad(image, ((far, far), (far, far), (0, 0)), constant_values=255)
    return wide[y + far : y + far + height, x + far : x + far + width]


def test_each_kind_has_its_reader(slide: Slide, kind: str) -> None:
    assert slide.backend == KINDS[kind][0]


def test_levels(slide: Slide) -> None:
    count = 1 if slide.backend == "image" else 3
    found = [(level.height, level.width, level.downsample) for level in slide.levels]
    assert found == [(HEIGHT >> n, WIDTH >> n, 2.0**n) for n in range(count)]
    assert (slide.height, slide.width, slide.has_pyramid) == (HEIGHT, WIDTH, count > 1)


@pytest.mark.parametrize("x, y", [(96, 160), (4, 8), (700, 488)])
def test_regions_of_every_level(slide: Slide, x: int, y: int) -> None:
    images = pyramid()
    for number, level in enumerate(slide.levels):
        region = slide.read_region(x, y, number, 40, 20)
        step = int(level.downsample)
        assert region.shape == (20, 40, 3) and region.dtype == np.uint8
        assert np.array_equal(region, cut(images[number], x // step, y // step, 40, 20))


@pytest.mark.usefixtures("way")
def test_all_readers_agree(files: dict[str, Path]) -> None:
    """At a place that is not the corner, and not on the border of a tile."""
    first, *others = [open_slide(path).read_region(133, 251, 0, 200, 150) for path in files.values()]
    assert len(others) == len(KINDS) - 1
    assert all(np.array_equal(first, other) for other in others)
    assert np.array_equal(first, pyramid()[0][251:401, 133:333])


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("options", [{}, {"compression": "lzw"}, {"compression": None}, {"bigtiff": True}])
def test_one_file_through_two_readers(tmp_path: Path, options: dict) -> None:
    images = pyramid()
    path = write_pyramid(tmp_path / "a.tif", images, description=None, **options)
    one, other = OpenSlideReader(path), TiffReader(path)
    assert one.facts.levels == other.facts.levels and len(images) == 3
    assert other.facts.stated_mpp is not None and one.facts.stated_mpp is not None
    assert other.facts.stated_mpp.value == pytest.approx(one.facts.stated_mpp.value)
    for number, image in enumerate(images):
        step = 2**number
        box = (100 * step, 20 * step, number, 60, 90)
        expected = cut(image, 100, 20, 60, 90)
        assert np.array_equal(one.read_region(*box), expected) and np.array_equal(other.read_region(*box), expected)


@pytest.mark.parametrize("box", [(-10, -20, 30, 40), (WIDTH - 5, HEIGHT - 7, 30, 40), (-8, 100, WIDTH + 16, 9)])
def test_beyond_the_edges_it_is_white(slide: Slide, box: tuple[int, int, int, int]) -> None:
    expected = cut(pyramid()[0], *box)
    assert (expected == 255).all(axis=2).any() and not (expected == 255).all()
    assert np.array_equal(slide.read_region(box[0], box[1], 0, box[2], box[3]), expected)


@pytest.mark.parametrize("place", [(-100, 5), (5, -100), (WIDTH, 0), (0, HEIGHT), (10_000, 10_000)])
def test_outside_there_is_nothing_but_white(slide: Slide, place: tuple[int, int]) -> None:
    assert (slide.read_region(*place, 0, 30, 30) == 255).all()


def test_regions_are_the_callers_own(slide: Slide) -> None:
    region = slide.read_region(10, 10, 0, 50, 50)
    region[:] = 0
    assert np.array_equal(slide.read_region(10, 10, 0, 50, 50), pyramid()[0][10:60, 10:60])


@pytest.mark.parametrize("level, width, height", [(-1, 5, 5), (3, 5, 5), (0, 0, 5), (0, 5, -1)])
def test_what_cannot_be_meant(slide: Slide, level: int, width: int, height: int) -> None:
    with pytest.raises(BadInput, match=r"level|empty") as caught:
        slide.read_region(0, 0, level, width, height)
    assert caught.value.source == str(slide.path) and caught.value.remedy
    with pytest.raises(BadInput, match="no picture 'label'"):
        slide.associated_image("label")


def test_a_pickled_slide_is_small_and_sees_the_same(slide: Slide) -> None:
    before = fetched(slide, BOXES)
    text = pickle.dumps(slide)
    assert len(text) < 2000
    copy = pickle.loads(text)
    assert copy == slide and all(map(np.array_equal, fetched(copy, BOXES), before))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_other_processes(files: dict[str, Path], method: str) -> None:
    """All kinds in one go: the parent has the files open, and read from them, when the others start."""
    slides = [open_slide(path) for path in files.values()]
    expected = [fetched(slide, BOXES) for slide in slides]
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.map(handles_before_and_after, slides[:2]) == [(0, 1), (1, 2)], "each process opens its own"
    with multiprocessing.get_context(method).Pool(2) as pool:
        found = pool.starmap(fetched, [(slide, BOXES) for slide in slides])
    assert len(found) == len(KINDS)
    for one, other in zip(found, expected, strict=True):
        assert all(map(np.array_equal, one, other))
    assert all(map(np.array_equal, fetched(slides[0], BOXES), expected[0])), "the parent goes on reading"


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_data_loaders(files: dict[str, Path], workers: int) -> None:
    boxes = [(37 * i % 600, 53 * i % 400, 64, 64) for i in range(12)]
    for kind in ("openslide", "tifffile"):
        slide = open_slide(files[kind])
        slide.read_region(0, 0, 0, 10, 10)
        loader = DataLoader(Regions(slide, boxes), batch_size=3, num_workers=workers)  # type: ignore[arg-type]
        found = np.concatenate([batch.numpy() for batch in loader])
        assert np.array_equal(found, np.stack(fetched(slide, boxes)))
        assert np.array_equal(found[5], cut(pyramid()[0], *boxes[5]))


def test_threads(slide: Slide) -> None:
    image = pyramid()[0]
    places = np.random.default_rng(1).integers(0, 400, (120, 2)).tolist()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda place: slide.read_region(*place, 0, 90, 70), places))
    assert all(
        np.array_equal(region, image[y : y + 70, x : x + 90]) for (x, y), region in zip(places, found, strict=True)
    )


def test_closed(files: dict[str, Path], kind: str) -> None:
    """A slide opens again by itself; a reader does not."""
    slide = open_slide(files[kind])
    slide.close()
    assert slide.path not in handles.HANDLES.get()
    assert np.array_equal(slide.read_region(5, 6, 0, 7, 8), pyramid()[0][6:14, 5:12])
    assert slide.path in handles.HANDLES.get()
    reader = open_reader(files[kind])
    reader.close()
    with pytest.raises(ValueError, match="closed"):
        reader.read_region(0, 0, 0, 5, 5)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files by Linux's /proc")
def test_few_files_stay_open(tmp_path: Path, files: dict[str, Path], kind: str) -> None:
    data = files[kind].read_bytes()
    paths = [tmp_path / f"{number}{files[kind].name}" for number in range(3 * handles.MAX_HANDLES)]
    before = open_files()
    for path in paths:
        path.write_bytes(data)
        open_slide(path).read_region(9, 9, 0, 5, 5)
    assert len(handles.HANDLES.get()) == handles.MAX_HANDLES
    assert open_files() - before <= 2 * handles.MAX_HANDLES
    assert paths[-1] in handles.HANDLES.get() and paths[0] not in handles.HANDLES.get()


def test_a_replaced_file_is_seen_anew(tmp_path: Path, kind: str) -> None:
    _, name, write = KINDS[kind]
    images = pyramid()
    open_slide(write(tmp_path / name, images)).read_region(0, 0, 0, 5, 5)
    write(tmp_path / name, [255 - image for image in images])
    assert np.array_equal(open_slide(tmp_path / name).read_region(3, 4, 0, 5, 5), 255 - images[0][4:9, 3:8])


@pytest.mark.parametrize("kind", ["openslide", COMPOSED, "tifffile"], indirect=True)
def test_a_damaged_place_is_named_and_the_rest_is_read(tmp_path: Path, kind: str) -> None:
    """An OpenSlide handle is useless after one error, which must not be the end of the slide."""
    _, name, write = KINDS[kind]
    path = write(tmp_path / name, pyramid())
    damage_tile(path, 1)
    slide = open_slide(path)
    sound = pyramid()[0][:100, :100]
    assert np.array_equal(slide.read_region(0, 0, 0, 100, 100), sound)
    for _ in range(2):
        with pytest.raises(UnreadableSlide, match=r"at x 100, y 20, level 0, 60 x 40 pixels") as caught:
            slide.read_region(100, 20, 0, 60, 40)
        assert caught.value.status == "unreadable" and str(caught.value).startswith(f"{path}: ")
        assert np.array_equal(slide.read_region(0, 0, 0, 100, 100), sound)


@pytest.mark.usefixtures("way")
def test_threads_go_on_beside_a_damaged_place(tmp_path: Path) -> None:
    _, name, write = KINDS["openslide"]
    path = write(tmp_path / name, pyramid())
    damage_tile(path, 1)
    slide, sound = open_slide(path), pyramid()[0][200:260, 300:380]

    def fetch(number: int) -> bool:
        if number % 3:
            return np.array_equal(slide.read_region(300, 200, 0, 80, 60), sound)
        with pytest.raises(UnreadableSlide):
            slide.read_region(130, 0, 0, 50, 50)
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(fetch, range(60)))


@pytest.mark.parametrize("side", [768, 384, 256, 100, 77, 768 / 2.5, 3])
def test_thumbnails_are_means_of_a_level(slide: Slide, side: float) -> None:
    """A mean of what the level holds, each pixel by its share; rounding twice may cost a step."""
    wanted = WIDTH / side
    found, downsample = slide.with_mpp(1.0, "manifest").thumbnail(mpp=wanted)
    level = max(n for n, level in enumerate(slide.levels) if level.downsample <= wanted)
    whole = slide.read_region(0, 0, level, slide.levels[level].width, slide.levels[level].height)
    ratio = downsample / slide.levels[level].downsample
    expected = area_means(whole, ratio)
    assert downsample == pytest.approx(wanted) and found.shape == expected.shape
    block = max(1, int(ratio))
    coarse = area_means(area_means(whole, block), ratio / block)  # what is averaged in two steps
    rows, columns = (length - 1 for length in found.shape[:2])  # on the far edges there may be parts of a block
    assert np.abs(found.astype(float) - coarse[: rows + 1, : columns + 1])[:rows, :columns].max() < 1.6
    assert np.abs(smooth(found).astype(float) - smooth(expected.astype(np.float32))).mean() < 2
