"""What one field costs, and one training step: attention sampling beside its feature network on the whole field.

    python benchmarks/fields_speed.py --out benchmarks/results/2026-11-21-fields-speed.json

No training: cost does not depend on the weights. Fields are made-up noise over a smooth ground of 1000 × 1300 pixels,
uint8 in memory; for the figures with decoding they are saved as JPEG of quality 90 first. All models take turns in one
process. The training step is the published one: 8 fields, 4 draws of 20 patches of 50 × 50, forward, backward, Adam.
"""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import torch
from machine import describe_machine, timing_arguments

from saccade.core.contract import ClassTargets
from saccade.core.files import write_text
from saccade.evaluation.cost import count_flops, count_parameters
from saccade.evaluation.memory import peak_memory_bytes
from saccade.evaluation.speed import compare_speed
from saccade.imaging.gathering import gather_stored
from saccade.imaging.image_files import load_image
from saccade.imaging.opening import open_images
from saccade.imaging.pixel_store import PixelStore
from saccade.imaging.preprocessing import Preprocessing
from saccade.imaging.rasters import Rasters
from saccade.inference.fast import FastModel
from saccade.models import create_model

CLASSES = ("a", "b", "c")
HEIGHT, WIDTH = 1000, 1300
PLAIN = Preprocessing(None, 3, (0.7,) * 3, (0.2,) * 3)
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "attention-sampling, 20 patches of 50": ("attention-sampling", {}),
    "attention-sampling, 5 patches of 50": ("attention-sampling", {"budget": 5}),
    "attention-sampling, 20 patches of 20": ("attention-sampling", {"patch": 20}),
    "uniform-patches, 20 of 50": ("uniform-patches", {}),
    "full-image-cnn": ("full-image-cnn", {"band": HEIGHT}),
    "full-image-cnn in bands of 64 rows": ("full-image-cnn", {}),
    "downscaled-cnn": ("downscaled-cnn", {}),
    "iterative-patch-selection": ("iterative-patch-selection", {}),
}


def main() -> None:
    """Measure, print, write."""
    arguments = timing_arguments(__doc__)
    result = {
        "what": f"cost of a field of {HEIGHT} × {WIDTH}, 3 channels, {len(CLASSES)} classes",
        "rows": inference(arguments.rounds, arguments.threads),
        "training_step_seconds": training_steps(arguments.rounds),
        "gather_seconds": gathers(arguments.rounds),
        "machine": describe_machine(),
    }
    print(json.dumps([result["training_step_seconds"], result["gather_seconds"]]))
    write_text(arguments.out, json.dumps(result, indent=1) + "\n")


def inference(rounds: int, threads: int) -> list[dict[str, Any]]:
    """One field at a time, from memory and from a JPEG file."""
    field = made_up(0)
    images = Rasters(PixelStore.of([field]), PLAIN.normalise)
    models = {label: create_model(name, CLASSES, **options).eval() for label, (name, options) in MODELS.items()}
    fast: dict[str, Callable[[Any], object]] = {label: FastModel(model) for label, model in models.items()}
    speeds = compare_speed(fast, images, batch=None, rounds=rounds, min_seconds=0.2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "field.jpg"
        cv2.imwrite(str(path), field[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
        whole = {label: (lambda _, m=model: m(open_images([load_image(path)], PLAIN))) for label, model in fast.items()}
        decoded = compare_speed(whole, images, batch=None, rounds=rounds, min_seconds=0.2)
        alone = compare_speed({"decoding": lambda _: load_image(path)}, images, batch=None, rounds=rounds)
    rows = []
    for label, model in models.items():
        name, options = MODELS[label]
        cost = model(images.metered()).cost
        rows.append(
            {
                "model": label,
                "parameters": count_parameters(model),
                "flops_per_image": count_flops(model, images),
                "pixels_read_fraction": float(cost.pixels_read_fraction),
                "pixels_looked_fraction": float(cost.pixels_looked_fraction),
                "seconds_per_image": round(1 / speeds[label], 5),
                "seconds_per_image_with_decoding": round(1 / decoded[label], 5),
                "seconds_decoding": round(1 / alone["decoding"], 5),
                "peak_memory_bytes": peak_memory_bytes(
                    "saccade.evaluation.assessment:ready_model",
                    {"name": name, "classes": list(CLASSES), **options},
                    shape=(1, 3, HEIGHT, WIDTH),
                    threads=threads,
                    stored=True,
                ),
            }
        )
        print(json.dumps(rows[-1]))
    return rows


def training_steps(rounds: int) -> dict[str, float]:
    """Seconds of one step at the published setting, with the reader's short way back and without."""
    images = Rasters(PixelStore.of([made_up(seed) for seed in range(8)]), PLAIN.normalise)
    targets = ClassTargets(torch.arange(8) % len(CLASSES))
    found: dict[str, list[float]] = {"lean": [], "plain": []}
    models = {name: create_model("attention-sampling", CLASSES, repeats=4).train() for name in found}
    models["plain"].read.lean = False  # type: ignore[union-attr, assignment]
    optimisers = {name: torch.optim.Adam(model.parameters(), 1e-3) for name, model in models.items()}
    for turn in range(rounds + 1):
        for name, model in models.items():
            start = time.perf_counter()
            optimisers[name].zero_grad()
            model.losses(images, targets).total.backward()
            optimisers[name].step()
            if turn:  # the first warms up
                found[name].append(time.perf_counter() - start)
    return {name: round(median(seconds), 4) for name, seconds in found.items()}


def gathers(rounds: int) -> dict[str, float]:
    """Seconds to cut 8 × 80 patches of 50 × 50, a tenth of them over an edge: in one gather, and one by one."""
    fields = [made_up(seed) for seed in range(8)]
    store = PixelStore.of(fields)
    dice = np.random.default_rng(0)
    corners = dice.integers(-10, (WIDTH - 40, HEIGHT - 40), (8, 80, 2))
    boxes = torch.from_numpy(np.concatenate([corners, corners + 50], axis=-1))

    def loop() -> torch.Tensor:
        found = [[cut(field, *corner) for corner in places] for field, places in zip(fields, corners, strict=True)]
        return torch.from_numpy(np.stack([np.stack(patches) for patches in found])).permute(0, 1, 4, 2, 3)

    assert torch.equal(loop(), gather_stored(store, boxes, 50))
    seconds: dict[str, list[float]] = {"one gather": [], "loop": []}
    for turn in range(4 * rounds + 1):
        for name, way in (("one gather", lambda: gather_stored(store, boxes, 50)), ("loop", loop)):
            start = time.perf_counter()
            way()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: round(median(each), 5) for name, each in seconds.items()}


def cut(field: np.ndarray, x: int, y: int) -> np.ndarray:
    """One patch, edges reflected where it reaches over one."""
    if 0 <= x <= WIDTH - 50 and 0 <= y <= HEIGHT - 50:
        return field[y : y + 50, x : x + 50]
    columns, rows = (np.abs(np.arange(start, start + 50)) for start in (x, y))
    columns, rows = (np.where(each < end, each, 2 * end - 2 - each) for each, end in ((columns, WIDTH), (rows, HEIGHT)))
    return field[rows[:, None], columns]


def made_up(seed: int) -> np.ndarray:
    """Noise over a smooth ground."""
    dice = np.random.default_rng(seed)
    ground = cv2.resize(dice.uniform(120, 230, (20, 26, 3)).astype(np.float32), (WIDTH, HEIGHT))
    return (ground + dice.normal(0, 8, ground.shape)).clip(0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
