"""Sections about slides: examples with their maps and patches, and pointing at annotated regions."""

from collections.abc import Sequence

import torch

from saccade.report.data import OverImages
from saccade.report.parts import Section, table
from saccade.report.slide_data import PointingOfSlides, SlideExample
from saccade.report.slide_gallery import slide_gallery
from saccade.report.style import BLUE, INK, ORANGE, figure_html
from saccade.report.trust_figures import Series, shares_figure
from saccade.report.words import percent, percent_interval


def slides_section(examples: Sequence[SlideExample]) -> Section:
    """Slides with what weighed in them, and what spoke for the answer."""
    wrong = sum(not one.right for one in examples)
    lead = (
        "colours on tissue you would call decisive yourself. First, how much each patch weighed; then, what speaks for "
        "the class that was given (orange) and against it (blue)"
    )
    if any(one.heaviest for one in examples):
        lead += "; then, the patches at both ends of the weights, with their weight and evidence"
    else:
        lead += ". The slides' files are not at hand, so that patches are drawn on a plain sheet"
    if any(one.outlined for one in examples):
        lead += ". White line: where the slide's class was annotated"
    return Section(
        key="slides",
        title="Example slides: what weighed, and what spoke for the answer",
        finding=f"{len(examples)} slides, {wrong} of them wrong.",
        lead=f"{lead}.",
        limits="each class's most confident mistakes are shown on purpose, so mistakes are more frequent here than "
        "they are; the others are drawn at random. Weight is no evidence for a class, evidence is estimated from "
        "gradients, and neither is proof of cause.",
        html=slide_gallery(examples),
    )


def slide_pointing_section(over: OverImages[PointingOfSlides]) -> Section:
    """Whether weight and evidence lie where the slide's class was annotated."""
    measured = over.measured
    weight, evidence, heaviest, area = (
        over.share(values) for values in (measured.weight, measured.evidence, measured.heaviest, measured.area)
    )
    count = f"{len(over.labels)} slide{'s'[: len(over.labels) != 1]}"
    rows = [
        (name, percent_interval(own), percent(area.value))
        for name, own in (
            ("weight inside", weight),
            ("heaviest patch inside", heaviest),
            ("evidence for the slide's class inside", evidence),
        )
        if own.value is not None
    ]
    inside = f"{percent_interval(weight)} of the weight"
    inside += f" and {percent_interval(evidence)} of the evidence lie" if evidence.value is not None else " lies"
    finding = f"{inside} in the annotated region of {count}, which holds {percent(area.value)} of the patches."
    series = (
        Series("an even spread (the region's share of the patches)", torch.from_numpy(measured.area), INK, "|"),
        Series("evidence", torch.from_numpy(measured.evidence), ORANGE, "D"),
        Series("weight", torch.from_numpy(measured.weight), BLUE, "o"),
    )
    figure = shares_figure(over, series, "inside the annotated region, %")
    return Section(
        key="slide-pointing",
        title="Pointing: do weight and evidence lie in the annotated region?",
        finding=finding,
        lead="both far to the right of chance, the upright tick. The region is that of the slide's own class; a patch "
        "counts by the share of it that lies inside. 95 % intervals over cases.",
        limits="what tells two classes apart may lie outside the region, in the tissue around it for instance, so more "
        "is not always better. Slides without such a region are left out.",
        html=figure_html(figure, "slide-pointing-figure", f"Shares inside the annotated region, by class. {finding}")
        + table(("measure", "share (95 % interval)", "by chance"), rows),
    )
