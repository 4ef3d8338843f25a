"""The pictures of a slide say what was found, in words that fit what was measured."""

from pathlib import Path

import numpy as np
import pytest

from saccade.explanation.slide_pictures import ends_picture, evidence_map_picture, weight_map_picture
from saccade.explanation.slide_sites import SlideSites
from saccade.imaging.slide_ground import Ground, slide_ground
from saccade.imaging.slide_patches import slide_patches
from saccade.imaging.slides import open_slide
from saccade.imaging.tissue.outlines import Outline
from tests.slide_files import pyramid, write_pyramid

GROUND = Ground(np.full((320, 480, 3), 235, np.uint8), downsample=16.0, mpp=0.5)


def made(count: int = 24) -> SlideSites:
    number = np.arange(count)
    corners = np.stack([number % 8, number // 8], 1) * 64.0
    weights = 1.0 + number
    evidence = np.where(number % 2, 1.0, -2.0) * (number + 1)
    return SlideSites(np.concatenate([corners, corners + 64], 1), weights / weights.sum(), evidence)


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written below maps and over rows of patches."""
    from saccade.explanation import slide_pictures

    seen: list[str] = []
    key, rows = slide_pictures.with_slide_key, slide_pictures.rows_picture
    monkeypatch.setattr(slide_pictures, "with_slide_key", lambda *given: (seen.extend(given[2]), key(*given))[1])
    monkeypatch.setattr(
        slide_pictures,
        "rows_picture",
        lambda given: (seen.extend(text for row in given for text in (row.heading, *row.captions)), rows(given))[1],
    )
    return seen


def test_maps_say_what_they_show(words: list[str]) -> None:
    sites = made()
    weight_map_picture(GROUND, sites, "tumour (93%)")
    text = " ".join(words)
    assert "tumour (93%)" in text and "24 patches" in text and f"Heaviest: {24 / 12.5:.1f}x" in text
    assert f"{sites.half} patches" in text and "annotated" not in text
    words.clear()
    region = [Outline(np.array([[0.0, 0], [64, 0], [64, 64]]))]
    evidence_map_picture(GROUND, sites, "tumour", "normal (51%)", region)
    text = " ".join(words)
    assert "against (blue) tumour" in text and "normal (51%)" in text and "White: annotated" in text
    assert f"{sites.evidence.clip(min=0).sum():+.2g} for" in text


def test_maps_are_the_ground_with_a_strip_below() -> None:
    for picture in (weight_map_picture(GROUND, made(), "a"), evidence_map_picture(GROUND, made(), "a", "a")):
        assert picture.shape[1] == 480 and 320 < len(picture) < 600
        assert np.ptp(picture[:320].astype(int), axis=2).max() > 20


def test_an_empty_map_can_be_drawn(words: list[str]) -> None:
    weight_map_picture(GROUND, made(0), "a")
    assert "none" in " ".join(words)


@pytest.mark.parametrize("count", [1, 5, 24])
def test_both_ends_are_shown(tmp_path: Path, words: list[str], count: int) -> None:
    slide, sites = open_slide(write_pyramid(tmp_path / "a.tif", pyramid())), made(count)
    sheet = ends_picture(slide, sites, "tumour")
    few = min(8, count)
    heaviest = slide_patches(slide, sites.boxes[sites.order[:1]])[0]
    np.testing.assert_array_equal(sheet[40 : 40 + 192, 10 : 10 + 192], heaviest)
    captions = [text for text in words if text.startswith("#")]
    ranks = [int(text[1:].split(":")[0]) for text in captions]
    assert ranks == [*range(1, few + 1), *range(count, count - few, -1)]
    assert ("for" if sites.evidence[-1] > 0 else "against") in captions[0]
    assert "0.016 mm" in words[0]


def test_maps_lie_over_the_slide(tmp_path: Path) -> None:
    slide = open_slide(write_pyramid(tmp_path / "a.tif", [np.full((512, 768, 3), 235, np.uint8)]))
    ground, sites = slide_ground(slide), made()
    picture = weight_map_picture(ground, sites, "a")
    inside = ground.pixels(sites.boxes[-1:])[0].astype(int)
    middle = picture[(inside[1] + inside[3]) // 2, (inside[0] + inside[2]) // 2].astype(int)
    assert np.ptp(middle) > 10, "the heaviest patch is tinted"


def test_simulated_slides_are_called_that(tmp_path: Path, words: list[str]) -> None:
    slide = open_slide(write_pyramid(tmp_path / "a.tif", pyramid()))
    weight_map_picture(GROUND, made(), "a")
    evidence_map_picture(GROUND, made(), "a", "a")
    ends_picture(slide, made(), "a")
    assert "SIMULATED" not in " ".join(words)
    words.clear()
    weight_map_picture(GROUND, made(), "a", simulated=True)
    evidence_map_picture(GROUND, made(), "a", "a", simulated=True)
    ends_picture(slide, made(), "a", simulated=True)
    assert sum(text.startswith("SIMULATED SLIDE. ") for text in words) == 3


def test_a_map_tells_the_leaning_of_its_weights(words: list[str]) -> None:
    weight_map_picture(GROUND, made(), "a", leaning="Weights lean to the left.")
    assert words[-1] == "Weights lean to the left."
    words.clear()
    weight_map_picture(GROUND, made(), "a")
    assert words[-1].startswith("Outlined")
