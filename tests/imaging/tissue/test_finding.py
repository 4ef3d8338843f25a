"""Tissue is found whatever the stain, the glass and the dirt; nothing is found where nothing is."""

from pathlib import Path

import cv2
import numpy as np
import openslide
import pytest

from saccade.core.errors import BadInput
from saccade.imaging.image_files import load_image
from saccade.imaging.tissue.finding import find_tissue
from saccade.imaging.tissue.settings import TissueSettings
from saccade.imaging.tissue.tissue import Tissue
from tests.imaging.tissue.scenes import (
    DAB,
    DOWNSAMPLE,
    HAEMATOXYLIN,
    HE,
    MPP,
    PALE_HE,
    PENS,
    SILVER,
    TRICHROME,
    blobs,
    bright,
    fluorescent,
    jpeg,
    noisy,
    overlap,
    stroke,
    texture,
)

HEIGHT, WIDTH = 240, 360
BODY = blobs(HEIGHT, WIDTH, (110, 140, 70, 60), (260, 150, 40, 60))
NONE = np.zeros((HEIGHT, WIDTH), bool)
FULL = ~NONE
TINY = blobs(HEIGHT, WIDTH, (200, 100, 12, 25), (210, 200, 10, 25), (120, 150, 5, 40))
IHC = np.where((texture(HEIGHT, WIDTH, 9) > 1.1)[..., None], DAB, HAEMATOXYLIN)
STAINS = {"he": HE, "pale": PALE_HE, "dab": DAB, "haematoxylin": HAEMATOXYLIN, "trichrome": TRICHROME}
STAINS |= {"silver": SILVER, "ihc": IHC}


def find(picture: np.ndarray, settings: TissueSettings | None = None) -> Tissue:
    return find_tissue(picture, DOWNSAMPLE, MPP, settings)


@pytest.mark.parametrize("glass", [(243, 242, 240), (205, 204, 200), (240, 234, 215)], ids=["white", "grey", "yellow"])
@pytest.mark.parametrize("stain", STAINS)
def test_every_stain(stain: str, glass: tuple[int, int, int]) -> None:
    tissue = find(bright(BODY, STAINS[stain], glass))
    assert tissue.found == "stained"
    assert overlap(tissue.mask, BODY) > 0.95
    assert tissue.area_mm2 == pytest.approx(BODY.sum() * 64e-6, rel=0.05)


@pytest.mark.parametrize("stain", STAINS)
def test_tissue_from_edge_to_edge(stain: str) -> None:
    assert find(bright(FULL, STAINS[stain])).fraction > 0.97


@pytest.mark.parametrize("stain", STAINS)
def test_tiny_biopsies(stain: str) -> None:
    assert overlap(find(bright(TINY, STAINS[stain])).mask, TINY) > 0.8


@pytest.mark.parametrize("colour", [(0, 0, 255), (40, 255, 30), (255, 255, 255)], ids=["blue", "green", "grey"])
def test_fluorescence(colour: tuple[int, int, int]) -> None:
    for mask, least in ((BODY, 0.9), (FULL, 0.97)):
        tissue = find(fluorescent(mask, colour))
        assert tissue.found == "fluorescent"
        assert overlap(tissue.mask, mask) > least


