"""The picture of one result: the image, what was read of it, and how sure the model is."""

from io import BytesIO

from matplotlib.figure import Figure

from saccade.imaging.drawing import as_picture, overlay
from saccade.inference.result import Result

_MOST_BARS = 12


def result_figure(result: Result) -> Figure:
    """Image, sites coloured by the rank of their weight, and the probabilities of the classes.

    Built without pyplot, so that it opens no window and needs no closing.
    """
    image = result.image()
    ranked = sorted(result.probabilities.items(), key=lambda pair: pair[1])[-_MOST_BARS:]
    figure = Figure(figsize=(9, 3), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    left.imshow(as_picture(image), interpolation="nearest")
    left.set_title(result.label)
    middle.imshow(overlay(image, result.sites), interpolation="nearest")
    read, looked = float(result.cost.pixels_read_fraction), float(result.cost.pixels_looked_fraction)
    middle.set_title(f"{read:.1%} of the pixels read, {looked:.0%} looked at", fontsize="medium")
    for axes in (left, middle):
        axes.set_axis_off()
    right.barh([name for name, _ in ranked], [value for _, value in ranked], color="#5b2a86")
    right.set_xlim(0, 1)
    right.set_title("probability")
    right.spines[["top", "right"]].set_visible(False)
    return figure


def figure_png(figure: Figure) -> bytes:
    """The figure as the bytes of a PNG file."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
