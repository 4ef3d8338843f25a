"""What a report shows of slides alone: examples with their maps, pointing at annotated regions, faithfulness.

Slides are opened one at a time and only small pictures of them are kept. Explanations are measured on some of them,
spread evenly over the classes, and on no more than so many patches, so that the work does not grow with the data.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from saccade.evaluation.assessment import Judged, LabelledImage
from saccade.explanation.faithfulness import Curve, Faithfulness
from saccade.explanation.signed_evidence import signed_evidence
from saccade.explanation.slide_faithfulness import slide_faithfulness
from saccade.explanation.slide_orders import BAG_ORDERS, ByEvidence
from saccade.explanation.slide_pointing import shares_inside, slide_pointing
from saccade.inference.slide_predictor import SlidePredictor
from saccade.report.data import OverImages, ReportData
from saccade.report.picking import pick_examples, spread_evenly
from saccade.report.slide_data import PointingOfSlides, SlideExample
from saccade.report.slide_examples import slide_example
from saccade.report.slide_seeing import SeenSlide, see_slide

EXPLAINED = 24
"""Slides in which pointing is measured, at most."""

MOST_PATCHES = 100_000
"""Patches of these together: after so many, no further slide is explained."""

_PROBED = 6  # slides whose faithfulness is measured
_PASSES = 24  # of each through the model, at most
_EXAMPLES_PER_CLASS, _MISTAKES_PER_CLASS = 2, 1
_MANY_CLASSES = 8  # from which each has one example


def with_slides(report: ReportData, predictor: SlidePredictor, judged: Judged) -> ReportData:
    """The report with what is shown of slides alone."""
    return replace(
        report,
        history=without_pixels(report.history),
        slides=slide_examples(predictor, judged),
        slide_pointing=_pointing(predictor, judged),
        faithfulness=_faithfulness(predictor, judged),
    )


def without_pixels(history: Sequence[Any] | None) -> Sequence[Any] | None:
    """The history without the share of pixels read: slides are cut into patches before anything is trained."""
    budget = ("pixels_read_fraction", "pixels_looked_fraction")
    return [{name: value for name, value in row.items() if name not in budget} for row in history or ()] or None


def pointing_figures(over: OverImages[PointingOfSlides]) -> dict[str, Any]:
    """The ``slide_pointing`` of ``metrics.json``: means over the slides with a region, and their number."""
    means = {name: over.share(getattr(over.measured, name)).as_dict() for name in vars(over.measured)}
    return {**means, "n": len(over.labels)}


def slide_examples(predictor: SlidePredictor, judged: Judged) -> list[SlideExample]:
    """Some slides of every class, as small pictures; those without patches have nothing to show."""
    classes = len(predictor.classes)
    per_class = _EXAMPLES_PER_CLASS if classes < _MANY_CLASSES else 1
    places = pick_examples(judged, classes, per_class, _MISTAKES_PER_CLASS)
    return [slide_example(predictor, seen) for seen in _seen(predictor, [judged.images[place] for place in places])]


def _pointing(predictor: SlidePredictor, judged: Judged) -> OverImages[PointingOfSlides] | None:
    """Pointing at the region of each slide's own class, where some slides have one annotated."""
    known = [image for image in _spread(judged) if image.row.annotation_path is not None]
    chosen, parts = [], []
    patches = 0
    for seen in _seen(predictor, known):
        if not seen.region:
            continue
        sites = seen.sites(signed_evidence(predictor.model, seen.bags, seen.image.label).values)
        parts.append(slide_pointing(sites, shares_inside(sites.boxes, seen.region)))
        chosen.append(seen.image)
        patches += len(sites)
        if len(chosen) == EXPLAINED or patches >= MOST_PATCHES:
            break
    return _over(PointingOfSlides.of(parts), chosen, predictor.classes) if parts else None


def _faithfulness(predictor: SlidePredictor, judged: Judged) -> OverImages[Faithfulness] | None:
    """Deletion and insertion of patches, where any slide has some."""
    chosen, parts = [], []
    own, *controls = BAG_ORDERS.items()
    for seen in _seen(predictor, _spread(judged)):
        evidence = signed_evidence(predictor.model, seen.bags)
        orders = dict([own, ("strongest evidence first", (ByEvidence(evidence.values),)), *controls])
        parts.append(
            slide_faithfulness(predictor.model, seen.bags, target=evidence.target, orders=orders, passes=_PASSES)
        )
        chosen.append(seen.image)
        if len(chosen) == _PROBED:
            break
    return _over(together(parts), chosen, predictor.classes) if parts else None


def together(slides: Sequence[Faithfulness]) -> Faithfulness:
    """Several slides' curves as one: drawn at every step that any of them has, which leaves their areas as they are.

    Args:
        slides: Of one slide each, at least one, with the same orders.
    """
    fractions = np.unique(np.concatenate([one.fractions for each in slides for one in each.curves.values()]))

    def stacked(name: str, kind: str) -> np.ndarray:
        each = [slide.curves[name] for slide in slides]
        return np.stack([np.interp(fractions, one.fractions, getattr(one, kind)[0]) for one in each])

    curves = {
        name: Curve(fractions, stacked(name, "deletion"), stacked(name, "insertion")) for name in slides[0].curves
    }
    return replace(slides[0], curves=curves)


def _seen(predictor: SlidePredictor, images: Sequence[LabelledImage]) -> Iterator[SeenSlide]:
    """Ask the model about slides, one at a time; those without patches are passed over."""
    for image in images:
        with see_slide(predictor, image) as seen:
            if seen is not None:
                yield seen


def _spread(judged: Judged) -> list[LabelledImage]:
    """All slides, by turns from each class."""
    places = spread_evenly([image.label for image in judged.images], len(judged.images))
    return [judged.images[place] for place in places]


def _over(measured: Any, images: Sequence[LabelledImage], classes: tuple[str, ...]) -> OverImages[Any]:
    labels = np.array([image.label for image in images], dtype=np.int64)
    return OverImages(measured, labels, classes, [image.row.case for image in images])
