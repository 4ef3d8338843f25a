"""Write the README's results from the files below benchmarks/results/, between its two markers.

python benchmarks/cells_table.py            # rewrite README.md
python benchmarks/cells_table.py --check    # exit 1 if README.md says anything else

The first table is of the rows that `saccade bench cells` leaves; the second of `cells_study.py`, whose tables of single
shares, and the speeds of `cells_speed.py`, `cells_page.py` puts on the method's page.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from tables import RESULTS, Results, accuracy, difference, load_results, mean, newest, pair_lines, points, rewrite

START = "<!-- results:cells -->"
PAIRS = (("sparse-attn-net", "tiny-cnn"), ("sparse-attn-net 10%, all epochs", "tiny-cnn"))
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


def bench_table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """One row per model as `saccade bench` measured it, its seeds together; and what sets the first apart."""
    models: Results = defaultdict(list)
    for row in rows:
        models[row["model"]].append(row)
    lines = [
        "| model | accuracy, % (95 % interval) | seeds | read, % | looked at, % | parameters | MFLOP "
        "| images/s, batch 256 | batch 1 | memory, MB |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, ones in models.items():
        trained = ones[0]["accuracy"] is not None
        fractions = (mean(ones, "pixels_read_fraction"), mean(ones, "pixels_looked_fraction"))
        speeds = (np.mean([one["images_per_second"][batch] for one in ones]) for batch in ("256", "1"))
        lines.append(
            f"| {name} | {accuracy(models, name) if trained else 'not trained'} | {len(ones) if trained else ''} "
            f"| {100 * fractions[0]:.1f} | {100 * fractions[1]:.0f} | {ones[0]['parameters']:,} "
            f"| {mean(ones, 'flops_per_image') / 1e6:,.1f} | {' | '.join(f'{each:,.0f}' for each in speeds)} "
            f"| {mean(ones, 'peak_memory_bytes') / 1e6:,.0f} |"
        )
    others = [(rows[0]["model"], name) for name, ones in models.items() if ones[0]["accuracy"] is not None]
    return [*lines, "", *pair_lines(models, tuple(pair for pair in others if pair[0] != pair[1]))]


def times_of(rows: Sequence[dict[str, Any]], peer: str, batch: str) -> str:
    """How many times as many images a second the first model classifies as a peer, the least and the most of seeds."""
    theirs = next(row["images_per_second"][batch] for row in rows if row["model"] == peer)
    times = [row["images_per_second"][batch] / theirs for row in rows if row["model"] == rows[0]["model"]]
    low, high = round(min(times)), round(max(times))
    return f"{low}" if low == high else f"{low} to {high}"


def section() -> str:
    """All that stands between the markers."""
    results, rows = load_results(RESULTS / "cells-pbc-64"), newest("bench-cells")
    count, about = len(rows[0]["cases"]), rows[0]["measured"]
    speeds = {row["model"]: row["images_per_second_fast"]["256"] for row in newest("cells-speed")["rows"]}
    tenth, behind = (difference(results, PAIRS[1][0], other) for other in (None, PAIRS[1][1]))
    larger = speeds["vit-tiny, patches of 16"] / speeds["vit-tiny"]
    shares = ", ".join(f"{100 * row['pixels_read_fraction']:.1f}" for row in rows if row["model"] == rows[0]["model"])
    return "\n".join(
        [
            "Blood cells of the PBC set (Acevedo et al. 2020, Mendeley Data snkd93bnjr): 400 cells of each of 8 "
            f"classes, of which {count} are tested, at 64×64; the set names no patients, so the split is by image. "
            "The table is what `saccade bench cells --data cells/manifest.csv --seeds 3 --out bench.json` "
            "[leaves](docs/how-to/compare_cells.md), with default recipes (before its rows told version, recipe, data "
            "and processor). SparseAttnNet finds its share of the pixels in training "
            f"({shares} %, by seed), and its controls, random and darkest pixels (intensity-pixels) "
            "with the same reader, read as much. Large peers are there for their cost. Speeds, and memory, the peak of "
            "256 images together, are those of the form that prediction uses for every model, all timed in one process "
            f"(torch {about['torch']}, {about['threads']} threads), "
            "decoding not included. Choices were made on the validation part; the test part was read once per row, "
            "but by four forms of the default recipe, one after the other, and what fixed shares have on it was "
            "known when the last was made; the [log](docs/log.md) tells of each. The 3,200 images are a part of the "
            "set, 280, 40 and 80 of each class to train, validate and test, identical files left out; those of the "
            "test are named in the results' files. Another part of the set would give other figures.",
            "",
            *bench_table(rows),
            "",
            f"SparseAttnNet classifies {times_of(rows, 'vit-tiny', '256')} times as many images a second as ViT-tiny, "
            f"256 together, and {times_of(rows, 'vit-tiny', '1')} times one by one. The 20 wanted are reached, 256 "
            f"together, with a fixed 10 % of the pixels, which has {100 * tenth.value:.1f} % accuracy, "
            f"{-100 * behind.value:.1f} points behind the tiny CNN. That ViT has patches of 8×8; with patches of "
            f"16×16, the size in its paper's title, it is {larger:.1f} times as fast ([both](docs/methods/"
            "sparse_attn_net.md)). The tiny CNN, of as many FLOPs, is twice as fast as SparseAttnNet and not less "
            "accurate; the darkest pixels are faster too, and level. What SparseAttnNet has before them is a map of "
            "what it used.",
            "",
            "With fixed shares and half the epochs (`benchmarks/cells_study.py`; each alone on the [method's page]"
            "(docs/methods/sparse_attn_net.md), with speeds, two proxies of these images, the choices, and simulated "
            "cells), the look is worth:",
            "",
            *control_table(results),
            "",
            "Differences are paired over images and the seeds that both have: three in the first table of pairs, one "
            "training each in the second. Intervals, 95 %, are over images and say nothing of another training, which "
            "may differ by a point. Remade by `benchmarks/cells_table.py`.",
        ]
    )


if __name__ == "__main__":
    rewrite(START, section(), __doc__)
