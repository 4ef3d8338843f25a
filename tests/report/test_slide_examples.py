"""Examples of slides: the patches shown are those of the file, and both maps are drawn with or without it."""

from pathlib import Path

import numpy as np
import pytest

from saccade.imaging.slide_ground import Ground
from saccade.imaging.slides import Slide, UnreadableSlide
from saccade.report import slide_examples
from saccade.report.slide_data import SlideExample
from saccade.report.slide_examples import LONGEST, SIDE, scale_bar, slide_example
from saccade.report.slide_seeing import see_slide
from tests.report.miniature_slide_files import colour, slide_images, slide_predictor


def example_of(folder: Path, number: int = 1) -> tuple[SlideExample, np.ndarray, np.ndarray]:
    """The example, and the weights of its patches and which patch has which colour."""
    predictor = slide_predictor()
    image = slide_images(folder, 2)[number]
    with see_slide(predictor, image) as seen:
        assert seen is not None
        return slide_example(predictor, seen), seen.prediction.sites.weights[0].numpy(), seen.stored.coords


def test_the_patches_at_both_ends_are_those_of_the_file(tmp_path: Path) -> None:
    example, weights, _ = example_of(tmp_path)
    order = np.argsort(-weights, kind="stable")
    assert [patch.rank for patch in example.heaviest] == [1, 2, 3, 4, 5]
    assert [patch.rank for patch in example.lightest] == [16, 15, 14, 13, 12]
    for patch in (*example.heaviest, *example.lightest):
        site = order[patch.rank - 1]
        assert patch.pixels.shape == (SIDE, SIDE, 3)
        np.testing.assert_allclose(patch.pixels[SIDE // 2, SIDE // 2], colour(site), atol=2)
        assert patch.share == pytest.approx(16 * weights[site], rel=1e-5)
    assert example.patches == 16 and example.outlined and "lean to the tissue's rim" in example.leaning
    assert max(example.weights.shape[:2]) == max(example.signed.shape[:2]) == LONGEST
    assert not np.array_equal(example.weights, example.signed)


def test_without_its_file_a_slide_has_maps_alone(tmp_path: Path) -> None:
    images = slide_images(tmp_path, 1)
    (tmp_path / "slide.png").unlink()
    predictor = slide_predictor()
    with see_slide(predictor, images[0]) as seen:
        assert seen is not None
        example = slide_example(predictor, seen)
    assert example.heaviest == example.lightest == []
    assert not example.outlined and example.weights.size
    assert example.bar is not None and example.bar.name == "0.1 mm"  # of 4 × 112 µm, as its bag tells


def test_a_file_damaged_inside_is_not_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(slide: Slide, *_: object) -> None:
        raise UnreadableSlide("is damaged", "copy it again", str(slide.path))

    monkeypatch.setattr(slide_examples, "slide_patches", damaged)
    example, *_ = example_of(tmp_path)
    assert not example.heaviest and example.weights.size


def test_a_bar_is_as_long_as_it_says() -> None:
    picture = np.zeros((50, 400, 3), np.uint8)
    bar = scale_bar(Ground(picture, downsample=8.0, mpp=0.5))
    assert bar is not None and bar.share * 400 * 8 * 0.5 / 1000 == pytest.approx(float(bar.name.removesuffix(" mm")))
    assert 0.1 < bar.share <= 0.25
    assert scale_bar(Ground(picture, downsample=8.0)) is None
