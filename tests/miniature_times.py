"""Made-up slides whose time to an event hangs on their features: the stronger the mark, the sooner."""

import csv
from pathlib import Path

import numpy as np

from tests.miniature_slides import write_bag

COUNTS = {"train": 32, "val": 12, "test": 16}
SMALL = {"width": 8, "heads": 1}


def make_times(folder: Path, counts: dict[str, int] | None = None, seed: int = 0) -> Path:
    """Bags below ``job/`` and the table of their times, without labels, whose path is returned.

    Of every fifth slide the event was not seen, and its time is cut short.
    """
    dice = np.random.default_rng(seed)
    rows = []
    for part, count in (counts or COUNTS).items():
        for number in range(count):
            name, severity = f"{part}_{number}", float(dice.random())
            path = folder / "job" / "features_made-up" / f"{name}.h5"
            write_bag(path, f"{name}.svs", "tumour", 1000 + len(rows), marked=16, strength=2 * severity)
            time, lost = 60 * (1 - severity) + 2 + dice.random(), number % 5 == 4
            rows.append(
                {
                    "slide_id": name,
                    "case_id": f"case-{part}-{number}",
                    "split": part,
                    "time": f"{time * (0.7 if lost else 1):.2f}",
                    "event": int(not lost),
                }
            )
    with (folder / "times.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder / "times.csv"
