"""Draw accuracy against cost for PBC and its two proxies, from the files below benchmarks/results/.

python benchmarks/cells_picture.py          # writes docs/pictures/cells_accuracy_cost.png

Heights are logarithmic in the errors, so that halving them is as far at the top as at the bottom.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tables import RESULTS, Results, difference, load_results, newest

from saccade.core.files import write_bytes
from saccade.inference.plotting import figure_png
from saccade.report.style import BLUE, GREEN, GREY, INK, MUTED, ORANGE, styled
from saccade.report.words import amount

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PICTURE = RESULTS.parent.parent / "docs" / "pictures" / "cells_accuracy_cost.png"
SETS = {
    "PBC": "cells-pbc-64",
    "OPD-like proxy of PBC": "cells-pbc-opd-64",
    "event-like proxy of PBC": "cells-pbc-events-64",
}
SWEEPS = {
    "sparse-attn-net": ("SparseAttnNet, fixed shares", BLUE, "o-"),
    "random-pixels": ("random pixels", GREY, "s--"),
    "darkest-pixels": ("darkest pixels", GREEN, "v:"),
    "brightest-pixels": ("brightest pixels", ORANGE, "^:"),
}
"""Models at several shares of the pixels, which are written beside the marks of the first."""
ALONE = {
    "sparse-attn-net": ("SparseAttnNet, share found in training", BLUE, "*", 13),
    "tiny-cnn": ("tiny CNN", INK, "D", 8),
}
"""Models of one cost, trained twice as long as the sweeps; drawn open, since they lie close together."""
LARGE = {
    "all-pixels": "all pixels",
    "efficientnet-b0": "EfficientNet-B0",
    "vit-tiny": "ViT-tiny",
    "resnet18": "ResNet-18",
}
"""Models that lie beyond the edge, and are told in words."""
SHARES = ("2%", "5%", "10%", "15%")
HEIGHTS = (30, 50, 70, 80, 90, 95, 97)
"""Ticks, in per cent."""
LEAST, MOST = 20.0, 98.0
MILLIONS, MILLISECONDS = (4e6, 1e7, 2e7, 3e7), (0.05, 0.1, 0.2, 0.3)
"""Ticks of costs."""


@styled()
def picture() -> "Figure":
    """PBC against FLOPs and against time, each proxy against FLOPs."""
    from matplotlib.figure import Figure

    speed = {row["model"]: row for row in newest("cells-speed")["rows"]}
    results = {title: load_results(RESULTS / folder) for title, folder in SETS.items()}
    for model in ALONE:
        results["PBC"][model] = [row for row in newest("bench-cells") if row["model"] == model and row["accuracy"]]
    figure = Figure(figsize=(10.2, 8.2), layout="constrained")
    axes = figure.subplots(2, 2)
    _draw(axes[0, 0], results["PBC"], lambda name, ones: _mean(ones, "flops_per_image"))
    _draw(axes[0, 1], results["PBC"], lambda name, ones: _milliseconds(speed, name, ones))
    rows = {name: speed[name] for name in LARGE}
    _tell(axes[0, 0], {name: f"{amount(row['flops_per_image'])}FLOP" for name, row in rows.items()})
    _tell(axes[0, 1], {name: f"{1e3 / row['images_per_second_fast']['256']:.1f} ms" for name, row in rows.items()})
    axes[0, 0].set_title("PBC")
    axes[0, 1].set_title("PBC, by the clock (256 together, two threads)")
    for place, title in zip(axes[1], [title for title in SETS if title != "PBC"], strict=True):
        _draw(place, results[title], lambda name, ones: _mean(ones, "flops_per_image"))
        place.set_title(title)
    for place in axes.flat:
        _scale(place, "ms per image" if place is axes[0, 1] else "FLOPs per image")
    figure.legend(*axes[1, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure


def _scale(axes: "Axes", label: str) -> None:
    """Costs logarithmic, accuracies by their errors."""
    axes.set(xscale="log", xlabel=label, ylabel="accuracy on the test part, %")
    axes.set_xticks(MILLISECONDS if label.startswith("ms") else MILLIONS, minor=False)
    axes.set_xticks([], minor=True)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / 1e6:g} M" if value > 1 else f"{value:g}")
    axes.set_yscale("function", functions=(lambda of: -np.log10(100.0 - of), lambda at: 100.0 - 10.0**-at))
    axes.set_ylim(LEAST, MOST)
    axes.set_yticks(HEIGHTS)


def _tell(axes: "Axes", costs: dict[str, str]) -> None:
    """What lies beyond the edge, at the lower right."""
    lines = [f"{LARGE[name]}: {cost}" for name, cost in costs.items()]
    style: dict[str, Any] = {"ha": "right", "fontsize": 8, "color": MUTED}
    axes.annotate("\n".join(["beyond the edge:", *lines]), (0.98, 0.15), xycoords="axes fraction", **style)


def _draw(axes: "Axes", results: Results, cost: Any) -> None:
    """Sweeps as lines, models of one cost as single marks; bars are 95 % intervals over images."""
    for model, (label, colour, style) in SWEEPS.items():
        names = [f"{model} {share}" for share in SHARES if f"{model} {share}" in results]
        places = [(cost(name, results[name]), name) for name in names]
        places = [place for place in places if place[0] is not None]
        values = [_mark(axes, at, results, name, colour) for at, name in places]
        axes.plot([at for at, _ in places], values, style, color=colour, label=label, markersize=4)
        if model == "sparse-attn-net":
            for (at, name), value in zip(places, values, strict=True):
                beside: dict[str, Any] = {"textcoords": "offset points", "color": colour, "fontsize": 8}
                axes.annotate(name.split()[-1].replace("%", " %"), (at, value), (5, -11), **beside)
    for model, (label, colour, mark, size) in ALONE.items():
        at = cost(model, results[model])
        height = _mark(axes, at, results, model, colour)
        axes.plot(at, height, mark, color=colour, label=label, markersize=size, fillstyle="none", markeredgewidth=1.5)


def _mark(axes: "Axes", at: float, results: Results, name: str, colour: str) -> float:
    """Draw the interval of a model, and give its accuracy in per cent."""
    found = difference(results, name, None)
    if found.low is not None and found.high is not None:
        axes.vlines(at, 100 * found.low, 100 * found.high, color=colour, linewidth=0.8, alpha=0.6)
    return 100 * found.value


def _mean(ones: list[dict[str, Any]], key: str) -> float:
    return float(np.mean([one[key] for one in ones]))


def _milliseconds(speed: dict[str, dict[str, Any]], name: str, ones: list[dict[str, Any]]) -> float | None:
    """Of one image among 256, where this model was timed.

    A share found in training was timed by the bench, in another run, of which only its ratio to ViT-tiny is taken: that
    is made of products, as SparseAttnNet is, and the two slow down alike where a machine does.
    """
    if name in speed:
        return 1e3 / speed[name]["images_per_second_fast"]["256"]
    if "images_per_second" not in ones[0]:
        return None
    bar = next(row for row in newest("bench-cells") if row["model"] == "vit-tiny")["images_per_second"]["256"]
    ratio = float(np.mean([bar / one["images_per_second"]["256"] for one in ones]))
    return 1e3 / speed["vit-tiny"]["images_per_second_fast"]["256"] * ratio


if __name__ == "__main__":
    write_bytes(PICTURE, figure_png(picture()))
    print(Path(PICTURE).name)
