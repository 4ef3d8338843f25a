"""Fields and their patches as they stand in the page."""

import base64
import re
from dataclasses import replace

import cv2
import numpy as np

from saccade.report.field_gallery import field_gallery
from tests.report.miniature import field_examples


def pictures(html: str) -> list[np.ndarray]:
    """Every picture of the page, as RGB."""
    data = re.findall(r'src="data:image/\w+;base64,([^"]+)"', html)
    return [cv2.imdecode(np.frombuffer(base64.b64decode(one), np.uint8), 1)[..., ::-1] for one in data]


def test_each_field_is_followed_by_its_patches() -> None:
    given = field_examples()
    _, *shown = pictures(field_gallery(given))
    shapes = [picture.shape[:2] for picture in shown]
    assert shapes == [(30, 40), (8, 8), (8, 8)] * 2 + [(30, 40), (8, 8)]


def test_photographs_stay_like_themselves() -> None:
    smooth = np.linspace(0, 255, 40 * 30 * 3).reshape(30, 40, 3).astype(np.uint8)
    (one, *_) = field_examples()
    _, shown, *_ = pictures(field_gallery([replace(one, picture=smooth)]))
    assert np.abs(shown.astype(int) - smooth).max() < 24


def test_numbers_weights_hits_and_verdicts() -> None:
    html = field_gallery(field_examples())
    assert html.count("1: <b>75 %</b> ✓") == 3 and html.count("2: <b>25 %</b> ✗") == 2
    assert html.count('class="patch hit"') == 3
    assert html.count('class="cell wrong"') == html.count(">wrong<") == 1
    assert "and 3 lighter places" in html
    assert "b &lt;i&gt;.png" in html and "<i>" not in html
    assert "where the truth is known to lie" in html and "1× is the same everywhere" in html


def test_without_truth_there_are_no_marks() -> None:
    given = [replace(one, patches=[replace(patch, hit=None) for patch in one.patches]) for one in field_examples()]
    html = field_gallery(given)
    assert "where the truth" not in html and "patch hit" not in html and "75 %</b></span>" in html


def test_a_model_that_reads_whole_fields_has_no_patches() -> None:
    html = field_gallery([replace(one, patches=(), places=0) for one in field_examples()])
    assert len(pictures(html)) == 3 and "lighter" not in html and "same everywhere" not in html
