"""Draw accuracy against cost for PBC and its two proxies, from the files below benchmarks/results/.

python benchmarks/cells_picture.py          # writes docs/pictures/cells_accuracy_cost.png
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tables import RESULTS, Results, difference, load_results, newest

from saccade.core.files import write_bytes
from saccade.inference.plotting import figure_png
from saccade.report.style import BLUE, GREY, INK, MUTED, styled
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
    "darkest-pixels": ("darkest pixels", MUTED, "v:"),
    "brightest-pixels": ("brightest pixels", MUTED, "^:"),
}
"""Models at several shares of the pixels, which are written beside their marks."""
ALONE = {
    "sparse-attn-net": ("SparseAttnNet, by the rule for k", BLUE, "*", 9),
    "tiny-cnn": ("tiny CNN", INK, "D", 5),
    "all-pixels": ("all pixels, trained as the lines", GREY, "P", 6),
}
"""Models of one cost; those without another word are trained twice as long as the sweeps."""
LARGE = {"vit-tiny": "ViT-tiny", "efficientnet-b0": "EfficientNet-B0", "resnet18": "ResNet-18"}
SHARES = ("2%", "5%", "10%", "15%")
LEAST, MOST = 68.0, 99.0
"""The accuracies that are shown, in per cent; what lies below is named at the foot of its panel."""
MILLIONS = (4e6, 1e7, 2e7, 3e7)
"""Ticks where no large model widens the axis."""


@styled()
def picture() -> "Figure":
    """PBC against FLOPs and against time, each proxy against FLOPs."""
    from matplotlib.figure import Figure

    speed = {row["model"]: row for row in newest("cells-speed")["rows"]}
    results = {title: load_results(RESULTS / folder) for title, folder in SETS.items()}
    for model in ALONE:
        results["PBC"][model] = [row for row in newest("bench-cells") if row["model"] == model and row["accuracy"]] or (
            results["PBC"][model]
        )
    proxies = [title for title in SETS if title != "PBC" and results[title]]
    figure = Figure(figsize=(10.2, 7.4 if proxies else 4.0), layout="constrained")
    axes = figure.subplots(2 if proxies else 1, 2, squeeze=False)
    _draw(axes[0, 0], results["PBC"], lambda name, ones: _mean(ones, "flops_per_image"))
    _draw(axes[0, 1], results["PBC"], lambda name, ones: _microseconds(speed, name, ones))
    for row, name in ((speed[name], name) for name in LARGE):
        _line(axes[0, 0], row["flops_per_image"], f"{LARGE[name]}, cost alone")
        _line(axes[0, 1], 1e6 / row["images_per_second_fast"]["256"], f"{LARGE[name]}, cost alone")
    for place, title in zip(axes[-1], proxies, strict=False):
        _draw(place, results[title], lambda name, ones: _mean(ones, "flops_per_image"), large=False)
        place.set_title(title)
    axes[0, 0].set_title("PBC")
    axes[0, 1].set_title("PBC, by the clock (256 images together, two threads)")
    for place in axes.flat:
        label = "µs per image" if place is axes[0, 1] else "FLOPs per image"
        place.set(xscale="log", xlabel=label, ylabel="accuracy on the test part, %", ylim=(LEAST, MOST))
        place.xaxis.set_major_formatter(lambda value, _: amount(value))
    for place in axes[1:].flat:
        place.set_xticks(MILLIONS, minor=False)
        place.set_xticks([], minor=True)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    return figure


def _draw(axes: "Axes", results: Results, cost: Any, large: bool = True) -> None:
    """Sweeps as lines, models that choose for themselves as single marks; bars are 95 % intervals over images.

    Where there are large models, their names stand at the right.
    """
    for model, (label, colour, style) in SWEEPS.items():
        names = [f"{model} {share}" for share in SHARES if f"{model} {share}" in results]
        places = [(cost(name, results[name]), name) for name in names]
        places = [place for place in places if place[0] is not None]
        if not places:
            continue
        values = [_mark(axes, at, results, name, colour) for at, name in places]
        axes.plot([at for at, _ in places], values, style, color=colour, label=label, markersize=4)
        if model == "sparse-attn-net":
            for (at, name), value in zip(places, values, strict=True):
                share = name.split()[-1]
                axes.annotate(share, (at, value), (0, 5), textcoords="offset points", color=colour, fontsize=7)
    swept = [f"{model} {share}" for model in SWEEPS for share in SHARES]
    known = [name for name in swept if name in results and cost(name, results[name]) is not None]
    found = {name: 100 * difference(results, name, None).value for name in known}
    low = [f"{name.replace('-pixels', '')}: {value:.0f} %" for name, value in found.items() if value < LEAST]
    if low:
        below = "not shown:\n" + "\n".join(low)
        at, side = ((0.02, 0.03), "left") if large else ((0.98, 0.03), "right")
        axes.annotate(below, at, xycoords="axes fraction", ha=side, color=MUTED, fontsize=7)
    for model, (label, colour, mark, size) in ALONE.items():
        at = cost(model, results[model]) if model in results else None
        if at is not None:
            axes.plot(at, _mark(axes, at, results, model, colour), mark, color=colour, label=label, markersize=size)


def _mark(axes: "Axes", at: float, results: Results, name: str, colour: str) -> float:
    """Draw the interval of a model, and give its accuracy in per cent."""
    found = difference(results, name, None)
    if found.low is not None and found.high is not None:
        axes.vlines(at, 100 * found.low, 100 * found.high, color=colour, linewidth=0.8, alpha=0.6)
    return 100 * found.value


def _line(axes: "Axes", at: float, label: str) -> None:
    """A model that was not trained."""
    axes.axvline(at, color=GREY, linestyle=":", linewidth=1)
    style = {"rotation": 90, "ha": "right", "fontsize": 7, "color": MUTED}
    axes.annotate(label, (at, 0.03), (-3, 0), xycoords=("data", "axes fraction"), textcoords="offset points", **style)


def _mean(ones: list[dict[str, Any]], key: str) -> float:
    return float(np.mean([one[key] for one in ones]))


def _microseconds(speed: dict[str, dict[str, Any]], name: str, ones: list[dict[str, Any]]) -> float | None:
    """Of one image among 256, where this model was timed.

    A learned share was timed by the bench, in another run, of which only its ratio to the tiny CNN is taken.
    """
    if name in speed:
        return 1e6 / speed[name]["images_per_second_fast"]["256"]
    if "images_per_second" not in ones[0]:
        return None
    bar = next(row for row in newest("bench-cells") if row["model"] == "tiny-cnn")["images_per_second"]["256"]
    ratio = float(np.mean([bar / one["images_per_second"]["256"] for one in ones]))
    return 1e6 / speed["tiny-cnn"]["images_per_second_fast"]["256"] * ratio


if __name__ == "__main__":
    write_bytes(PICTURE, figure_png(picture()))
    print(Path(PICTURE).name)
