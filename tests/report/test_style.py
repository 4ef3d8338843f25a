"""Figures and pictures in the page: no foreign names, no fixed colours, and the pixels that were given."""

import base64
import re

import cv2
import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from saccade.report.style import BLUE, INK, RC, figure_html, photo_html, picture_html, styled


@styled()
def small_figure() -> Figure:
    figure = Figure(figsize=(2, 2))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=BLUE, marker="o")
    axes.set_title("a < b & c")
    return figure


def test_figures_follow_the_theme_of_the_page() -> None:
    html = figure_html(small_figure(), "small", "what it shows")
    assert html.startswith('<svg role="img" aria-label="what it shows"')
    assert "var(--blue)" in html and "var(--ink)" in html
    assert BLUE not in html and INK not in html
    assert "http" not in html and "<style" not in html and "<metadata" not in html
    assert ">a &lt; b &amp; c</text>" in html, "letters stay letters"


def test_names_inside_figures_are_used_and_their_own() -> None:
    first, second = (figure_html(small_figure(), key, "") for key in ("first", "second"))
    names = re.findall(r'\sid="([^"]+)"', first)
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', first))
    assert names and set(names) == used and len(set(names)) == len(names)
    assert not set(names) & set(re.findall(r'\sid="([^"]+)"', second))


def test_alternative_text_is_escaped() -> None:
    assert 'aria-label="&#34;&lt;b&gt;"' in figure_html(small_figure(), "k", '"<b>')
    assert 'alt="&#34;&lt;b&gt;"' in picture_html(np.zeros((1, 1, 3), np.uint8), '"<b>')


def test_photographs_take_the_smaller_form() -> None:
    dice = np.random.default_rng(0)
    photo = cv2.GaussianBlur(dice.integers(0, 256, (120, 160, 3), dtype=np.uint8), (0, 0), 4)
    html = photo_html(photo, "a field", "smooth")
    kind, data = re.findall(r'src="data:image/(\w+);base64,([^"]+)"', html)[0]
    assert kind in ("webp", "jpeg") and 'alt="a field" width="160" height="120"' in html
    assert len(data) < len(re.findall(r'base64,([^"]+)"', picture_html(photo, ""))[0])
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), 1)[..., ::-1]
    assert np.abs(shown.astype(int) - photo).mean() < 3


def test_small_pictures_are_exact_and_large_ones_are_close() -> None:
    for side, tolerance in ((16, 0), (200, 40)):
        ramp = np.linspace(0, 255, side)[None, :, None] * np.ones((side, 1, 3))
        picture = (ramp + np.random.default_rng(0).normal(0, 4, ramp.shape)).clip(0, 255).astype(np.uint8)
        html = picture_html(picture, "a picture", "sharp")
        data = re.search(r'src="data:image/(?:png|jpeg);base64,([^"]+)"', html)
        assert data and f'width="{side}"' in html
        encoded = np.frombuffer(base64.b64decode(data[1]), np.uint8)
        found = cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1].astype(int)
        assert np.abs(found - picture).max() <= tolerance


def test_settings_are_left_as_they_were() -> None:
    before = dict(mpl.rcParams)
    with styled():
        assert mpl.rcParams["svg.fonttype"] == RC["svg.fonttype"]
    assert dict(mpl.rcParams) == before


def test_outside_the_page_figures_have_a_background() -> None:
    assert small_figure().get_facecolor() == (1, 1, 1, 1)
