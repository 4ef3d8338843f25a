"""Made-up slides whose upper rows of patches are tumour, with outlines that say so."""

import csv
import json
from pathlib import Path

import numpy as np

from tests.miniature_slides import write_bag

PATCH = 448  # base pixels
SIDE = 6
CLASSES = ("normal", "tumour")
COUNTS = {"train": 12, "val": 4, "test": 6}


def outline(x0: float, y0: float, x1: float, y1: float, name: str = "tumour") -> dict:
    ring = [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"objectType": "annotation", "classification": {"name": name}},
    }


def write_outlines(path: Path, *features: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def make_annotated(folder: Path, counts: dict[str, int] | None = None, bare: int = 1, seed: int = 0) -> Path:
    """Bags below ``job/``, outlines in ``annotations/`` and their table, whose path is returned.

    One to three rows of six are tumour, all others normal; tissue is outlined too. The last of the slides to train on
    have no annotation. The third of each part has a table of its patches in place of outlines.
    """
    dice = np.random.default_rng(seed)
    rows = []
    for part, count in (counts or COUNTS).items():
        for number in range(count):
            name, tumour = f"{part}_{number}", int(dice.integers(1, 4))
            bag = folder / "job" / "features_made-up" / f"{name}.h5"
            write_bag(bag, f"{name}.svs", "tumour", 500 + len(rows), side=SIDE, marked=SIDE * tumour)
            path = folder / "annotations" / f"{name}.{'csv' if number == 2 else 'geojson'}"
            if number == 2:
                write_patch_rows(path, tumour)
            else:
                tissue = outline(0, 0, SIDE * PATCH, SIDE * PATCH, "tissue")
                write_outlines(path, outline(0, 0, SIDE * PATCH, tumour * PATCH), tissue)
            known = part != "train" or number < count - bare
            annotation = path.relative_to(folder).as_posix() if known else ""
            case = f"case-{part}-{number}"
            rows.append({"slide_id": name, "case_id": case, "split": part, "annotation_path": annotation})
    with (folder / "annotated.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder / "annotated.csv"


def write_patch_rows(path: Path, tumour: int) -> None:
    """A table of all patches, in an order of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{x * PATCH},{y * PATCH},{CLASSES[y < tumour]}" for x in range(SIDE) for y in range(SIDE)]
    path.write_text("\n".join(["x,y,label", *lines]))
