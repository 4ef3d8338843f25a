"""Where the time of a prediction goes, operator by operator: SparseAttnNet and the tiny CNN.

    python benchmarks/cells_profile.py --out benchmarks/results/2026-11-22-cells-profile.json

The form that prediction uses, batches of 256, as `torch.profiler` tells it: the share of the time that each operator
takes itself, what it calls not counted. Shares of one model add up to one; the profiler's own cost is in all of them.
"""

import json
from typing import Any

import torch
from cells_speed import CLASSES, MODELS, SIZE
from machine import describe_machine, timing_arguments
from torch.profiler import ProfilerActivity, profile

from saccade.core.files import write_text
from saccade.inference.fast import FastModel
from saccade.models import create_model

BATCH = 256
PROFILED = ("sparse-attn-net 5%", "sparse-attn-net 10%", "sparse-attn-net 15%", "tiny-cnn")
LEAST = 0.005
"""Operators below this share stand together, as others."""


def shares(model: FastModel, images: torch.Tensor, rounds: int) -> dict[str, float]:
    """Each operator's own share of the time, the largest first."""
    model(images)  # what is made once, such as the table of positions, is no part of a prediction
    with profile(activities=[ProfilerActivity.CPU]) as found:
        for _ in range(rounds):
            model(images)
    times = {each.key: each.self_cpu_time_total for each in found.key_averages()}
    total = sum(times.values())
    told = {name: time / total for name, time in times.items() if time >= LEAST * total}
    told = dict(sorted(told.items(), key=lambda each: -each[1]))
    return {name: round(share, 3) for name, share in {**told, "others": 1 - sum(told.values())}.items()}


def main() -> None:
    """Profile, print, write."""
    arguments = timing_arguments(__doc__)
    images = torch.randn(BATCH, 3, SIZE, SIZE)
    rows: list[dict[str, Any]] = []
    for label in PROFILED:
        name, options = MODELS[label]
        model = FastModel(create_model(name, CLASSES, **options).eval())
        rows.append({"model": label, "share_of_time": shares(model, images, arguments.rounds)})
        print(json.dumps(rows[-1]), flush=True)
    result = {"what": f"operators' own shares of the time at {SIZE} px, batches of {BATCH}", "rows": rows}
    write_text(arguments.out, json.dumps({**result, "machine": describe_machine()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
