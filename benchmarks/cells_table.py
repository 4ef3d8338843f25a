"""Write the README's results from the files below benchmarks/results/, between its two markers.

python benchmarks/cells_table.py            # rewrite README.md
python benchmarks/cells_table.py --check    # exit 1 if README.md says anything else
"""

from typing import Any

import numpy as np
from tables import RESULTS, Results, accuracy, difference, load_results, newest, pair_lines, points, rewrite

START = "<!-- results:cells -->"
PAIRS = (("sparse-attn-net", "tiny-cnn"),)
SHARES = ("2%", "5%", "10%", "15%")
CONTROLS = ("random-pixels", "darkest-pixels", "brightest-pixels")


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


def control_table(results: Results) -> list[str]:
    """What the learned look adds to each control at the same share of the pixels; nothing where none was run."""
    shares = [share for share in SHARES if f"sparse-attn-net {share}" in results]
    known = [name for name in CONTROLS if any(f"{name} {share}" in results for share in shares)]
    if not known:
        return []
    lines = [f"| SparseAttnNet − control, points | {' | '.join(known)} |", "|---|" + "---|" * len(known)]
    for share in shares:
        pairs = ((f"sparse-attn-net {share}", f"{name} {share}") for name in known)
        cells = (points(difference(results, *pair)) if pair[1] in results else "" for pair in pairs)
        lines.append(f"| {share} of the pixels | {' | '.join(cells)} |")
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
            "Blood cells of the PBC set (Acevedo et al. 2020, Mendeley Data snkd93bnjr): 400 cells of each of 8 "
            f"classes, of which {first['n']} are tested, at 64×64; the set names no patients, so the split is by "
            "image. Every "
            "model has the same recipe but for its epochs; choices were made on the validation part and the test part "
            "was read once per run, but by the default recipes of earlier versions as well, of which the log tells. "
            "`sparse-attn-net` may read less from epoch to epoch, down to 10 %, where it ends; with a percentage "
            "behind it, that share is fixed, and such rows, trained for fewer epochs, are to be compared with each "
            "other. The controls read "
            "random, darkest or brightest pixels, or all of them, with the same reader. MFLOP are of one image.",
            "",
            *accuracy_table(results),
            "",
            *pair_lines(results, PAIRS),
            "",
            *control_table(results),
            "",
            "Differences are paired over images and the seeds that both have, with 95 % intervals.",
            "",
            f"Cost, all models in one process ({machine['processor']}, {machine['threads']} threads, "
            f"{machine['date']}, torch {machine['torch']}), decoding not included. Speeds are those of the fast form "
            "that prediction uses for every model; *plain* is the network as it is. Memory: a batch of 256, plain.",
            "",
            *speed_table(speed),
            "",
            "Remade by `benchmarks/cells_study.py`, `benchmarks/cells_speed.py` and `benchmarks/cells_table.py`; the "
            "[log](docs/log.md) tells the story, failures included. On the [method's page]"
            "(docs/methods/sparse_attn_net.md) stand the two proxies of these images, the choices and simulated cells. "
            "For your own images, `saccade bench cells --data cells/manifest.csv --out bench.json` makes "
            "[such a table and picture](docs/how-to/compare_cells.md).",
        ]
    )


if __name__ == "__main__":
    rewrite(START, section(), __doc__)
