"""The report: one HTML file that needs nothing else, opens offline and prints."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import saccade
from saccade.core.files import write_text
from saccade.report import field_sections, performance, slide_sections, trust
from saccade.report.data import ReportData
from saccade.report.parts import Section, environment
from saccade.report.stages import has_stages, stages_section


def write_report(path: Path | str, data: ReportData) -> None:
    """Write the report, whole or not at all.

    Args:
        path: The HTML file.
        data: What to show; a section appears for each thing that is given.
    """
    write_text(path, render_report(data))


def render_report(data: ReportData) -> str:
    """The report as HTML: pictures, style and all in one text.

    >>> "SIMULATED DATA" in render_report(ReportData("A dry run", origin="simulated"))
    True
    """
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            title=data.title,
            facts=data.facts,
            origin=data.origin,
            headline=performance.headline(data.metrics, data.costs, data.counted),
            sections=report_sections(data),
            version=saccade.__version__,
        )
    )


def report_sections(data: ReportData) -> list[Section]:
    """A section for each thing that is given, in the order of the page."""
    plainly = partial(performance.training_section, counted=data.counted)
    training = stages_section if has_stages(data.history or ()) else plainly
    plan: list[tuple[Any, Callable[[Any], Section]]] = [
        (data.examples, trust.examples_section),
        (data.fields, field_sections.fields_section),
        (data.slides, slide_sections.slides_section),
        (data.metrics, partial(performance.confusion_section, counted=data.counted)),
        (data.metrics, partial(performance.recall_section, counted=data.counted)),
        (data.metrics, partial(performance.reliability_section, noun=data.noun, counted=data.counted)),
        (data.maps, trust.maps_section),
        (data.pointing, partial(trust.pointing_section, structure=data.structure)),
        (data.box_pointing, field_sections.box_pointing_section),
        (data.slide_pointing, slide_sections.slide_pointing_section),
        (data.faithfulness, partial(trust.faithfulness_section, counted=data.counted)),
        (data.costs, partial(performance.cost_section, counted=data.counted)),
        (data.runs, field_sections.runs_section),
        (data.history, training),
        (data.budgets, partial(performance.budget_section, counted=data.counted)),
    ]
    return [build(given) for given, build in plan if given]
