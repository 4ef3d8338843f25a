"""Plots of training and of how good predictions are: from values to matplotlib figures, knowing nothing of pages.

Each is drawn in the report's style; `style.figure_html` brings it into the page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from saccade.evaluation.calibration import Calibration
from saccade.evaluation.intervals import Interval
from saccade.evaluation.metrics import Metrics
from saccade.report.style import BLUE, GREY, INK, MUTED, PAPER, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LONGEST_NAME = 22


@dataclass(frozen=True)
class _Panel:
    """One plot over epochs: columns of the history with label, colour and dashes."""

    title: str
    lines: tuple[tuple[str, str, str, str], ...]
    percent: bool = False


_PANELS = (
    _Panel("Loss", (("training", "train_loss", GREY, "--"), ("validation", "val_loss", BLUE, "-"))),
    _Panel("Accuracy on validation, %", (("", "val_accuracy", BLUE, "-"),), percent=True),
    _Panel("Budget k: pixels read, %", (("", "pixels_read_fraction", BLUE, "-"),), percent=True),
)


@styled()
def training_figure(history: Sequence[Mapping[str, Any]]) -> "Figure":
    """Loss, accuracy and budget over epochs; a panel without values is left out."""
    from matplotlib.ticker import MaxNLocator

    panels = [one for one in _PANELS if any(np.isfinite(column(history, line[1])).any() for line in one.lines)]
    figure, all_axes = new_figure(3.55 * len(panels), 2.6, columns=len(panels))
    epochs = column(history, "epoch")
    for panel, axes in zip(panels, all_axes, strict=True):
        for label, name, colour, dashes in panel.lines:
            values = column(history, name) * (100 if panel.percent else 1)
            axes.plot(epochs, values, dashes, color=colour, label=label, marker="o", markersize=3)
            if panel.percent:
                _mark_last(axes, epochs, values)
        if not panel.percent:
            axes.legend()
        axes.set_ylim(bottom=0)
        axes.set(title=panel.title, xlabel="epoch")
        if any(line[1] == "pixels_read_fraction" for line in panel.lines):
            _tell_looked(axes, last_known(history, "pixels_looked_fraction"))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


@styled()
def budget_figure(shares: Float[np.ndarray, " share"], losses: Float[np.ndarray, " share"], kept: int) -> "Figure":
    """Validation loss against the share of the pixels read, the share that was kept marked."""
    from matplotlib.ticker import NullLocator

    figure, (axes,) = new_figure(4.6, 2.8)
    axes.plot(100 * shares, losses, color=BLUE, marker="o", markersize=3)
    axes.plot(100 * shares[kept], losses[kept], "o", color=BLUE, markersize=9, fillstyle="none")
    axes.annotate(
        f"kept: {100 * shares[kept]:.1f} %", (100 * shares[kept], losses[kept]), (0, 9), textcoords="offset points"
    )
    axes.set(xscale="log", xlabel="pixels read, %", ylabel="validation loss", ylim=(0, 1.1 * float(losses.max())))
    ticks = [each for each in (1, 2, 5, 10, 20, 50, 100) if 80 * shares.min() <= each <= 120 * shares.max()]
    axes.set_xticks(ticks, [str(each) for each in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    return figure


@styled()
def confusion_figure(metrics: Metrics) -> "Figure":
    """Counts of true against predicted class; colour is the share of the row."""
    from matplotlib.patches import Rectangle

    names = [short(name) for name in metrics.per_class]
    counts = np.array(metrics.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = max(4.6, 0.52 * len(names) + 1.6)
    figure, (axes,) = new_figure(side + 0.6, side)
    for (row, place), count in np.ndenumerate(counts):
        share = shares[row, place]
        axes.add_patch(Rectangle((place - 0.48, row - 0.48), 0.96, 0.96, facecolor=BLUE, alpha=0.04 + 0.96 * share))
        if count:
            axes.text(place, row, f"{count}", ha="center", va="center", color=PAPER if share > 0.5 else INK)
    axes.set(xlim=(-0.5, len(names) - 0.5), ylim=(len(names) - 0.5, -0.5), aspect="equal")
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted", ylabel="true")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return figure


@styled()
def recall_figure(metrics: Metrics) -> "Figure":
    """Share of each class that was found, with its 95 % interval."""
    rows = [(short(name), one.recall, f"n = {one.n}") for name, one in metrics.per_class.items()]
    figure, (axes,) = new_figure(5.3, max(4.2, 0.34 * len(rows) + 1.0))
    for place, (_, interval, note) in enumerate(rows):
        draw_interval(axes, interval, place, BLUE, "o")
        axes.text(101, place, note, va="center", color=MUTED, fontsize=8.5)
    ends = [one.value if one.low is None else one.low for _, one, _ in rows if one.value is not None]
    lowest = min(ends, default=0)  # an interval that reaches beyond the axis would be drawn there all the same
    axes.set(xlim=(max(0, 100 * lowest - 6), 100), ylim=(len(rows) - 0.5, -0.5), xlabel="recall, %")
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    return figure


@styled()
def reliability_figure(calibration: Calibration, counted: str = "images") -> "Figure":
    """Accuracy against confidence, and how many images have that confidence."""
    figure, (axes, below) = new_figure(5.0, 4.2, rows=2, heights=(3.2, 1.0))
    filled = [one for one in calibration.bins if one.n]
    axes.plot([0, 100], [0, 100], color=GREY, linestyle=":", linewidth=1.2)
    axes.text(3, 97, "too cautious", color=MUTED, va="top")
    axes.text(98, 3, "too sure", color=MUTED, ha="right")
    largest = max(one.n for one in filled)
    axes.scatter(
        [100 * (one.confidence or 0) for one in filled],
        [100 * (one.accuracy or 0) for one in filled],
        s=[16 + 110 * one.n / largest for one in filled],
        color=BLUE,
        zorder=3,
        clip_on=False,
    )
    axes.set(xlim=(0, 100), ylim=(0, 100), ylabel="accuracy, %")
    axes.tick_params(labelbottom=False)
    centres = [50 * (one.low + one.high) for one in filled]
    width = 100 / len(calibration.bins) - 1
    below.bar(centres, [one.n for one in filled], width=width, color=BLUE, alpha=0.55)
    below.set(xlim=(0, 100), xlabel="confidence, %", ylabel=counted)
    return figure


def new_figure(
    width: float, height: float, columns: int = 1, rows: int = 1, heights: tuple[float, ...] | None = None
) -> tuple["Figure", "list[Axes]"]:
    """A figure without pyplot, so without windows or a global list, and its axes in reading order."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    return figure, list(figure.subplots(rows, columns, squeeze=False, height_ratios=heights).flat)


