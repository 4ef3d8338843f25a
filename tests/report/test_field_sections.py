"""Sections about fields: what they find, and what they admit."""

from dataclasses import replace

from saccade.report.field_sections import box_pointing_section, fields_section, runs_section
from tests.report.miniature import box_pointed, field_examples, runs


def test_examples_count_mistakes_and_do_not_call_attention_a_cause() -> None:
    section = fields_section(field_examples())
    assert section.finding == "3 fields, 1 of them wrong."
    assert "patches" in section.title and "not proof of cause" in section.limits
    whole = fields_section([replace(one, patches=()) for one in field_examples()])
    assert whole.title == "Example fields" and "patch" not in whole.lead


def test_pointing_states_chance_beside_every_figure() -> None:
    section = box_pointing_section(box_pointed())
    assert "of 23 fields; patches spread at random would in 2.0 %." in section.finding
    assert section.html.count("<td>2.0 %</td>") == 4 and section.html.count("<td>10.0 %</td>") == 1


def test_pointing_leaves_out_the_map_where_there_is_none() -> None:
    over = box_pointed()
    without = replace(over, measured=replace(over.measured, looked=over.measured.looked * float("nan")))
    assert "box mass)" in box_pointing_section(over).html
    assert "box mass)" not in box_pointing_section(without).html


def test_runs_name_the_best_and_warn_of_one_seed() -> None:
    section = runs_section(runs())
    assert section.finding == "Most accurate: 20 × 50 px, 94.0 % (90.0–97.0)."
    assert "one seed" in section.limits
    assert section.html.count("<tr") == 4 and "20 × &lt;20&gt; px" in section.html
