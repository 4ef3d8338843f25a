"""Slides below each other: each with its two maps, and beside them the patches that weigh most and least."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from saccade.imaging.slide_ground import Ground
from saccade.imaging.slide_key import ColourBar, evidence_bar, weight_bar
from saccade.report.galleries import colour_bar
from saccade.report.parts import part
from saccade.report.slide_data import EndPatch, SlideExample
from saccade.report.style import photo_html
from saccade.report.words import percent

_GLASS = Ground(np.full((1, 1, 3), 236, np.uint8), 1.0)


def slide_gallery(examples: Sequence[SlideExample]) -> Markup:
    """One slide in a row, sorted by true class."""
    names = list(dict.fromkeys(one.label for one in examples))
    rows = [{"name": name, "slides": [_slide(one) for one in examples if one.label == name]} for name in names]
    bars = [
        _bar(weight_bar(_GLASS), "weight of a patch; 1× is an equal share, what is below stays clear"),
        _bar(evidence_bar(_GLASS), "evidence against (blue) and for (orange) the class given; 1× is the mean patch"),
    ]
    leanings = list(dict.fromkeys(one.leaning for one in examples if one.leaning))
    return part("slide_gallery", rows=rows, bars=bars, leanings=leanings)


def times(share: float) -> str:
    """Equal shares, to two digits.

    >>> times(0.034), times(1.26), times(124.3)
    ('0.03×', '1.3×', '124×')
    """
    return f"{share:.2f}×" if share < 1 else f"{share:.1f}×" if share < 10 else f"{share:.0f}×"


def _bar(bar: ColourBar, label: str) -> Markup:
    ticks = [text.replace("x", "×") for text, _ in bar.marks]
    return colour_bar(ticks, label, bar.colours)


def _slide(one: SlideExample) -> dict[str, Any]:
    """What the template needs of a slide."""
    verdict = "rightly" if one.right else "wrongly"
    about = f"slide of {one.label}, {verdict} called {one.predicted} with probability {percent(one.probability, 0)}"
    signed = f"for and against {one.predicted}"
    return {
        "name": one.name,
        "right": one.right,
        "predicted": one.predicted,
        "probability": percent(one.probability, 0),
        "patches": f"{one.patches:,} patch{'es'[: 2 * (one.patches != 1)]}",
        "half": f"half of the weight on {one.half:,} ({percent(one.half / one.patches, 0)})",
        "maps": [
            ("weight", photo_html(one.weights, f"Weight of each patch in the {about}")),
            (signed, photo_html(one.signed, f"What speaks {signed} in the {about}")),
        ],
        "bar": None if one.bar is None else (one.bar.name, f"{100 * one.bar.share:.1f}"),
        "rows": [
            (heading, [_patch(patch, one.predicted) for patch in patches])
            for heading, patches in (("weigh most", one.heaviest), ("weigh least", one.lightest))
            if patches
        ],
    }


def _patch(patch: EndPatch, target: str) -> dict[str, Any]:
    side = "against" if patch.loudness < 0 else "for"
    weight, said = times(patch.share), f"{side} {times(abs(patch.loudness))}"
    alt = f"Patch {patch.rank} by weight: {weight}, {said} {target}"
    return {
        "rank": patch.rank,
        "weight": weight,
        "said": said,
        "side": side,
        "picture": photo_html(patch.pixels, alt),
    }
