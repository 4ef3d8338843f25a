"""Plots about fields: pointing at truth boxes, and runs side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from saccade.explanation.box_pointing import BoxPointing
from saccade.report.data import OverImages
from saccade.report.field_data import RunRow
from saccade.report.figures import draw_interval, new_figure, short
from saccade.report.style import BLUE, INK, ORANGE, styled
from saccade.report.trust_figures import Series, shares_figure
from saccade.report.words import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def box_pointing_figure(over: OverImages[BoxPointing]) -> "Figure":
    """Heaviest patch and hit rate beside chance, class by class."""
    measured = over.measured
    series = (
        Series("by chance (the boxes' share of the area)", measured.area, INK, "|"),
        Series("patches inside", measured.hits, ORANGE, "D"),
        Series("heaviest patch inside", measured.heaviest, BLUE, "o"),
    )
    return shares_figure(over, series, "inside a truth box, %")


@styled()
def runs_figure(runs: Sequence[RunRow]) -> "Figure":
    """Accuracy of each run with its interval, and what it read."""
    figure, (axes,) = new_figure(9.8, 0.42 * len(runs) + 1.0)
    for place, run in enumerate(runs):
        draw_interval(axes, run.accuracy, place, BLUE, "o")
    axes.set(xlim=(0, 100), ylim=(len(runs) - 0.5, -0.5), xlabel="accuracy, %")
    names = [f"{short(run.name)}\n{_pixels(run)}" for run in runs]
    axes.set_yticks(range(len(runs)), names)
    return figure


def _pixels(run: RunRow) -> str:
    """Pixels read, never without those looked at."""
    return f"{percent(run.pixels_read_fraction)} read, {percent(run.pixels_looked_fraction)} looked at"
