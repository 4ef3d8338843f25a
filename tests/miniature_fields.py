"""Small made-up fields on disk, with truth boxes, and an untrained model of them."""

import csv
from pathlib import Path

import numpy as np
import tifffile
import torch
from PIL import Image

from saccade.imaging.preprocessing import Preprocessing
from saccade.models import create_model
from saccade.models.packaging import save_model

CLASSES = ("blue", "red")
INKS = {"blue": (60, 60, 170), "red": (180, 50, 60)}
HEIGHT, WIDTH, SPOT = 120, 160, 24


def make_fields(folder: Path, per_class: int = 3, part: str = "", tiled: bool = False) -> Path:
    """Pale fields with one spot each, whose colour is the class; the last of each class has none. Returns the table.

    Args:
        folder: Where to make them.
        per_class: Fields of each class.
        part: Of the split.
        tiled: The same pixels as tiled TIFF, which one can leave in its file, and not as PNG.
    """
    dice = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    rows, boxes = [], []
    for label in CLASSES:
        for i in range(per_class):
            field = dice.normal(210, 6, (HEIGHT, WIDTH, 3))
            x, y = int(dice.integers(0, WIDTH - SPOT)), int(dice.integers(0, HEIGHT - SPOT))
            name = f"images/{label}-{i}.{'tif' if tiled else 'png'}"
            if i < per_class - 1:
                field[y : y + SPOT, x : x + SPOT] = INKS[label]
                boxes.append((name, x, y, x + SPOT, y + SPOT))
            pixels = field.clip(0, 255).astype(np.uint8)
            if tiled:
                tifffile.imwrite(folder / name, pixels, tile=(32, 32), photometric="rgb", compression="zlib")
            else:
                Image.fromarray(pixels).save(folder / name)
            rows.append((name, label, f"case {i}", part))
    for name, columns, lines in (
        ("manifest.csv", ("path", "label", "case_id", "split"), rows),
        ("boxes.csv", ("path", "x0", "y0", "x1", "y1"), boxes),
    ):
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([columns, *lines])
    return folder / "manifest.csv"


def make_field_model(
    folder: Path, name: str = "attention-sampling", mpp: float | None = None, **options: object
) -> Path:
    """An untrained model as a folder to open; ``mpp`` is what its fields are said to have had."""
    torch.manual_seed(0)
    if name == "attention-sampling":
        options = {"budget": 4, "patch": 24, "factor": 8, **options}
    preprocessing = Preprocessing(None, 3, (0.8,) * 3, (0.1,) * 3, mpp=mpp)
    save_model(folder, create_model(name, CLASSES, **options), preprocessing)
    return folder
