"""Sections about fields: examples with their patches, pointing at truth boxes, and runs side by side."""

from collections.abc import Sequence

from jaxtyping import Float
from markupsafe import Markup
from torch import Tensor

from saccade.evaluation.intervals import Interval
from saccade.explanation.box_pointing import BoxPointing
from saccade.report.data import OverImages
from saccade.report.field_data import FieldExample, RunRow
from saccade.report.field_figures import box_pointing_figure, runs_figure
from saccade.report.field_gallery import field_gallery
from saccade.report.parts import Section, table
from saccade.report.style import figure_html
from saccade.report.words import percent, percent_interval


def fields_section(examples: Sequence[FieldExample]) -> Section:
    """Fields with the places read in them."""
    wrong = sum(not one.right for one in examples)
    reads = any(one.patches for one in examples)
    return Section(
        key="fields",
        title="Example fields, and the patches read of them" if reads else "Example fields",
        finding=f"{len(examples)} fields, {wrong} of them wrong.",
        lead="places you would put under the objective yourself. Above, the whole field, faded, in bright colours "
        "where the look expects something; below, what the model then read, pixel for pixel, with the weight of each."
        if reads
        else "the kinds of field that are taken for another.",
        limits="each class's most confident mistakes are shown on purpose, so mistakes are more frequent here than "
        "they are; the others are drawn at random. Attention is not proof of cause.",
        html=field_gallery(examples),
    )


def box_pointing_section(over: OverImages[BoxPointing]) -> Section:
    """Whether the model looks and reads where the truth lies."""
    measured = over.measured

    def share(values: Float[Tensor, " image"]) -> Interval:
        return over.share(values.double().numpy())

    heaviest, area = share(measured.heaviest), share(measured.area)
    known = int(measured.heaviest.isfinite().sum())
    rows = [
        ("heaviest patch inside", heaviest, area),
        ("weight of the patches inside", share(measured.weight), area),
        ("patches inside (hit rate)", share(measured.hits), area),
        ("look map's probability inside (box mass)", share(measured.looked), area),
        ("fields with any patch inside", share(measured.found), share(measured.found_by_chance)),
    ]
    shown = [
        (name, percent_interval(own), percent(chance.value)) for name, own, chance in rows if own.value is not None
    ]
    finding = (
        f"The heaviest patch lies where the truth does in {percent_interval(heaviest)} of {known} fields; "
        f"patches spread at random would in {percent(area.value)}."
    )
    figure = figure_html(
        box_pointing_figure(over), "box-pointing-figure", f"Shares inside the truth boxes, by class. {finding}"
    )
    return Section(
        key="box-pointing",
        title="Pointing: does it read where the truth lies?",
        finding=finding,
        lead="all of them far to the right of chance, the upright tick. A patch is inside if its middle is; 95 % "
        "intervals over cases. The heaviest patch can be right on a map that is nearly even: box mass tells.",
        limits="boxes are around what gives a field its label; what else there is in a field may tell classes apart "
        "too, and a model that reads it is not seen here.",
        html=figure + table(("measure", "share (95 % interval)", "by chance"), shown),
    )


def runs_section(runs: Sequence[RunRow]) -> Section:
    """Runs that differ in the size and number of their patches."""
    best = max(runs, key=lambda run: run.accuracy.value or 0.0)
    columns = ("run", "patches", "side, pixels", "accuracy (95 % interval)", "pixels read", "pixels looked at")
    rows = [
        (
            run.name,
            "–" if run.patches is None else str(run.patches),
            "–" if run.patch is None else str(run.patch),
            percent_interval(run.accuracy),
            percent(run.pixels_read_fraction),
            percent(run.pixels_looked_fraction),
        )
        for run in runs
    ]
    finding = f"Most accurate: {best.name}, {percent_interval(best.accuracy)}."
    figure = figure_html(runs_figure(runs), "runs-figure", f"Accuracy of {len(runs)} runs. {finding}")
    return Section(
        key="runs",
        title="Patch sizes side by side",
        finding=finding,
        lead="how little has to be read: intervals that overlap are no proof of a difference.",
        limits="each is one training with one seed; another seed moves the figures too.",
        html=Markup("{}{}").format(figure, table(columns, rows)),
    )
