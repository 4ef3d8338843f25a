"""The picture of a bench: how good each model is, and what an image costs it."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from saccade.evaluation.intervals import Interval
from saccade.evaluation.paired_rows import mean_accuracy
from saccade.report.figures import new_figure
from saccade.report.style import styled
from saccade.report.words import amount

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKS = "osD^vP*X"
_DECADES = 30.0  # times the least from which powers of ten are ticks enough
_LEAST = 1.15  # times the middle that is shown at least, lest neighbouring ticks read alike


@styled()
def bench_figure(rows: Sequence[Mapping[str, Any]], title: str = "") -> "Figure":
    """Accuracy against cost on one data set, one mark a model and recipe: the mean over its seeds.

    A line through the mark is its 95 % interval over cases, where there is one; marks are open and of several forms,
    the ends of the lines of several widths, so that models at one place do not hide each other. Cost is FLOPs per image
    and, where all models were timed side by side, seconds as well. The upper left corner is where one wants to be. A
    model that was not trained is a line at its cost.
    """
    by_model: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        by_model[row_name(row)].append(row)
    timed = all("measured" in row for row in rows)
    figure, panels = new_figure(9.8 if timed else 6.8, 3.6, columns=2 if timed else 1)
    _draw(panels[0], by_model, lambda row: row["flops_per_image"], "FLOPs per image")
    if timed:
        batch = max(rows[0]["images_per_second"], key=int)
        label = f"µs per image, {batch} together"
        _draw(panels[1], by_model, lambda row: 1e6 / row["images_per_second"][batch], label)
        panels[1].set_ylabel("")
    figure.suptitle(title)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper", frameon=False)
    return figure


def _draw(
    axes: "Axes",
    by_model: Mapping[str, Sequence[Mapping[str, Any]]],
    cost: Callable[[Mapping[str, Any]], float],
    label: str,
) -> None:
    """One panel."""
    for number, (model, ones) in enumerate(by_model.items()):
        at, colour = float(np.mean([cost(one) for one in ones])), f"C{number}"
        trained = [one for one in ones if one["accuracy"]]
        if trained:
            seeds = f" ({len(trained)} seeds)" if len(trained) > 1 else ""
            _mark(axes, at, mean_accuracy(trained), number, model + seeds)
        else:
            axes.axvline(at, color=colour, linestyle=":", label=f"{model}, not trained")
    axes.margins(x=0.3, y=0.15)
    axes.set(xscale="log", xlabel=label, ylabel="accuracy, % (95 % interval)")
    _few_ticks(axes)


def _mark(axes: "Axes", at: float, accuracy: Interval, number: int, label: str) -> None:
    """One model: an open mark, and its interval with ends as wide as nobody else's."""
    if accuracy.value is None:
        return
    colour = f"C{number}"
    if accuracy.low is not None and accuracy.high is not None:
        low, high = 100 * accuracy.low, 100 * accuracy.high
        axes.vlines(at, low, high, color=colour, linewidth=1.2, alpha=0.7)
        axes.scatter([at, at], [low, high], s=50 + 40 * number, marker="_", color=colour, linewidth=1.2)
    form = _MARKS[number % len(_MARKS)]
    axes.plot(
        at, 100 * accuracy.value, form, color=colour, label=label, fillstyle="none", markersize=8, markeredgewidth=1.6
    )


def row_name(row: Mapping[str, Any]) -> str:
    """What a row is called: its model, and that it was not trained by the default recipe.

    >>> row_name({"model": "tiny-cnn"}), row_name({"model": "tiny-cnn", "changes": ["training.epochs=4"]})
    ('tiny-cnn', 'tiny-cnn, changed recipe')
    """
    trained = row.get("accuracy", True) is not None
    return f"{row['model']}, changed recipe" if row.get("changes") and trained else row["model"]


def _few_ticks(axes: "Axes") -> None:
    """Plain numbers such as 734 M, few enough to stand side by side: powers of ten, or between them round numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    low, high = axes.get_xlim()
    middle = (low * high) ** 0.5
    low, high = min(low, middle / _LEAST), max(high, middle * _LEAST)
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(LogLocator(numticks=6) if high / low > _DECADES else MaxNLocator(4))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: amount(value)))
