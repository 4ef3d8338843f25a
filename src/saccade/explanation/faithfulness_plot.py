"""The curves of one slide's faithfulness as a picture that stands alone."""

from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saccade.explanation.faithfulness import Curve, Faithfulness

_STYLES = (
    ("#0072b2", "-"),
    ("#56b4e9", "--"),
    ("#d55e00", "-."),
    ("#009e73", (0, (5, 1, 1, 1))),
    ("#8a929c", ":"),
)
"""Colours of Okabe and Ito and dashes, so that lines are told apart without colours too."""

_OWN_WIDTH, _OTHER_WIDTH = 2.6, 1.7
_RC: dict[Any, Any] = {"font.size": 9.5, "axes.titlesize": 10.5, "axes.grid": True, "grid.color": "#dfe3e8"}


def faithfulness_plot(measured: Faithfulness, target: str, title: str = "") -> Figure:
    """Probability of a class as patches are taken away (left) and put back (right), a line for each order.

    The legend has the area under each curve: its mean height. Built without pyplot, so that it needs no closing.

    >>> curve = Curve(np.array([0.0, 1.0]), np.array([[0.9, 0.5]]), np.array([[0.5, 0.9]]))
    >>> len(faithfulness_plot(Faithfulness({"heaviest first": curve}, "nothing", "patches"), "tumour").axes)
    2

    Args:
        measured: Of one slide, or the mean of several is drawn.
        target: Name of the class that was followed.
        title: Written above both; mostly empty.
    """
    with rc_context(_RC):
        figure = Figure(figsize=(10.4, 4.4), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        if title:
            figure.suptitle(title, x=0.01, ha="left")
        for number, (name, curve) in enumerate(measured.curves.items()):
            _draw(left, curve, curve.deletion, f"{name}: {curve.deletion_area.mean():.2f}", number)
            _draw(right, curve, curve.insertion, f"{name}: {curve.insertion_area.mean():.2f}", number)
        left.set_title(f"{measured.unit.capitalize()} taken away: lower is better", loc="left", fontweight="bold")
        right.set_title(f"{measured.unit.capitalize()} put back: higher is better", loc="left", fontweight="bold")
        left.set_ylabel(f"probability of {target}, %")
        left.set_xlabel(f"{measured.unit} taken away, % of {measured.whole}")
        right.set_xlabel(f"{measured.unit} put back, % of {measured.whole}")
        for axes in (left, right):
            axes.set_xlim(0, 100)
            axes.set_ylim(0, 100)
            axes.spines[["top", "right"]].set_visible(False)
            axes.legend(title="order, and mean height", loc="upper center", bbox_to_anchor=(0.5, -0.16), frameon=False)
    return figure


def _draw(axes: Axes, curve: Curve, values: np.ndarray, label: str, number: int) -> None:
    colour, dashes = _STYLES[number % len(_STYLES)]
    width = _OTHER_WIDTH if number else _OWN_WIDTH
    x, y = 100 * curve.fractions, 100 * values.mean(axis=0)
    axes.plot(x, y, color=colour, linestyle=dashes, linewidth=width, label=label, clip_on=False)
