"""Draw docs/pictures/three_ways.png: simulated cells under three instruments, and the proxies of their stained images.

python docs/pictures/three_ways.py docs/pictures/three_ways.png
"""

import sys
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from PIL import Image

from saccade.datasets.composers.modality_proxies import event_like, opd_like
from saccade.datasets.simulators import simulate_modalities
from saccade.imaging.drawing import as_picture
from saccade.imaging.events import bin_events

CELLS = (("neutrophil", 3), ("eosinophil", 3), ("lymphocyte", 5), ("monocyte", 2))
SIZE, MPP = 128, 0.16
TITLES = (
    "brightfield, stained",
    "optical path difference,\nunstained",
    "events of a flow,\nunstained",
    "OPD-like",
    "event-like",
)
MOST = 5  # events that are the full colour
MAPS = (("inferno", 0, 100), ("cividis", 0, 130))  # nm


def draw(out: str) -> None:
    """One row per cell, one column per modality; the proxies stand apart."""
    figure = plt.figure(figsize=(11.6, 10.2), facecolor="white")
    grid = figure.add_gridspec(
        len(CELLS), 6, width_ratios=(1, 1, 1, 0.16, 1, 1), left=0.015, right=0.985, top=0.9, bottom=0.09,
        wspace=0.045, hspace=0.045,
    )  # fmt: skip
    shown: dict[int, Any] = {}
    for row, (kind, seed) in enumerate(CELLS):
        cell = simulate_modalities(kind, np.random.default_rng(seed), SIZE, MPP)
        stained = cell.brightfield.image
        pictures = (
            stained,
            cell.opd[..., 0],
            coloured(bin_events(cell.events)),
            opd_like(stained)[..., 0],
            coloured(event_like(stained, np.random.default_rng(seed))),
        )
        for place, picture in zip((0, 1, 2, 4, 5), pictures, strict=True):
            axis = figure.add_subplot(grid[row, place])
            shown[place] = axis, draw_one(axis, picture, MAPS[place > 2])
            if place == 0:
                axis.text(0.03, 0.965, kind, transform=axis.transAxes, va="top", fontsize=11, color="#1f2428")
            if row == 0:
                axis.set_title(TITLES[place - (place > 2)], fontsize=10.5, pad=6)
    draw_scale(figure.axes[0])
    draw_flow(figure.axes[2])
    for place in (1, 4):
        draw_bar(figure, *shown[place], label="nm" if place == 1 else "what stands in for nm")
    for place in (2, 5):
        draw_legend(figure, shown[place][0])
    head(figure, shown[0][0], shown[2][0], "SIMULATED: one description, three instruments")
    head(figure, shown[4][0], shown[5][0], "PROXIES of the stained image")
    figure.savefig(out, dpi=100)
    with Image.open(out) as picture:
        picture.convert("RGB").quantize(256, kmeans=2).save(out, optimize=True)


def coloured(counts: np.ndarray) -> np.ndarray:
    """Counts of OFF and ON in the colours of reports: the more events, the brighter."""
    return as_picture(counts.astype(np.float32), (0.0, MOST))


def draw_one(axis: Any, picture: np.ndarray, scale: tuple[str, int, int]) -> Any:
    """One picture without ticks."""
    colours, low, high = scale
    axis.set_xticks([])
    axis.set_yticks([])
    axis.spines[:].set_color("#c9ced6")
    options: Any = {"cmap": colours, "vmin": low, "vmax": high} if picture.ndim == 2 else {}
    return axis.imshow(picture, interpolation="nearest", **options)


def draw_scale(axis: Any) -> None:
    """A bar of 5 µm."""
    length = 5 / MPP
    axis.add_patch(Rectangle((SIZE - 8 - length, SIZE - 9), length, 2.5, color="#1f2428"))
    axis.text(SIZE - 8 - length / 2, SIZE - 11, "5 µm", ha="center", va="bottom", fontsize=9.5, color="#1f2428")


def draw_flow(axis: Any) -> None:
    """Where the cell flows to."""
    axis.annotate("", (SIZE - 6, SIZE - 8), (SIZE - 38, SIZE - 8), arrowprops={"arrowstyle": "-|>", "color": "white"})
    axis.text(SIZE - 22, SIZE - 11, "flow", ha="center", va="bottom", fontsize=9.5, color="white")


def draw_bar(figure: Any, axis: Any, image: Any, label: str) -> None:
    """A colour bar below a column."""
    box = axis.get_position()
    bar = figure.add_axes((box.x0 + 0.01, box.y0 - 0.027, box.width - 0.02, 0.013))
    figure.colorbar(image, cax=bar, orientation="horizontal")
    bar.tick_params(labelsize=9, length=2)
    bar.set_xlabel(label, fontsize=9.5, labelpad=2)


def draw_legend(figure: Any, axis: Any) -> None:
    """What the colours of events mean, below a column."""
    box = axis.get_position()
    for number, (channel, name) in enumerate(((1, "ON: brighter"), (0, "OFF: darker"))):
        steps = np.zeros((1, MOST + 1, 2))
        steps[..., channel] = np.arange(MOST + 1)
        bar = figure.add_axes((box.x0 + 0.01, box.y0 - 0.027 - 0.022 * number, 0.055, 0.013))
        bar.imshow(coloured(steps), aspect="auto")
        bar.set_xticks([])
        bar.set_yticks([])
        bar.spines[:].set_color("#c9ced6")
        bar.text(MOST + 1, 0, name, va="center", fontsize=9.5)
    figure.text(box.x0 + 0.01, box.y0 - 0.072, f"0 to {MOST} at a pixel; white: both", fontsize=9.5, va="center")


def head(figure: Any, first: Any, last: Any, text: str) -> None:
    """What several columns have in common, above them."""
    left, right = first.get_position().x0, last.get_position().x1
    figure.text((left + right) / 2, 0.965, text, ha="center", fontsize=12, weight="bold", color="#1f2428")
    line = plt.Line2D((left, right), (0.953, 0.953), color="#667085", linewidth=1)
    figure.add_artist(line)


if __name__ == "__main__":
    draw(sys.argv[1])
