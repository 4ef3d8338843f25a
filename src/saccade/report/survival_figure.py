"""The picture of a run of survival: what became of the half with the higher risk, and of the other."""

from typing import TYPE_CHECKING

import numpy as np

from saccade.evaluation.kaplan_meier import KaplanMeier
from saccade.evaluation.survival_judging import JudgedSurvival
from saccade.report.figures import new_figure
from saccade.report.style import BLUE, MUTED, ORANGE, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TICKS = 6
_CROSS = "|"  # where a case was lost from sight, as the field draws it


@styled()
def survival_figure(judged: JudgedSurvival, title: str = "") -> "Figure":
    """Kaplan-Meier curves of the two halves, parted at the median of the judged slides' risks; below, who is left.

    Args:
        judged: Times and predicted risks.
        title: Such as the concordance, or that the slides are simulated.
    """
    from matplotlib.ticker import MaxNLocator

    figure, (axes, below) = new_figure(6.6, 5.0, rows=2, heights=(4.0, 0.9))
    end = float(judged.times.max())
    halves = (("lower risk", ~judged.high, BLUE), ("higher risk", judged.high, ORANGE))
    for name, chosen, colour in halves:
        events = judged.events[chosen]
        label = f"{name}: {len(events)} slides, {int(events.sum())} with the event"
        _draw(axes, KaplanMeier.of(judged.times[chosen], events), end, colour, label)
    axes.set(xlim=(0, end or 1), ylim=(0, 102), ylabel="without the event, %", title=title)
    axes.tick_params(labelbottom=False)
    handles, names = axes.get_legend_handles_labels()
    parted = "parted at the median of the predicted risks"  # beyond the axes, where no curve runs through it
    figure.legend(handles, names, title=parted, alignment="left", loc="outside lower left", ncols=2)
    ticks = [tick for tick in MaxNLocator(_TICKS).tick_values(0, end or 1) if 0 <= tick <= end]
    for one in (axes, below):
        one.set_xticks(ticks)
    _count(below, [(name, KaplanMeier.of(judged.times[h], judged.events[h]), c) for name, h, c in halves], ticks)
    below.set(xlim=axes.get_xlim(), xlabel="time")
    return figure


def _draw(axes: "Axes", curve: KaplanMeier, end: float, colour: str, label: str) -> None:
    """A curve as steps, with a mark where a case was lost from sight."""
    if not len(curve.times):
        return
    times = np.concatenate([[0.0], curve.times, [end]])
    survival = 100 * np.concatenate([[1.0], curve.survival, curve.survival[-1:]])
    shown = times <= curve.ends[-1]  # nothing is known beyond the last case
    axes.step(times[shown], survival[shown], where="post", color=colour, label=label)
    axes.plot(curve.lost, 100 * curve.at(curve.lost), _CROSS, color=colour, markersize=7)


def _count(axes: "Axes", curves: list[tuple[str, KaplanMeier, str]], ticks: list[float]) -> None:
    """The numbers at risk as rows of text under the ticks."""
    axes.set_title("under observation", fontsize=9, fontweight="normal", color=MUTED, pad=2)
    for place, (_, curve, colour) in enumerate(curves):
        for tick, count in zip(ticks, curve.at_risk(np.array(ticks)).tolist(), strict=True):
            axes.text(tick, place, str(count), ha="center", va="center", color=colour, fontsize=9)
    axes.set(ylim=(len(curves) - 0.4, -0.6))
    axes.set_yticks(range(len(curves)), [name for name, _, _ in curves])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.tick_params(axis="y", pad=14)  # the numbers at time 0 reach beyond the axes