def draw_interval(
    axes: "Axes", interval: Interval, place: int | float, colour: str, marker: str, label: str = ""
) -> None:
    """A horizontal interval in per cent, with its value marked; nothing where it is not defined."""
    if interval.value is None:
        return
    if interval.low is not None and interval.high is not None:
        ends = [100 * interval.low, 100 * interval.high]
        axes.plot(ends, [place, place], color=colour, linewidth=2, alpha=0.45, clip_on=False)
    axes.plot(100 * interval.value, place, marker, color=colour, markersize=6, label=label, linestyle="", clip_on=False)


def column(rows: Sequence[Mapping[str, Any]], name: str) -> Float[np.ndarray, " row"]:
    """A column as numbers; NaN where a row has none."""
    return np.array([_number(row.get(name)) for row in rows], dtype=np.float64)


def last_known(rows: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """The last number in a column; ``None`` where it holds none."""
    values = column(rows, name)
    known = values[np.isfinite(values)]
    return float(known[-1]) if len(known) else None


def short(name: str) -> str:
    """A name that leaves room for the plot."""
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):  # missing, or an empty cell of a CSV
        return float("nan")


def _tell_looked(axes: "Axes", looked: float | None) -> None:
    """Say beside the title what share of the pixels was looked at: pixels read are never shown without it."""
    if looked is not None:
        style: dict[str, Any] = {"loc": "right", "color": MUTED, "fontsize": 8.5, "fontweight": "normal"}
        axes.set_title(f"looked at: {100 * looked:.0f} %", **style)


def _mark_last(axes: "Axes", x: np.ndarray, y: np.ndarray) -> None:
    """Write the last value beside the end of a line."""
    finite = np.flatnonzero(np.isfinite(y))[-1:]
    for i in finite:
        axes.annotate(f"{y[i]:.1f}", (x[i], y[i]), (0, 8), textcoords="offset points", ha="right", color=BLUE)
        axes.margins(y=0.15)
