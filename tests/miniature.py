"""Made-up images in every form that saccade takes, small enough to train on in seconds; the documents use them."""

import csv
import math
import random
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

BLOODMNIST = {"basophil": 0, "eosinophil": 1, "lymphocyte": 4, "monocyte": 5, "neutrophil": 6}
LOBES = {"basophil": 2, "eosinophil": 2, "lymphocyte": 1, "monocyte": 1, "neutrophil": 4}
CYTOPLASM = {
    "basophil": (110, 80, 160),
    "eosinophil": (235, 120, 90),
    "lymphocyte": (170, 190, 230),
    "monocyte": (190, 190, 205),
    "neutrophil": (235, 205, 205),
}


def draw_cell(kind: str, size: int, dice: random.Random) -> Image.Image:
    """Draw a disc of the kind's colour with the kind's number of nucleus lobes, a little off centre."""
    picture = Image.new("RGB", (size, size), (240, 225, 225))
    pen = ImageDraw.Draw(picture)
    x, y = (size * dice.uniform(0.42, 0.58) for _ in range(2))
    radius = size * (0.27 if kind == "lymphocyte" else 0.36)
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=CYTOPLASM[kind])
    turn = dice.uniform(0, 2 * math.pi)
    for lobe in range(LOBES[kind]):
        apart = 0 if LOBES[kind] == 1 else radius * 0.5
        angle = turn + lobe * 2 * math.pi / LOBES[kind]
        cx, cy, r = x + apart * math.cos(angle), y + apart * math.sin(angle), radius / (1 + 0.4 * LOBES[kind])
        pen.ellipse((cx - r, cy - r, cx + r, cy + r), fill=(95, 50, 130))
    noise = np.random.default_rng(dice.randrange(2**32)).normal(0, 6, (size, size, 3))
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


def make_miniature(folder: Path) -> Path:
    """Fill a folder with what the documents' commands refer to.

    - ``cells/<class>/``: twelve PNG of each class; ``cells/manifest.csv``: the same with case and µm per pixel;
    - ``images/``: unlabelled images in other formats and of another size;
    - ``bloodmnist.npz``: laid out and numbered as MedMNIST's own, three classes empty.
    """
    dice = random.Random(0)
    rows = []
    for kind in LOBES:
        (folder / "cells" / kind).mkdir(parents=True)
        for i in range(12):
            name = f"{kind}/{kind}_{i:02}.png"
            draw_cell(kind, 32, dice).save(folder / "cells" / name)
            rows.append({"path": name, "label": kind, "case_id": f"donor_{i % 6 + 1}", "mpp": 0.2})
    with (folder / "cells" / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)

    (folder / "images").mkdir()
    for name in ("first.png", "second.bmp", "third.jpg", "fourth.tiff"):
        draw_cell(dice.choice(list(LOBES)), 48, dice).save(folder / "images" / name)

    arrays = {}
    for part, count in {"train": 30, "val": 10, "test": 10}.items():
        kinds = [list(LOBES)[i % len(LOBES)] for i in range(count)]
        arrays[f"{part}_images"] = np.stack([draw_cell(kind, 28, dice) for kind in kinds])
        arrays[f"{part}_labels"] = np.array([[BLOODMNIST[kind]] for kind in kinds], dtype=np.uint8)
    np.savez(folder / "bloodmnist.npz", **arrays)
    return folder
