"""Example cells and class maps as they stand in the page."""

import base64
import re
from dataclasses import replace

import cv2
import numpy as np
import torch

from saccade.core.results import Sites
from saccade.imaging.drawing import COLOURS, WeightScale, overlay
from saccade.report.data import Example
from saccade.report.galleries import class_map_gallery, colour_bar, example_gallery
from tests.report.miniature import examples, maps


def pictures(html: str) -> list[np.ndarray]:
    """Every picture of the page, as RGB."""
    data = re.findall(r'src="data:image/\w+;base64,([^"]+)"', html)
    return [cv2.imdecode(np.frombuffer(base64.b64decode(one), np.uint8), 1)[..., ::-1] for one in data]


def test_image_and_overlay_side_by_side_after_the_colour_bar() -> None:
    given = examples()
    bar, *shown = pictures(example_gallery(given))
    assert (bar == COLOURS).all()
    for place, one in enumerate(given):
        assert one.sites is not None
        np.testing.assert_array_equal(shown[2 * place], one.picture)
        np.testing.assert_array_equal(shown[2 * place + 1], overlay(one.picture, one.sites))


def test_wrong_ones_are_marked_in_words_too() -> None:
    html = example_gallery(examples())
    assert html.count('class="cell wrong"') == html.count(">wrong<") == 1
    assert html.count("✓") == 2 and html.count("✗") == 1
    assert "rightly called neutrophil with probability 98 %" in html
    assert "<h3>&lt;b&gt;bold&lt;/b&gt; &amp; co</h3>" in html and "<b>bold" not in html


def test_large_pictures_come_down_with_their_sites() -> None:
    picture = np.full((480, 320, 1), 200, np.uint8)
    sites = Sites(torch.tensor([[[0.0, 240, 30, 270]]]), torch.ones(1, 1), torch.ones(1, 1, dtype=torch.bool))
    _, image, drawn = pictures(example_gallery([Example("a", picture, sites, "x", "x", 1.0)]))
    assert image.shape == drawn.shape == (160, 107, 3)
    expected = WeightScale().colours(np.array([1.0]))[0].astype(int)
    assert np.abs(drawn[82:88, 2:8].astype(int) - expected).max() < 8
    assert np.ptp(drawn[82:88, 20:].astype(int), axis=2).max() < 8, "the rest is grey"


def test_without_sites_there_is_no_overlay_and_no_colour_bar() -> None:
    html = example_gallery([replace(one, sites=None) for one in examples()])
    assert len(pictures(html)) == 3
    assert "equal share" not in html


def test_class_maps_leave_out_classes_without_images() -> None:
    given = maps()
    html = class_map_gallery(given)
    _, _, *shown = pictures(html)
    assert len(shown) == 4 and "basophil" not in html
    np.testing.assert_array_equal(shown[0], COLOURS[np.round(255 * given.read[0].numpy()).astype(int)])
    np.testing.assert_array_equal(shown[1], WeightScale(high=64.0).colours(given.weight[0].numpy()))


def test_colour_bars_say_what_their_ends_mean() -> None:
    assert 'alt="Colour scale from few to many"' in colour_bar(["few", "many"], "a label")
    html = example_gallery(examples())
    assert all(f"<span>{tick}</span>" in html for tick in ("≤ 1/4×", "1×", "4×", "≥ 16×"))


def test_values_that_are_no_colours_have_a_key() -> None:
    opd = np.linspace(-3, 90, 256, dtype=np.float32).reshape(16, 16, 1)
    html = example_gallery([replace(one, picture=opd) for one in examples()])
    assert "nm where they hold the optical path difference" in html
    assert "as in the files" not in example_gallery(examples())
