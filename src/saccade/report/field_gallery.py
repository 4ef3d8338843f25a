"""Fields in rows: each with its look map and numbered places, and under it the patches read there."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from saccade.imaging.field_drawing import MAP_SCALE, map_colours
from saccade.report.field_data import FieldExample, ShownPatch
from saccade.report.galleries import colour_bar, scale_ticks
from saccade.report.parts import part
from saccade.report.style import photo_html
from saccade.report.words import percent


def field_gallery(examples: Sequence[FieldExample]) -> Markup:
    """One row per true class."""
    names = list(dict.fromkeys(one.label for one in examples))
    rows = [{"name": name, "fields": [_field(one) for one in examples if one.label == name]} for name in names]
    reads = any(one.patches for one in examples)
    bar = Markup("")
    if reads:
        label = "probability that the look gives to a place; 1× is the same everywhere"
        bar = colour_bar(scale_ticks(MAP_SCALE), label, map_colours())
    return part(
        "field_gallery", rows=rows, bar=bar, legend=_legend(examples), columns=max(len(r["fields"]) for r in rows)
    )


def _legend(examples: Sequence[FieldExample]) -> list[tuple[str, str]]:
    """What lines and marks mean, of those that are there."""
    patches = [patch for one in examples for patch in one.patches]
    lines = [("place", "read at full detail"), ("number", "the heaviest place is number 1")] if patches else []
    if any(patch.hit is not None for patch in patches):
        lines += [("truth", "where the truth is known to lie"), ("hit", "a patch whose middle is in there")]
    return lines


def _field(one: FieldExample) -> dict[str, Any]:
    """What the template needs of a field."""
    verdict = "rightly" if one.right else "wrongly"
    about = f"{one.label}, {verdict} called {one.predicted} with probability {percent(one.probability, 0)}"
    left = one.places - len(one.patches)
    return {
        "name": one.name,
        "right": one.right,
        "predicted": one.predicted,
        "probability": percent(one.probability, 0),
        "picture": photo_html(one.picture, f"Field of a {about}, with the places that were read"),
        "patches": [_patch(patch) for patch in one.patches],
        "note": f"and {left} lighter place{'s'[: left != 1]}" if left else "",
    }


def _patch(patch: ShownPatch) -> dict[str, Any]:
    hit = {None: "", True: ", where the truth lies", False: ", beside the truth"}[patch.hit]
    weight = "<1 %" if 0 < patch.weight < 0.005 else percent(patch.weight, 0)
    alt = f"Patch {patch.number}, weight {weight}{hit}"
    return {
        "number": patch.number,
        "weight": weight,
        "hit": bool(patch.hit),
        "verdict": {None: "", True: " ✓", False: " ✗"}[patch.hit],
        "picture": photo_html(patch.pixels, alt, "sharp"),
    }