def falling_off(picture: np.ndarray, by: float = 0.2) -> np.ndarray:
    """Darker towards the corners."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    distance = np.hypot((x - WIDTH / 2) / WIDTH, (y - HEIGHT / 2) / HEIGHT)
    return noisy(picture * (1 - by * 2 * distance**2)[..., None], 1)


@pytest.mark.parametrize(
    "picture",
    [
        bright(NONE, HE),
        bright(NONE, HE, noise=6),
        jpeg(bright(NONE, HE, noise=4), 30),
        falling_off(bright(NONE, HE)),
        fluorescent(NONE),
        np.full((HEIGHT, WIDTH, 3), 255, np.uint8),
        np.zeros((HEIGHT, WIDTH, 3), np.uint8),
        np.full((1, 1, 3), 240, np.uint8),
    ],
    ids=["glass", "noise", "jpeg", "vignette", "dark", "white", "black", "pixel"],
)
def test_nothing(picture: np.ndarray) -> None:
    tissue = find(picture)
    assert tissue.found == "nothing"
    assert not tissue.mask.any() and tissue.area_mm2 == 0 and tissue.polygons() == []


@pytest.mark.parametrize("stain", [HE, PALE_HE], ids=["he", "pale"])
def test_light_that_falls_off_and_compression(stain: np.ndarray) -> None:
    for picture in (falling_off(bright(BODY, stain)), jpeg(bright(BODY, stain), 40)):
        assert overlap(find(picture).mask, BODY) > 0.93


def test_noise_around_tissue() -> None:
    for noise in (3, 4.5, 6):
        assert overlap(find(bright(BODY, HE, noise=noise)).mask, BODY) > 0.95


def test_a_lower_threshold_where_nothing_is_found() -> None:
    picture = np.full((HEIGHT, WIDTH, 3), 240, np.uint8)
    picture[BODY] = 240, 222, 240  # an optical density of 0.034
    tissue = find(picture)
    assert tissue.found == "faint"
    assert overlap(tissue.mask, BODY) > 0.98


def test_dust_is_no_tissue() -> None:
    picture = bright(NONE, HE)
    generator = np.random.default_rng(0)
    for x, y in zip(generator.integers(5, WIDTH - 5, 60), generator.integers(5, HEIGHT - 5, 60), strict=True):
        cv2.circle(picture, (int(x), int(y)), int(generator.integers(0, 4)), (90, 80, 85), -1)
    assert find(picture).found == "nothing"


@pytest.mark.parametrize("ink", PENS)
@pytest.mark.parametrize("mask", [BODY, TINY, NONE], ids=["body", "tiny", "none"])
def test_pens(ink: str, mask: np.ndarray) -> None:
    picture = bright(mask, HE)
    stroke(picture, [(20, 25), (340, 20), (345, 200)], PENS[ink], 32)
    tissue = find(picture)
    assert overlap(tissue.mask, mask) > (0.8 if mask is TINY else 0.95)
    assert tissue.dropped is not None and tissue.dropped.any()
    kept = find(picture, TissueSettings(drop_pen=False))
    assert kept.area_mm2 > tissue.area_mm2 + 0.5


def test_corners() -> None:
    picture = bright(BODY, HE)
    picture[:40, :60], picture[220:], picture[:, -5:] = 4, 8, 2
    assert overlap(find(picture).mask, BODY & (np.arange(HEIGHT) < 220)[:, None]) > 0.95
    assert find(picture, TissueSettings(drop_corners=False, drop_pen=False)).fraction > BODY.mean() + 0.05


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("kind", ["stained", "pen", "fluorescent"])
def test_turning_the_picture_turns_the_mask(kind: str, turns: int, flip: bool) -> None:
    picture = fluorescent(BODY) if kind == "fluorescent" else bright(BODY, HE)
    if kind == "pen":
        stroke(picture, [(20, 25), (340, 20)], PENS["red"], 32)
        picture[200:] = 3

    def turned(array: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(np.rot90(array[:, ::-1] if flip else array, turns))

    assert (find(turned(picture)).mask == turned(find(picture).mask)).all()


def test_without_pixels() -> None:
    with pytest.raises(BadInput, match="no pixels"):
        find(np.empty((0, 5, 3), np.uint8))


@pytest.mark.parametrize(("downsample", "mpp"), [(0.0, 0.25), (32.0, -1.0), (float("nan"), 0.25)])
def test_scales_are_positive(downsample: float, mpp: float) -> None:
    with pytest.raises(BadInput, match="positive scales"):
        find_tissue(np.zeros((4, 5, 3), np.uint8), downsample, mpp)


@pytest.mark.parametrize("scale", [2.0, 8.0, 30.0, 150.0])
def test_thumbnails_of_any_resolution(scale: float) -> None:
    """The same picture said to be finer or coarser: areas follow, and nothing breaks."""
    tissue = find_tissue(bright(BODY, HE), scale / MPP, MPP)
    assert overlap(tissue.mask, BODY) > 0.93
    assert tissue.area_mm2 == pytest.approx(BODY.sum() * scale**2 / 1e6, rel=0.07)


def real_thumbnail(path: Path, mpp: float) -> tuple[np.ndarray, float]:
    with openslide.OpenSlide(path) as slide:
        downsample = 8 / mpp
        size = tuple(round(length / downsample) for length in slide.dimensions)
        picture = np.asarray(slide.get_thumbnail((size[0] + 1, size[1] + 1)).convert("RGB"))
        return picture, slide.dimensions[0] / picture.shape[1]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "mpp", "found", "share", "tissue", "glass"),
    [  # places seen by eye, as shares of width and height
        (
            "tcga-cr-7395-01a-01-ts1.svs",
            0.5,
            "stained",
            (0.6, 0.68),
            [(0.1, 0.6), (0.75, 0.05), (0.8, 0.97)],
            [(0.3, 0.05)],
        ),
        (
            "cmu-1-small-region.svs",
            0.499,
            "stained",
            (0.34, 0.42),
            [(0.4, 0.5), (0.3, 0.97), (0.72, 0.95)],
            [(0.1, 0.7)],
        ),
        (
            "fluorescence-dapi.ndpi",
            0.228,
            "fluorescent",
            (0.75, 0.9),
            [(0.5, 0.5), (0.02, 0.7)],
            [(0.05, 0.1), (0.2, 0.97)],
        ),
    ],
)
def test_real_slides(
    real_data: Path,
    name: str,
    mpp: float,
    found: str,
    share: tuple[float, float],
    tissue: list[tuple[float, float]],
    glass: list[tuple[float, float]],
) -> None:
    picture, downsample = real_thumbnail(real_data / "slides" / name, mpp)
    result = find_tissue(picture, downsample, mpp)
    assert result.found == found
    assert share[0] < result.fraction < share[1]
    height, width = result.mask.shape
    for places, wanted in ((tissue, True), (glass, False)):
        assert [bool(result.mask[int(y * height), int(x * width)]) for x, y in places] == [wanted] * len(places)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("Non-Tumor___Case-3-A15-2939-11262_112", (0.33, 0.42)),  # pale collagen beside glass
        ("Viable___Case-48-P5-C16-39748-2743_111", (0.27, 0.34)),  # a splinter of bone, as red as ink
        ("Non-Tumor___Case-4-C22-42649-20389_117", (0.99, 1.0)),  # no glass at all
    ],
)
def test_real_fields_made_small(real_data: Path, name: str, share: tuple[float, float]) -> None:
    """Seen by eye; at a quarter of their size they look as a slide's thumbnail does."""
    picture = load_image(real_data / "osteosarcoma_fields" / f"{name}.jpg")
    small = np.asarray(cv2.resize(picture, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA))
    tissue = find_tissue(small, 8.0, 1.0)
    assert share[0] < tissue.fraction <= share[1]
    assert tissue.dropped is not None and not tissue.dropped.any()
