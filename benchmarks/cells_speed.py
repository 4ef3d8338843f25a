"""Images per second, FLOPs and memory of every model of single cells, side by side in one process.

    python benchmarks/cells_speed.py --out benchmarks/results/2026-11-21-cells-speed.json

No data and no training: cost does not depend on the weights, except through the budget, which is given. Every model is
measured twice: as it is, and in the fast form that prediction uses (`saccade.inference.fast`), which helps all alike.
"""

import json
from typing import Any

import torch
from machine import describe_machine, timing_arguments

from saccade.core.files import write_text
from saccade.evaluation.cost import count_flops, count_parameters
from saccade.evaluation.memory import peak_memory_bytes
from saccade.evaluation.speed import compare_speed
from saccade.inference.fast import FastModel
from saccade.models import create_model
from saccade.training.budget_schedule import sites_of_share

CLASSES = tuple("abcdefgh")
SIZE = 64
SHARES = (0.02, 0.05, 0.10, 0.15)
SITE = 2
"""Side of a site in pixels; the published form reads single pixels."""


def sites(share: float, site: int = SITE) -> dict[str, Any]:
    """Options for a model that reads this share of the pixels."""
    return {"budget": sites_of_share(share, (SIZE // site) ** 2), "site": site}


MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    **{f"sparse-attn-net {share:.0%}": ("sparse-attn-net", sites(share)) for share in SHARES},
    "sparse-attn-net 10%, CLS rounds": ("sparse-attn-net", {**sites(0.10), "attention": "rounds", "token_layers": 2}),
    "sparse-attn-net 10%, sites of 4×4": ("sparse-attn-net", {**sites(0.10, site=4), "token_layers": 2}),
    "sparse-attn-net 15%, full look": ("sparse-attn-net", {**sites(0.15), "look": "full"}),
    "sparse-attn-net 15%, as published": (
        "sparse-attn-net",
        {**sites(0.15, site=1), "look": "full", "look_bias": False, "random_share": 0.0},
    ),
    **{f"random-pixels {share:.0%}": ("random-pixels", sites(share)) for share in SHARES},
    **{f"darkest-pixels {share:.0%}": ("intensity-pixels", sites(share)) for share in SHARES},
    "all-pixels": ("all-pixels", {}),
    "tiny-cnn": ("tiny-cnn", {}),
    "vit-tiny": ("vit-tiny", {"size": SIZE}),
    "vit-tiny, patches of 16": ("vit-tiny", {"size": SIZE, "patch": 16}),
    "efficientnet-b0": ("efficientnet-b0", {"size": SIZE}),
    "resnet18": ("resnet18", {}),
}


def main() -> None:
    """Measure, print, write."""
    arguments = timing_arguments(__doc__)
    models = {label: create_model(name, CLASSES, **options).eval() for label, (name, options) in MODELS.items()}
    contestants = {label: (lambda x, m=model: m(x)) for label, model in models.items()}
    contestants |= {f"{label} (fast form)": FastModel(model) for label, model in models.items()}
    images = torch.randn(256, 3, SIZE, SIZE)
    flops = {label: count_flops(model, images[:1]) for label, model in models.items()}  # with nothing kept yet
    speeds = {
        batch: compare_speed(contestants, images, batch=batch, rounds=arguments.rounds, min_seconds=0.3)
        for batch in (1, 256)
    }
    rows = []
    for label, model in models.items():
        name, options = MODELS[label]
        rows.append(
            {
                "model": label,
                "parameters": count_parameters(model),
                "flops_per_image": flops[label],
                "images_per_second": {str(b): round(speed[label], 1) for b, speed in speeds.items()},
                "images_per_second_fast": {
                    str(b): round(speed[f"{label} (fast form)"], 1) for b, speed in speeds.items()
                },
                "peak_memory_bytes": peak_memory_bytes(
                    "saccade.models:create_model",
                    {"name": name, "classes": list(CLASSES), **options},
                    shape=(256, 3, SIZE, SIZE),
                    threads=arguments.threads,
                ),
            }
        )
        print(json.dumps(rows[-1]))
    result = {"what": f"cost at {SIZE} px, 3 channels, {len(CLASSES)} classes", "rows": rows}
    write_text(arguments.out, json.dumps({**result, "machine": describe_machine()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
