"""The pictures of one explained slide: two maps with their keys, and the patches at both ends of the weights."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from saccade.explanation.slide_sites import SlideSites
from saccade.imaging.field_drawing import Drawn
from saccade.imaging.slide_drawing import evidence_picture, weight_picture, with_region
from saccade.imaging.slide_ground import Ground
from saccade.imaging.slide_key import evidence_bar, weight_bar, with_slide_key
from saccade.imaging.slide_patches import PatchRow, rows_picture, slide_patches
from saccade.imaging.slides import Slide
from saccade.imaging.tissue.outlines import Outline

_IN_A_ROW = 8


def weight_map_picture(
    ground: Ground,
    sites: SlideSites,
    answer: str,
    region: Sequence[Outline] | None = None,
    *,
    leaning: str = "",
    simulated: bool = False,
) -> Drawn:
    """Where the model read, and how much each patch weighed; with its key.

    Args:
        ground: What to draw over.
        sites: The patches.
        answer: What the model said, in words.
        region: What was annotated, in base pixels; drawn in white.
        leaning: Which patches the model's weights favour for no reason of theirs, in a sentence; mostly empty.
        simulated: Whether a program made the slide, which the heading says.
    """
    lines = [
        f"{_made(simulated)}Weight of each patch in the answer: {answer}",
        f"1x: what each of the {len(sites)} patches would weigh if all weighed the same. {_spread(sites)}",
        "Outlined: patches read; clear ones weigh less than 1x. Weight is no evidence for a class." + _known(region),
        *([leaning] if leaning else []),
    ]
    picture = with_region(weight_picture(ground, sites.boxes, sites.shares), ground, region or ())
    return with_slide_key(picture, weight_bar(ground), lines, ground)


def evidence_map_picture(
    ground: Ground,
    sites: SlideSites,
    target: str,
    answer: str,
    region: Sequence[Outline] | None = None,
    *,
    simulated: bool = False,
) -> Drawn:
    """Which patches speak for a class and which against it; with its key.

    Args:
        ground: What to draw over.
        sites: The patches.
        target: Name of the class.
        answer: What the model said, in words.
        region: What was annotated, in base pixels; drawn in white.
        simulated: Whether a program made the slide, which the heading says.
    """
    pro, contra = float(sites.evidence.clip(min=0).sum()), float(sites.evidence.clip(max=0).sum())
    lines = [
        f"{_made(simulated)}Evidence for (orange) and against (blue) {target}; the answer: {answer}",
        f"1x: the mean patch, either way. All together {pro:+.2g} for and {contra:+.2g} against, in log-odds.",
        "Estimated by gradients: what the answer would lose if a patch looked like the slide's average."
        + _known(region),
    ]
    picture = with_region(evidence_picture(ground, sites.boxes, sites.loudness), ground, region or ())
    return with_slide_key(picture, evidence_bar(ground), lines, ground)


def ends_picture(slide: Slide, sites: SlideSites, target: str, *, simulated: bool = False) -> Drawn:
    """The patches that weigh most, above those that weigh least; eight of each, as many as there are.

    Args:
        slide: The file.
        sites: At least one patch.
        target: Name of the class that the evidence is about.
        simulated: Whether a program made the slide, which the heading says.

    Raises:
        UnreadableSlide: The file is damaged at one of them.
    """
    order = sites.order
    few = min(_IN_A_ROW, len(order))
    side = float(np.mean(sites.boxes[:, 2] - sites.boxes[:, 0]))
    mpp = slide.stated_mpp
    size = f"{side * mpp.value / 1000:.2g} mm wide" if mpp is not None else f"{side:.0f} base pixels wide"
    told = f"below each: rank, weight, evidence for or against {target}"
    headings = (f"{_made(simulated)}Weigh most (of {len(order)} patches, each {size}); {told}", "Weigh least")
    ends = (order[:few], order[::-1][:few])
    return rows_picture([_row(slide, sites, heading, end) for heading, end in zip(headings, ends, strict=True)])


def _row(slide: Slide, sites: SlideSites, heading: str, chosen: Int[np.ndarray, " site"]) -> PatchRow:
    shares, ranks, loudness = sites.shares.tolist(), sites.ranks.tolist(), sites.loudness.tolist()
    captions = [f"#{ranks[site]}:  {_times(shares[site])}\n{_said(loudness[site])}" for site in chosen.tolist()]
    boxes: Float[np.ndarray, "site 4"] = sites.boxes[chosen]
    return PatchRow(heading, slide_patches(slide, boxes), tuple(captions))


def _said(loudness: float) -> str:
    """Evidence in equal shares.

    >>> _said(2.04), _said(-0.3)
    ('for 2.0x', 'against 0.30x')
    """
    return f"{'against' if loudness < 0 else 'for'} {_times(abs(loudness))}"


def _spread(sites: SlideSites) -> str:
    """How unequal the weights are, in words."""
    if not len(sites):
        return "There are none."
    heaviest = _times(float(sites.shares.max()))
    return f"Heaviest: {heaviest}; half of the weight lies on {sites.half} patches ({sites.half / len(sites):.0%})."


def _made(simulated: bool) -> str:
    return "SIMULATED SLIDE. " if simulated else ""


def _known(region: Sequence[Outline] | None) -> str:
    return " White: annotated." if region else ""


def _times(share: float) -> str:
    """A weight in equal shares.

    >>> _times(0.034), _times(1.26), _times(124.3)
    ('0.03x', '1.3x', '124x')
    """
    return f"{share:.2f}x" if share < 1 else f"{share:.1f}x" if share < 10 else f"{share:.0f}x"
