"""Write the README's results from the files below benchmarks/results/, between its two markers.

python benchmarks/cells_table.py            # rewrite README.md
python benchmarks/cells_table.py --check    # exit 1 if README.md says anything else
"""

from typing import Any

import numpy as np
from tables import RESULTS, Results, accuracy, load_results, newest, pair_lines, rewrite

START = "<!-- results:cells -->"
PAIRS = (
    ("sparse-attn-net", "tiny-cnn"),
    ("sparse-attn-net 2%", "random-pixels 2%"),
    ("sparse-attn-net 5%", "random-pixels 5%"),
    ("sparse-attn-net 10%", "random-pixels 10%"),
    ("sparse-attn-net 15%", "random-pixels 15%"),
)


def accuracy_table(results: Results) -> list[str]:
    """One row per model: accuracy with its interval, pixels, size."""
    lines = [
        "| model | accuracy, % (95 % interval) | seeds | epochs | read, % | looked at, % | parameters | MFLOP |",
        "|---|---|---|---|---|---|---|---|",
    ]
    order = sorted(results, key=lambda name: (name.partition(" ")[0], results[name][0]["pixels_read_fraction"]))
    for name in order:
        ones = results[name]
        read, looked, flops = (
            np.mean([one[key] for one in ones])
            for key in ("pixels_read_fraction", "pixels_looked_fraction", "flops_per_image")
        )
        lines.append(
            f"| {name} | {accuracy(results, name)} | {len(ones)} | {ones[0]['epochs']} "
            f"| {100 * read:.1f} | {100 * looked:.0f} "
            f"| {ones[0]['parameters']:,} | {flops / 1e6:.1f} |"
        )
    return lines


def speed_table(speed: dict[str, Any]) -> list[str]:
    """One row per model: images per second as it is and in the fast form, at batch 1 and 256."""
    lines = [
        "| model | images/s, batch 256 | batch 1 | plain, batch 256 | × ViT-tiny | × ResNet-18 | memory, MB |",
        "|---|---|---|---|---|---|---|",
    ]
    fast = {row["model"]: row["images_per_second_fast"] for row in speed["rows"]}
    for row in speed["rows"]:
        at = fast[row["model"]]
        ratios = " | ".join(f"{at['256'] / fast[peer]['256']:.1f}" for peer in ("vit-tiny", "resnet18"))
        memory = row["peak_memory_bytes"]
        lines.append(
            f"| {row['model']} | {at['256']:,.0f} | {at['1']:,.0f} | {row['images_per_second']['256']:,.0f} | {ratios} "
            f"| {'' if memory is None else f'{memory / 1e6:,.0f}'} |"
        )
    return lines


def section() -> str:
    """All that stands between the markers."""
    results, speed = load_results(RESULTS / "cells-pbc-64"), newest("cells-speed")
    first = next(iter(results.values()))[0]
    machine = speed["machine"]
    return "\n".join(
        [
            f"Blood cells of the PBC set (Acevedo et al. 2020), {first['n']} test images of 8 classes, 64×64; the set "
            "names no patients, so the split is by image. Every model has the same recipe but for its epochs; choices "
            "were made on the validation part and the test part was read once per run. `sparse-attn-net` learns how "
            "many pixels it reads (10 % is the floor it may not go below); with a percentage behind it, that share is "
            "fixed, and such rows, trained for fewer epochs, are to be compared with each other. The controls read "
            "random or darkest pixels, or all of them, with the same reader. MFLOP are of one image.",
            "",
            *accuracy_table(results),
            "",
            *pair_lines(results, PAIRS),
            "",
            f"Cost, all models in one process ({machine['processor']}, {machine['threads']} threads, "
            f"{machine['date']}, torch {machine['torch']}), decoding not included. Speeds are those of the fast form "
            "that prediction uses for every model; *plain* is the network as it is. Memory: a batch of 256, plain.",
            "",
            *speed_table(speed),
            "",
            "Remade by `benchmarks/cells_study.py`, `benchmarks/cells_speed.py` and `benchmarks/cells_table.py`; the "
            "[log](docs/log.md) tells the story, failures included.",
        ]
    )


if __name__ == "__main__":
    rewrite(START, section(), __doc__)
