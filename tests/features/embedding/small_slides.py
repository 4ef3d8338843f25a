"""A few small slides of plain images, and an encoder whose features are known."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from saccade.features.embedding.job import Job
from saccade.features.embedding.settings import EmbedSettings
from saccade.features.patching import PatchSettings
from saccade.imaging.slides import find_slides

SIDE = 32


class MeanColour:
    """Mean of each channel, whatever the batch."""

    name, dim, input_size = "mean-colour", 3, None
    facts: Mapping[str, Any]

    def __init__(self, told: Callable[[np.ndarray], None] | None = None) -> None:
        self.facts, self.told = {"version": "1"}, told

    def __call__(self, patches: np.ndarray) -> np.ndarray:
        if self.told is not None:
            self.told(patches)
        return patches.astype(np.float64).mean(axis=(1, 2)).astype(np.float32)


def picture(seed: int, height: int = 320, width: int = 448) -> np.ndarray:
    """Noise of tissue's colours on the left, glass on the right."""
    rng = np.random.default_rng(seed)
    values = np.full((height, width, 3), 243, np.uint8)
    values[:, : width // 2] = (170, 90, 150)
    values[:, : width // 2] += rng.integers(0, 60, (height, width // 2, 3), dtype=np.uint8)
    return values


def write_slides(folder: Path, count: int = 3) -> Path:
    """PNG slides ``s0.png`` …, which state no resolution."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        cv2.imwrite(str(folder / f"s{number}.png"), picture(number)[..., ::-1])
    return folder


def small_job(slides: Path, out: Path, **changes: Any) -> Job:
    """A job over a folder, with patches of 32 base pixels."""
    options: dict[str, Any] = {"source_mpp": 2.0, "patches": PatchSettings(mpp=2.0, patch=SIDE), **changes}
    settings = EmbedSettings({"name": MeanColour.name, "version": "1"}, **options)
    return Job(out, settings, find_slides(slides))
