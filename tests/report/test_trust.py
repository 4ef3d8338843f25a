"""Sections that explain: what they find, and what they admit."""

import pytest

from saccade.explanation.faithfulness import Faithfulness
from saccade.report.data import OverImages
from saccade.report.trust import examples_section, faithfulness_section, maps_section, pointing_section
from tests.report.miniature import examples, faithful, maps, pointed


def test_faithfulness_says_against_whom_and_in_which_direction() -> None:
    finding = faithfulness_section(faithful()).finding
    assert finding == (
        "Deletion by weight makes the prediction fall faster than “chance”, about as fast as “twin”. "
        "Insertion by weight makes it rise faster than “chance”, about as fast as “twin”."
    )


def test_faithfulness_admits_a_loss() -> None:
    curves = faithful().measured.curves
    turned = {"own": curves["chance"], "darkest": curves["own"]}
    over = faithful()
    measured = type(over.measured)(turned, "grey")
    finding = faithfulness_section(OverImages(measured, over.labels, over.classes, over.cases)).finding
    assert finding.count("slower than “darkest”") == 2


def test_faithfulness_table_holds_areas_and_paired_differences() -> None:
    html = faithfulness_section(faithful()).html
    areas = {name: curve.deletion_area.mean() for name, curve in faithful().measured.curves.items()}
    assert all(f"<td>{area:.3f}" in html for area in areas.values())
    assert f"<td>−{areas['chance'] - areas['own']:.3f} (−" in html


def first_images(count: int) -> OverImages[Faithfulness]:
    """The miniature's faithfulness, of its first images alone."""
    over = faithful()
    curves = {n: type(c)(c.fractions, c.deletion[:count], c.insertion[:count]) for n, c in over.measured.curves.items()}
    return OverImages(Faithfulness(curves, "grey"), over.labels[:count], over.classes, over.cases[:count])


@pytest.mark.parametrize(("count", "whole"), [(1, "1 slide"), (9, "9 slides")])
def test_few_images_are_no_verdict(count: int, whole: str) -> None:
    section = faithfulness_section(first_images(count), "slides")
    assert section.finding == f"Measured on {whole}: too few to say whether one order beats another."
    assert "faster than" not in section.html
    assert "deletion area" in section.html  # the figures stay


def test_ten_images_are_enough() -> None:
    assert "faster than “chance”" in faithfulness_section(first_images(10)).finding


def test_pointing_states_the_control() -> None:
    over = pointed()
    section = pointing_section(over, "cytoplasm")
    assert section.title == "Share of the weight inside the cytoplasm"
    assert "covers 25.0 % of the image: what an even spread would give" in section.finding
    assert f"{100 * over.measured.weight.mean().item():.1f} % (" in section.finding


def test_attention_is_not_called_a_cause() -> None:
    shown = examples_section(examples())
    assert shown.finding == "3 cells, 1 of them wrong."
    assert "not proof of cause" in shown.limits
    assert "not proof of cause" in faithfulness_section(faithful()).limits
    assert "not what it sees" in maps_section(maps()).limits
