"""Pictures of one slide for the page: its two maps, and the patches at both ends of the weights."""

from dataclasses import replace

import numpy as np
from jaxtyping import Int

from saccade.explanation.signed_evidence import signed_evidence
from saccade.explanation.slide_explanation import ground_of
from saccade.explanation.slide_sites import SlideSites
from saccade.imaging.drawing import Picture
from saccade.imaging.field_drawing import Drawn, shrunk
from saccade.imaging.slide_drawing import evidence_picture, weight_picture, with_region
from saccade.imaging.slide_ground import Ground
from saccade.imaging.slide_key import scale_length
from saccade.imaging.slide_patches import slide_patches
from saccade.imaging.slides import Slide, SlideError
from saccade.inference.slide_predictor import SlidePredictor
from saccade.report.slide_data import EndPatch, ScaleBar, SlideExample
from saccade.report.slide_seeing import SeenSlide

LONGEST = 640
"""Longest side of a map in the page."""

SIDE = 112
"""Side of a patch in the page."""

_IN_A_ROW = 5
_BAR = 0.25  # of a map's width that its scale bar may take


def slide_example(predictor: SlidePredictor, seen: SeenSlide) -> SlideExample:
    """What the page shows of a slide; a file that turns out to be damaged is not at hand."""
    evidence = signed_evidence(predictor.model, seen.bags)
    sites = seen.sites(evidence.values)
    target = predictor.classes[evidence.target]
    probability = float(seen.prediction.probabilities[0, evidence.target])
    try:
        drawn = _drawn(seen, sites, seen.slide, target, probability)
    except SlideError:
        drawn = _drawn(seen, sites, None, target, probability)
    return replace(drawn, leaning=predictor.model.leaning)


def _drawn(seen: SeenSlide, sites: SlideSites, slide: Slide | None, target: str, probability: float) -> SlideExample:
    ground = ground_of(sites, slide, seen.stored)
    order = sites.order
    ends = (order[:_IN_A_ROW], order[_IN_A_ROW:][::-1][:_IN_A_ROW])  # no patch is at both
    heaviest, lightest = ([], []) if slide is None else (end_patches(slide, sites, end) for end in ends)
    return SlideExample(
        name=seen.image.row.name,
        label=seen.image.name,
        predicted=target,
        probability=probability,
        weights=_shown(with_region(weight_picture(ground, sites.boxes, sites.shares), ground, seen.region)),
        signed=_shown(with_region(evidence_picture(ground, sites.boxes, sites.loudness), ground, seen.region)),
        patches=len(sites),
        half=sites.half,
        heaviest=heaviest,
        lightest=lightest,
        bar=scale_bar(ground),
        outlined=bool(seen.region),
    )


def end_patches(slide: Slide, sites: SlideSites, chosen: Int[np.ndarray, " site"]) -> list[EndPatch]:
    """Some patches with their pixels, in the order given.

    Raises:
        UnreadableSlide: The file is damaged there.
    """
    pixels = slide_patches(slide, sites.boxes[chosen], SIDE)
    ranks, shares, loudness = sites.ranks[chosen], sites.shares[chosen], sites.loudness[chosen]
    told = zip(ranks.tolist(), shares.tolist(), loudness.tolist(), strict=True)
    return [EndPatch(*numbers, patch) for numbers, patch in zip(told, pixels, strict=True)]


def scale_bar(ground: Ground) -> ScaleBar | None:
    """A round length of up to a quarter of the map.

    >>> scale_bar(Ground(np.zeros((10, 100, 3), np.uint8), downsample=20.0, mpp=1.0))
    ScaleBar(name='0.5 mm', share=0.25)
    """
    if ground.mpp is None:
        return None
    width = ground.picture.shape[1]
    length, name = scale_length(ground.mpp * ground.downsample, _BAR * width)
    return ScaleBar(name, length / width)


def _shown(picture: Picture) -> Drawn:
    return shrunk(picture, LONGEST)
