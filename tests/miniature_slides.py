"""Made-up slides as bags, small enough to train on in seconds: no pixels, features alone."""

import csv
from pathlib import Path

import h5py
import numpy as np

from saccade.features.store import BagAttributes, BagWriter

DIM = 6
CLASSES = ("normal", "tumour")


def write_bag(
    path: Path,
    name: str,
    label: str,
    seed: int,
    side: int = 4,
    encoder: str = "made-up",
    source: str = "",
    marked: int = 6,
    strength: float = 2.0,
) -> None:
    """A bag on a square lattice; of a tumour, the first patches, row by row from the top, stand out."""
    dice = np.random.default_rng(seed)
    places = 448 * np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2)
    features = 0.1 * dice.standard_normal((len(places), DIM)).astype(np.float32) + 5.0
    if label == CLASSES[1]:
        features[:marked, 0] += strength
    told = BagAttributes(
        name,
        patch_size=224,
        patch_size_level0=448,
        mpp=0.5,
        source_mpp=0.25,
        level0_width=448 * side,
        level0_height=448 * side,
        encoder=encoder,
        source=source,
        extra={"pixels_total": (448 * side) ** 2, "pixels_looked": 64, "pixels_read": len(places) * 224**2},
    )
    with BagWriter(path, rows=len(places), dim=DIM, coords=places.astype(np.int64), attributes=told) as writer:
        writer.put(0, features)


def mark_simulated(*bags: Path) -> None:
    """Have bags say that their slides were made by a program."""
    for bag in bags:
        with h5py.File(bag, "r+") as file:
            file.attrs["simulated"] = True


def make_bags(folder: Path, counts: dict[str, int] | None = None) -> Path:
    """Bags below ``job/`` and the table of their labels, whose path is returned; the slides are nowhere."""
    rows = []
    for part, count in (counts or {"train": 8, "val": 4, "test": 4}).items():
        for number in range(count):
            label, name = CLASSES[number % 2], f"{part}_{number}"
            write_bag(folder / "job" / "features_made-up" / f"{name}.h5", f"{name}.svs", label, 100 * len(rows))
            rows.append({"slide_id": name, "label": label, "case_id": f"case-{part}-{number}", "split": part})
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder / "labels.csv"
