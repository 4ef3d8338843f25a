"""Plots of how far an explanation can be trusted: deletion and insertion, and the share of weight in a structure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from saccade.evaluation.intervals import Interval
from saccade.explanation.faithfulness import Faithfulness
from saccade.explanation.pointing import Pointing
from saccade.report.data import OverImages
from saccade.report.figures import draw_interval, new_figure, short
from saccade.report.style import BLUE, GREEN, GREY, INK, MUTED, ORANGE, PINK, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLES = ((BLUE, "-"), (PINK, "--"), (ORANGE, "-."), (GREY, ":"), (GREEN, (0, (5, 1, 1, 1))))
_OWN_WIDTH, _CONTROL_WIDTH = 2.4, 1.6


@styled()
def faithfulness_figure(over: OverImages[Faithfulness]) -> "Figure":
    """Mean probability of the predicted class as pixels go (left) and come back (right), by order.

    The band is the 95 % interval of the model's own order.
    """
    figure, axes = new_figure(10.6, 3.2, columns=2)
    for place, (name, curve) in enumerate(over.measured.curves.items()):
        colour, dashes = _STYLES[place % len(_STYLES)]
        for one, values in zip(axes, (curve.deletion, curve.insertion), strict=True):
            width = _CONTROL_WIDTH if place else _OWN_WIDTH
            x = 100 * curve.fractions
            one.plot(x, 100 * values.mean(axis=0), color=colour, linestyle=dashes, linewidth=width, label=name)
            if place == 0:
                low, high = _band([over.mean(step) for step in values.T])
                one.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    titles = ("Deletion: lower is better", "Insertion: higher is better")
    unit, whole = over.measured.unit, over.measured.whole
    labels = (f"{unit} replaced, % of {whole}", f"{unit} given back, % of {whole}")
    for one, title, label in zip(axes, titles, labels, strict=True):
        one.set(title=title, xlabel=label, ylim=(0, 100))
        one.margins(x=0.01)
    axes[0].set_ylabel("p(predicted class), %")
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right center", handlelength=2.6)
    return figure


def pointing_figure(over: OverImages[Pointing]) -> "Figure":
    """Share of weight, and of pixels read, inside the structure, beside what chance would give; class by class."""
    measured = over.measured
    series = (
        Series("an even spread (its share of the area)", measured.area, INK, "|"),
        Series("pixels read", measured.read, ORANGE, "D"),
        Series("weight", measured.weight, BLUE, "o"),
    )
    return shares_figure(over, series, "inside, %")


@dataclass(frozen=True, eq=False)
class Series:
    """A share of every image, with the colour and marker of its mean."""

    label: str
    values: Float[Tensor, " image"]
    colour: str
    marker: str


@styled()
def shares_figure(over: OverImages[Any], series: Sequence[Series], label: str) -> "Figure":
    """Means of three shares with their intervals, over all images and, of several classes, class by class.

    The first of the series is chance.
    """
    present = [k for k in range(len(over.classes)) if (over.labels == k).any()]
    rows = [("all" if len(present) > 1 else over.classes[present[0]], np.ones(len(over.labels), dtype=bool))]
    if len(present) > 1:
        rows += [(over.classes[k], over.labels == k) for k in present]
    offsets = (0, -0.13, 0.13)  # of three series, the first is chance and lies between the others
    figure, (axes,) = new_figure(9.8, 0.42 * len(rows) + 1.3)
    for place, (_, among) in enumerate(rows):
        for offset, one in zip(offsets, series, strict=True):
            interval = over.share(one.values.double().numpy(), among)
            draw_interval(axes, interval, place + offset, one.colour, one.marker, one.label if place == 0 else "")
    if len(rows) > 1:
        axes.axhline(0.5, color=MUTED, linewidth=0.8)
    axes.set(xlim=(0, 100), ylim=(len(rows) - 0.5, -0.5), xlabel=label)
    axes.set_yticks(range(len(rows)), [short(name) for name, _ in rows])
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles[::-1], names[::-1], loc="outside upper left", ncols=3)
    return figure


def _band(intervals: Sequence[Interval]) -> tuple[list[float], list[float]]:
    """Bounds in per cent; NaN where one case has none."""
    low = [100 * one.low if one.low is not None else np.nan for one in intervals]
    high = [100 * one.high if one.high is not None else np.nan for one in intervals]
    return low, high
