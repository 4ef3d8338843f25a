"""The picture of a bench: how good each model is, and what an image costs it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from saccade.report.figures import new_figure
from saccade.report.style import styled
from saccade.report.words import amount

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DECADES = 30.0  # times the least from which powers of ten are ticks enough
_LEAST = 1.15  # times the middle that is shown at least, lest neighbouring ticks read alike


@styled()
def bench_figure(rows: Sequence[Mapping[str, Any]]) -> "Figure":
    """Accuracy against FLOPs per image, one mark a model and recipe: the mean over its seeds, and their range.

    The upper left corner is where one wants to be.
    """
    by_model: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        by_model[row_name(row)].append(row)
    figure, (axes,) = new_figure(6.4, 4.0)
    for number, (model, ones) in enumerate(by_model.items()):
        values = 100 * np.array([one["accuracy"]["value"] for one in ones])
        flops, colour = float(np.mean([one["flops_per_image"] for one in ones])), f"C{number}"
        seeds = f" ({len(ones)} seeds)" if len(ones) > 1 else ""
        axes.vlines(flops, values.min(), values.max(), color=colour)
        axes.plot(flops, values.mean(), "o", color=colour)
        axes.annotate(model + seeds, (flops, values.mean()), (6, 4), textcoords="offset points", color=colour)
    axes.margins(x=0.3, y=0.15)
    axes.set(xscale="log", xlabel="FLOPs per image", ylabel="accuracy, %")
    _few_ticks(axes)
    return figure


def row_name(row: Mapping[str, Any]) -> str:
    """What a row is called: its model, and that it was not trained by the default recipe.

    >>> row_name({"model": "tiny-cnn"}), row_name({"model": "tiny-cnn", "changes": ["training.epochs=4"]})
    ('tiny-cnn', 'tiny-cnn, changed recipe')
    """
    return f"{row['model']}, changed recipe" if row.get("changes") else row["model"]


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
