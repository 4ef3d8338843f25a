"""Pictures in rows: example cells with what was read of them, and the mean maps of each class."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import torch
from jaxtyping import Float, Num
from markupsafe import Markup

from saccade.core.results import Sites
from saccade.explanation.maps import ClassMaps
from saccade.imaging.drawing import (
    COLOURS,
    Picture,
    Span,
    WeightScale,
    as_picture,
    overlay,
    picture_key,
    value_span,
)
from saccade.report.data import Example
from saccade.report.parts import part
from saccade.report.style import picture_html
from saccade.report.words import percent

_SIDE = 160  # longest side of an example in the page: enough for a cell, small enough for forty of them
_SMALL = 100  # pictures below this are shown with hard pixel edges


def example_gallery(examples: Sequence[Example]) -> Markup:
    """One row per true class, each image beside its overlay, all in one contrast, with what it means."""
    span = value_span([one.picture for one in examples])
    key = picture_key(examples[0].picture, span) if span else ""
    names = list(dict.fromkeys(one.label for one in examples))
    rows = [{"name": name, "cells": [_cell(one, span) for one in examples if one.label == name]} for name in names]
    shown = any(one.sites is not None for one in examples)
    bar = (
        colour_bar(scale_ticks(WeightScale()), "weight of a pixel read; 1× is an equal share") if shown else Markup("")
    )
    columns = max(len(row["cells"]) for row in rows)
    return part("gallery", rows=rows, bar=bar, key=key, columns=columns)


def class_map_gallery(maps: ClassMaps) -> Markup:
    """One card per class that has images: where the model reads, and the mean weight."""
    present = [k for k, count in enumerate(maps.counts) if count]
    read, weight = maps.read.numpy(), maps.weight.numpy()
    scale = WeightScale(high=64.0)
    cards = [
        {
            "name": maps.classes[k],
            "count": maps.counts[k],
            "read": _shown(_ramp(read[k]), f"How often each pixel was read in images of {maps.classes[k]}"),
            "weight": _shown(scale.colours(weight[k]), f"Mean weight of each pixel in images of {maps.classes[k]}"),
        }
        for k in present
    ]
    bars = [
        colour_bar(["0", "50", "100 %"], "read: share of the images in which the pixel was read"),
        colour_bar(scale_ticks(scale), "weight: mean over the images; 1× is an even spread over the image"),
    ]
    return part("class_maps", cards=cards, bars=bars)


def colour_bar(ticks: Sequence[str], label: str, colours: Picture = COLOURS[None]) -> Markup:
    """The colours from little to much, with marks below at equal distances; ``colours`` is one row of them."""
    picture = picture_html(np.repeat(colours, 4, axis=0), f"Colour scale from {ticks[0]} to {ticks[-1]}")
    return part("colour_bar", picture=picture, ticks=ticks, label=label)


def _cell(one: Example, span: Span | None) -> dict[str, object]:
    """What the template needs of an example."""
    verdict = "rightly" if one.right else "wrongly"
    about = f"{one.label}, {verdict} called {one.predicted} with probability {percent(one.probability, 0)}"
    picture, sites = _at_side(one.picture, one.sites, span)
    read = _shown(overlay(picture, sites), f"Pixels read in the {about}, by weight") if sites else ""
    return {
        "name": one.name,
        "right": one.right,
        "predicted": one.predicted,
        "probability": percent(one.probability, 0),
        "picture": _shown(picture, f"Image of a {about}"),
        "overlay": read,
    }


def _at_side(
    image: Num[np.ndarray, "rows columns channel"], sites: Sites | None, span: Span | None
) -> tuple[Picture, Sites | None]:
    """The image for the eye, its longer side brought down to at most ``_SIDE``, and the sites moved with it."""
    picture = as_picture(image, span)
    factor = _SIDE / max(picture.shape[:2])
    if factor >= 1:
        return picture, sites
    height, width = (max(1, round(length * factor)) for length in picture.shape[:2])
    across = torch.tensor([width / picture.shape[1], height / picture.shape[0]]).repeat(2)
    smaller = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return smaller, replace(sites, boxes=sites.boxes.cpu() * across) if sites else None


def scale_ticks(scale: WeightScale) -> list[str]:
    """Marks of a weight scale; the ends stand for everything beyond them."""
    marks = [f"{tick:g}×" if tick >= 1 else f"1/{1 / tick:g}×" for tick in scale.ticks]
    return [f"≤ {marks[0]}", *marks[1:-1], f"≥ {marks[-1]}"]


def _ramp(values: Float[np.ndarray, "height width"]) -> Picture:
    """Values from 0 to 1 in colour."""
    return COLOURS[np.round(255 * values.clip(0, 1)).astype(int)]


def _shown(picture: Picture, alt: str) -> Markup:
    return picture_html(picture, alt, "sharp" if max(picture.shape[:2]) < _SMALL else "smooth")
