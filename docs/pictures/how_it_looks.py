"""Draw docs/pictures/how_it_looks.png: two simulated cells, what was looked at, what was read, what came out.

    python docs/pictures/how_it_looks.py demo/cells/run docs/pictures/how_it_looks.png

Takes the run that `saccade demo cells` leaves behind.
"""

import sys
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch

import saccade
from saccade.datasets.simulators import simulate_cell

CELLS = (("eosinophil", 3), ("neutrophil", 7))
TITLES = ("the image", "look: a score for every site", "select and read: the best sites", "aggregate, classify")


def draw(run: str, out: str) -> None:
    """One row per cell, one column per step."""
    predictor = saccade.load(run)
    figure, axes = plt.subplots(len(CELLS), 4, figsize=(11.5, 5.4), constrained_layout=True)
    for row, (kind, seed) in zip(axes, CELLS, strict=True):
        image = simulate_cell(kind, np.random.default_rng(seed), size=64, mpp=0.4).image
        draw_row(row, image, predictor, first=kind == CELLS[0][0])
    figure.savefig(out, dpi=110)


def draw_row(row: Any, image: np.ndarray, predictor: Any, *, first: bool) -> None:
    """The four steps of one cell."""
    result = predictor.predict([image])[0]
    boxes = result.sites.boxes[0].long()
    weights = result.sites.weights[0].numpy()
    with torch.inference_mode():
        coarse = predictor.model.coarse_map(predictor.preprocessing(image)[None])[0].numpy()
    read = (0.25 * image + 0.75 * 235).astype(np.uint8)
    for x0, y0, x1, y1 in boxes.tolist():
        read[y0:y1, x0:x1] = image[y0:y1, x0:x1]
    x, y = (boxes[:, 0] + boxes[:, 2] - 1) / 2, (boxes[:, 1] + boxes[:, 3] - 1) / 2
    row[0].imshow(image, interpolation="nearest")
    row[1].imshow(coarse, cmap="magma", interpolation="nearest", extent=(-0.5, 63.5, 63.5, -0.5))
    row[2].imshow(read, interpolation="nearest")
    heavy = weights.argsort()[-len(weights) // 4 :]
    row[2].scatter(x[heavy], y[heavy], s=7, c="#00b3a4", linewidths=0)
    names, values = zip(*sorted(result.probabilities.items(), key=lambda item: item[1]), strict=True)
    row[3].barh(names, values, color=["#b8b8b8"] * (len(names) - 1) + ["#00806f"])
    row[3].set_xlim(0, 1)
    row[3].spines[["top", "right"]].set_visible(False)
    read_share, looked = result.cost.pixels_read_fraction.item(), result.cost.pixels_looked_fraction.item()
    row[2].set_xlabel(f"{read_share:.0%} of the pixels read, {looked:.0%} looked at;\ngreen: the heaviest quarter")
    row[3].set_xlabel("probability")
    for axis, title in zip(row, TITLES, strict=True):
        if first:
            axis.set_title(title, fontsize=11)
    for axis in row[:3]:
        axis.set_xticks([])
        axis.set_yticks([])


if __name__ == "__main__":
    draw(*sys.argv[1:3])
