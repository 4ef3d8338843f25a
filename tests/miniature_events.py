"""Made-up recordings of an event camera."""

from pathlib import Path

import numpy as np


def write_recording(path: Path, count: int = 300, seed: int = 0) -> Path:
    """Write so many random events of 20 ms on a sensor of 12 x 16, as a structured NPY."""
    dice = np.random.default_rng(seed)
    array = np.zeros(count, [("x", np.uint16), ("y", np.uint16), ("t", np.int64), ("p", np.int8)])
    array["x"], array["y"] = dice.integers(0, 16, count), dice.integers(0, 12, count)
    array["x"][0], array["y"][0] = 15, 11
    array["t"], array["p"] = np.sort(dice.integers(0, 20_000, count)), dice.integers(0, 2, count)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array)
    return path
