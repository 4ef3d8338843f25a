"""Sections about slides: their findings, and what they tell the reader to look for."""

from dataclasses import replace

import numpy as np

from saccade.report.slide_sections import slide_pointing_section, slides_section
from tests.report.miniature import slide_examples, slides_pointed


def test_examples_are_counted_and_explained_as_far_as_they_go() -> None:
    both = slides_section(slide_examples())
    assert both.finding == "2 slides, 1 of them wrong."
    assert "both ends of the weights" in both.lead and "White line" in both.lead
    bare = slides_section(slide_examples()[1:])
    assert "not at hand" in bare.lead and "White line" not in bare.lead and "both ends" not in bare.lead


def test_pointing_is_set_beside_chance() -> None:
    section = slide_pointing_section(slides_pointed())
    # The shares are alike in all slides, so the bounds are Wilson's over 12 cases.
    assert section.finding == (
        "25.0 % (8.9–53.2) of the weight and 75.0 % (46.8–91.1) of the evidence lie in the annotated region of "
        "24 slides, which holds 25.0 % of the patches."
    )
    assert section.html.count("<tr>") == 4 and "heaviest patch inside" in section.html and "nan" not in section.html


def test_of_slides_in_which_nothing_speaks_for_their_class_no_evidence_is_shown() -> None:
    over = slides_pointed()
    silent = replace(over.measured, evidence=np.full(len(over.labels), np.nan))
    section = slide_pointing_section(replace(over, measured=silent))
    assert "nan" not in section.html + section.finding
    assert "25.0 % (8.9–53.2) of the weight lies in" in section.finding
