"""What `torch.compile` adds to the form that prediction uses, for SparseAttnNet and the tiny CNN, in one process.

    python benchmarks/cells_compile.py --out benchmarks/results/2026-11-22-cells-compile.json

It needs a C++ compiler on the machine, so it is measured here and not used by default. A file holds images per second
of both forms, the seconds that compiling took, and how far the compiled form's logits lie from the others.
"""

import copy
import json
import os
import tempfile
import time
from typing import Any

import torch
from cells_speed import CLASSES, MODELS, SIZE
from machine import describe_machine, timing_arguments

from saccade.core.files import write_text
from saccade.evaluation.speed import compare_speed
from saccade.inference.fast import FastModel
from saccade.models import create_model

BATCH = 256
COMPARED = ("sparse-attn-net 5%", "sparse-attn-net 10%", "sparse-attn-net 10%, CLS rounds", "tiny-cnn")
WAYS: dict[str, dict[str, Any]] = {"default": {}, "max-autotune": {"mode": "max-autotune-no-cudagraphs"}}
"""How torch compiles, in its own words."""


def compiled(fast: FastModel, images: torch.Tensor, options: dict[str, Any]) -> tuple[FastModel, float]:
    """A compiled copy, and the seconds that its first call took."""
    torch._dynamo.reset()
    made = copy.copy(fast)
    made.model = torch.compile(fast.model, dynamic=False, **options)  # pyright: ignore[reportAttributeAccessIssue]
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = scratch  # or what an earlier run compiled would be found there
        start = time.perf_counter()
        made(images)
        return made, time.perf_counter() - start


def main() -> None:
    """Compile, measure, print, write."""
    arguments = timing_arguments(__doc__)
    images = torch.randn(BATCH, 3, SIZE, SIZE)
    rows = []
    for label in COMPARED:
        name, options = MODELS[label]
        plain = FastModel(create_model(name, CLASSES, **options))
        expected = plain(images).logits
        for way, settings in WAYS.items():
            made, seconds = compiled(plain, images, settings)
            away = float((made(images).logits - expected).abs().max())
            forms = {"fast form": plain, "compiled": made}
            speed = compare_speed(forms, images, batch=BATCH, rounds=arguments.rounds, min_seconds=0.3)
            rows.append(
                {
                    "model": label,
                    "way": way,
                    "images_per_second_fast": round(speed["fast form"], 1),
                    "images_per_second_compiled": round(speed["compiled"], 1),
                    "seconds_to_compile": round(seconds, 1),
                    "largest_difference_of_logits": away,
                }
            )
            print(json.dumps(rows[-1]), flush=True)
    result = {"what": f"torch.compile at {SIZE} px, 3 channels, batches of {BATCH}", "rows": rows}
    write_text(arguments.out, json.dumps({**result, "machine": describe_machine()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
