"""What a report of slides is made of."""

from dataclasses import replace

import numpy as np

from saccade.explanation.slide_pointing import SlidePointing
from saccade.report.slide_data import PointingOfSlides
from tests.report.miniature import slide_examples


def test_an_example_is_right_where_the_true_class_was_given() -> None:
    first, second = slide_examples()
    assert first.right and not second.right
    assert replace(second, predicted=second.label).right


def test_slides_stand_side_by_side_figure_by_figure() -> None:
    slides = [SlidePointing(weight=0.1, heaviest=1.0, evidence=float("nan"), area=0.2), SlidePointing(0.3, 0, 0.5, 0.4)]
    over = PointingOfSlides.of(slides)
    for name in ("weight", "heaviest", "evidence", "area"):
        np.testing.assert_array_equal(getattr(over, name), [getattr(slide, name) for slide in slides])
