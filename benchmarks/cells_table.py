"""Write the README's results from the files below benchmarks/results/, between its two markers.

python benchmarks/cells_table.py            # rewrite README.md
python benchmarks/cells_table.py --check    # exit 1 if README.md says anything else
"""

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from saccade.core.files import write_text
from saccade.evaluation.comparison import Difference, paired_difference

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
STUDY = HERE / "results" / "cells-pbc-64"
START, END = "<!-- results:cells -->", "<!-- results:end -->"
PAIRS = (
    ("sparse-attn-net", "tiny-cnn"),
    ("sparse-attn-net 2%", "random-pixels 2%"),
    ("sparse-attn-net 5%", "random-pixels 5%"),
    ("sparse-attn-net 10%", "random-pixels 10%"),
    ("sparse-attn-net 15%", "random-pixels 15%"),
)

Results = dict[str, list[dict[str, Any]]]


def load_results() -> Results:
    """Every file of the study, by model, seeds in order."""
    results: Results = defaultdict(list)
    for path in sorted(STUDY.glob("*.json")):
        one = json.loads(path.read_text())
        results[one["model"]].append(one)
    return {name: sorted(ones, key=lambda one: one["seed"]) for name, ones in results.items()}


def newest_speed() -> dict[str, Any]:
    """The last speed file, by its date."""
    return json.loads(max((HERE / "results").glob("*-cells-speed.json")).read_text())


def correct(ones: list[dict[str, Any]]) -> np.ndarray:
    """Whether each image was classified rightly, one row per seed."""
    return np.array([np.equal(one["predicted"], one["labels"]) for one in ones], dtype=float)


def difference(results: Results, model: str, other: str | None) -> Difference:
    """Accuracy of a model minus another's on the same images and seeds; minus zero where there is no other."""
    ours = correct(results[model])
    theirs = correct(results[other]) if other else np.zeros_like(ours)
    return paired_difference(ours, theirs, results[model][0]["cases"])


def accuracy_table(results: Results) -> list[str]:
    """One row per model: accuracy with its interval, pixels, size."""
    lines = [
        "| model | accuracy, % (95 % interval) | seeds | epochs | read, % | looked at, % | parameters | MFLOP |",
        "|---|---|---|---|---|---|---|---|",
    ]
    order = sorted(results, key=lambda name: (name.partition(" ")[0], results[name][0]["pixels_read_fraction"]))
    for name in order:
        ones, value = results[name], difference(results, name, None)
        interval = f"({100 * (value.low or 0):.1f} – {100 * (value.high or 0):.1f})"
        read, looked, flops = (
            np.mean([one[key] for one in ones])
            for key in ("pixels_read_fraction", "pixels_looked_fraction", "flops_per_image")
        )
        lines.append(
            f"| {name} | {100 * value.value:.1f} {interval} | {len(ones)} | {ones[0]['epochs']} "
            f"| {100 * read:.1f} | {100 * looked:.0f} "
            f"| {ones[0]['parameters']:,} | {flops / 1e6:.1f} |"
        )
    return lines


def pair_lines(results: Results) -> list[str]:
    """Paired differences that the text speaks of."""
    lines = ["| paired difference, points | value | 95 % interval | seeds |", "|---|---|---|---|"]
    for model, other in PAIRS:
        if model in results and other in results:
            found, seeds = difference(results, model, other), len(results[model])
            low, high = 100 * (found.low or 0), 100 * (found.high or 0)
            lines.append(f"| {model} − {other} | {100 * found.value:+.1f} | {low:+.1f} … {high:+.1f} | {seeds} |")
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
    results, speed = load_results(), newest_speed()
    first = next(iter(results.values()))[0]
    machine = speed["machine"]
    return "\n".join(
        [
            START,
            f"Blood cells of the PBC set (Acevedo et al. 2020), {first['n']} test images of 8 classes, 64×64; the set "
            "names no patients, so the split is by image. Every model has the same recipe but for its epochs; choices "
            "were made on the validation part and the test part was read once per run. `sparse-attn-net` learns how "
            "many pixels it reads (10 % is the floor it may not go below); with a percentage behind it, that share is "
            "fixed, and such rows, trained for fewer epochs, are to be compared with each other. The controls read "
            "random or darkest pixels, or all of them, with the same reader. MFLOP are of one image.",
            "",
            *accuracy_table(results),
            "",
            *pair_lines(results),
            "",
            f"Cost, all models in one process on {machine['threads']} threads of a {machine['processor']} "
            f"({machine['date']}, torch {machine['torch']}), decoding not included. Speeds are those of the fast form "
            "that prediction uses for every model; *plain* is the network as it is. Memory: a batch of 256, plain.",
            "",
            *speed_table(speed),
            "",
            "Remade by `benchmarks/cells_study.py`, `benchmarks/cells_speed.py` and `benchmarks/cells_table.py`; the "
            "[log](docs/log.md) tells the story, failures included.",
            END,
        ]
    )


def main() -> None:
    """Rewrite, or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    made = before + section() + after
    if arguments.check:
        sys.exit(0 if made == text else "README.md does not say what the results say: run benchmarks/cells_table.py")
    write_text(README, made)


if __name__ == "__main__":
    main()
