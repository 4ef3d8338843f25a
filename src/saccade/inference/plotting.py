"""The picture of one result: the image, what was read of it, and how sure the model is."""

import math
from dataclasses import replace
from io import BytesIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saccade.imaging.distinct_sites import are_patches, distinct_sites, weighing
from saccade.imaging.drawing import overlay
from saccade.imaging.field_drawing import field_picture, patch_sheet
from saccade.inference.result import Result

_MOST_BARS = 12
_LEAST_SIDE = 12  # pixels the model saw of a site, from which there is something to see in it
_LONGEST = 1000  # pixels of a field in the figure


def result_figure(result: Result) -> Figure:
    """Image, what was read of it, and the probabilities of the classes.

    Of cells, sites are coloured by weight; of fields, they are outlined and numbered, with the patches beside.
    Built without pyplot, so that it opens no window and needs no closing.
    """
    figure = Figure(figsize=(9, 3), layout="constrained")
    if shows_patches(result):
        figure.set_size_inches(11, 4)
    left, middle, right = figure.subplots(1, 3)
    for axes, picture in zip((left, middle), _pictures(result), strict=True):
        axes.imshow(picture, interpolation="nearest")
        axes.set_axis_off()
    left.set_title(result.label)
    read, looked = float(result.cost.pixels_read_fraction), float(result.cost.pixels_looked_fraction)
    middle.set_title(f"{read:.1%} of the pixels read, {looked:.0%} looked at", fontsize="medium")
    _bars(right, result)
    return figure


def _pictures(result: Result) -> list[np.ndarray]:
    """The image, and what was read of it; a field that is too large to decode as a small version of it."""
    shown = result.shown()
    if not shows_patches(result):
        whole = shown.whole()
        sites = replace(result.sites, boxes=result.sites.boxes * (whole.shape[1] / shown.extent[1]))
        return [whole, overlay(whole, sites)]
    sites = weighing(distinct_sites(result.sites))
    field = field_picture(shown.whole(_LONGEST), sites=sites, extent=shown.extent)
    return [field, patch_sheet(shown.patches(sites.boxes[0]), sites.weights[0].tolist(), side=110, columns=3)]


def shows_patches(result: Result) -> bool:
    """Whether the sites are large enough to see something in, in the pixels that the model saw."""
    read, reads = float(result.cost.pixels_read), float(result.cost.reads)
    return reads > 0 and math.sqrt(read / reads) >= _LEAST_SIDE and are_patches(result.sites, result.extent)


def figure_png(figure: Figure) -> bytes:
    """The figure as the bytes of a PNG file."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def _bars(axes: Axes, result: Result) -> None:
    """Probabilities of the likeliest classes."""
    ranked = sorted(result.probabilities.items(), key=lambda pair: pair[1])[-_MOST_BARS:]
    axes.barh([name for name, _ in ranked], [value for _, value in ranked], color="#5b2a86")
    axes.set_xlim(0, 1)
    axes.set_title("probability")
    axes.spines[["top", "right"]].set_visible(False)
