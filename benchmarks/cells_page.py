"""Write the tables of the method's page from the files below benchmarks/results/, between their markers.

python benchmarks/cells_page.py            # rewrite docs/methods/sparse_attn_net.md
python benchmarks/cells_page.py --check    # exit 1 if it says anything else

They compare shares of the pixels on PBC (`cells_study.py`, `cells_speed.py`), choices on its validation folds
(`cells_choices.py`) and models on its two proxies, and tell what maps are worth on simulated cells
(`cells_faithful.py`).
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from cells_choices import ALL_EPOCHS, BUDGETS
from cells_faithful import agreement
from cells_table import PAIRS, accuracy_table, control_table, speed_table
from tables import RESULTS, load_results, mean, newest, pair_lines, points, rewrite

from saccade.evaluation.comparison import paired_difference

PAGE = RESULTS.parent.parent / "docs" / "methods" / "sparse_attn_net.md"
START = "<!-- results:choices -->"
PROXIES = {"cells-pbc-opd-64": "OPD-like", "cells-pbc-events-64": "Event-like"}
TENTH = "bce, strength 1"
"""The default's model with 10 % of the pixels."""
MODALITIES = {"brightfield": "brightfield", "opd": "phase maps", "events": "events", "pbc": "PBC, real cells"}
"""Whose maps are told, and what stands above their column."""
ORDERS = ("model's weights", "pixels read, in random order", "random pixels", "darkest pixels", "brightest pixels")


def choices() -> list[str]:
    """One row per choice: accuracy over the folds, and its difference to the base on the same images."""
    others = {name for name in BUDGETS if TENTH in name} | set(ALL_EPOCHS)
    return [*_fold_table(lambda name: name not in others, "base")]


def fold_shares() -> list[str]:
    """Fixed shares with the default's model and half its epochs, beside the share that the search came to."""
    return [*_fold_table(lambda name: name == TENTH or (name in BUDGETS and TENTH in name), TENTH)]


def all_epochs() -> list[str]:
    """The default recipe beside a fixed share, both with its epochs."""
    return [*_fold_table(lambda name: name in ALL_EPOCHS, next(iter(ALL_EPOCHS)))]


def _fold_table(shown: Callable[[str], bool], base: str) -> Iterator[str]:
    """A row per choice, the base first, the others by what they read and by name."""
    results = load_results(RESULTS / "cells-choices", key="choice", order="fold")
    found = {name: {one["fold"]: one for one in ones} for name, ones in results.items() if shown(name)}
    yield f"| choice | accuracy on 3 folds, % | loss | read, % | difference to *{base}*, points (95 % interval) |"
    yield "|---|---|---|---|---|"
    folds = sorted(found[base])
    unfinished = sorted(name for name, by_fold in found.items() if sorted(by_fold) != folds)
    if unfinished:
        print(f"left out, for want of folds: {', '.join(unfinished)}")
    known = {name: [by_fold[fold] for fold in folds] for name, by_fold in found.items() if name not in unfinished}
    for name, ones in sorted(known.items(), key=lambda each: (each[0] != base, _read(each[1]), each[0])):
        ours, theirs = (np.concatenate([one["right"] for one in each]).astype(float) for each in (ones, known[base]))
        told = "" if name == base else points(paired_difference(ours, theirs, np.arange(len(ours))))
        each = ", ".join(f"{100 * one['accuracy']:.1f}" for one in ones)
        yield f"| {name} | {100 * ours.mean():.1f} ({each}) | {mean(ones, 'loss'):.3f} | {_read(ones):.1f} | {told} |"


def _read(ones: Sequence[dict[str, Any]]) -> float:
    """Per cent of the pixels, over the folds, as it is shown."""
    return round(100 * float(np.mean([one.get("pixels_read_fraction", 1.0) for one in ones])), 1)  # CNNs read all


def shares() -> list[str]:
    """PBC by single shares of the pixels, and what every form costs."""
    results, speed = load_results(RESULTS / "cells-pbc-64"), newest("cells-speed")
    machine = speed["machine"]
    return [
        "**Shares of the pixels on PBC**, 640 test images (`benchmarks/cells_study.py`). Behind a name stands the "
        "share, fixed from first to last; the share that is found in training is in the README's table. Rows of 60 "
        "epochs are to be compared with each other.",
        "",
        *accuracy_table(results),
        "",
        *pair_lines(results, PAIRS),
        "",
        f"**Cost**, all models in one process (`benchmarks/cells_speed.py`; {machine['processor']}, "
        f"{machine['threads']} threads, {machine['date']}, torch {machine['torch']}), decoding not included. Speeds "
        "are those of the fast form that prediction uses for every model; *plain* is the network as it is. Memory: a "
        "batch of 256, plain.",
        "",
        *speed_table(speed),
        "",
    ]


def proxies() -> list[str]:
    """Each proxy's models, and what the look adds to its controls."""
    lines: list[str] = []
    for folder, kind in PROXIES.items():
        results = load_results(RESULTS / folder)
        if results:
            count = next(iter(results.values()))[0]["n"]
            lines += [
                f"**{kind} proxy of PBC**, computed from its brightfield images, {count} test images, one training "
                "each, with the recipes of the table of shares above.",
                "",
                *accuracy_table(results),
                "",
                *pair_lines(results, PAIRS),
                "",
                *control_table(results),
                "",
            ]
    return lines


def maps() -> list[str]:
    """One column per modality: where the weight lies, whether it matters, and whether another seed agrees.

    Nothing where a modality has not two seeds yet.
    """
    results = {name: load_results(RESULTS / "cells-faithful", f"{name}-") for name in MODALITIES}
    ours = {name: found["sparse-attn-net"] for name, found in results.items() if "sparse-attn-net" in found}
    if not ours or any(len(ones) < 2 for ones in ours.values()):
        return []
    lines = [f"| | {' | '.join(MODALITIES[name] for name in ours)} |", "|---|" + "---|" * len(ours)]

    def row(label: str, *cells: str) -> None:
        lines.append(f"| {label} | {' | '.join(cells)} |")

    row("seeds", *(str(len(ones)) for ones in ours.values()))
    row("pixels read, %", *(_over([one["pixels_read_fraction"] for one in ones]) for ones in ours.values()))
    row("accuracy, %", *(_over([one["accuracy"]["value"] for one in ones]) for ones in ours.values()))
    bars = [results[name].get("tiny-cnn") for name in ours]
    row("the tiny CNN's (one seed)", *(_over([one["accuracy"]["value"] for one in bar]) if bar else "" for bar in bars))
    for structure in ("cell", "nucleus"):
        for key, label in (
            ("weight", f"weight inside the {structure}"),
            ("read", f"pixels read that are inside the {structure}"),
            ("area", f"the {structure}'s share of the image: chance"),
            ("heaviest", f"heaviest site inside the {structure}"),
        ):
            known = ([one["inside"][structure][key] for one in ones if "inside" in one] for ones in ours.values())
            row(f"{label}, %", *(_over(values) if values else "" for values in known))
    for curve, order in itertools.product(("deletion", "insertion"), ORDERS):
        areas = [[one["areas"][order][curve] for one in ones] for ones in ours.values()]
        row(f"{curve}, %: {order}", *map(_over, areas))
    alike = [agreement([one["maps"] for one in ones]) for ones in ours.values()]
    told = (f"{same:.2f}, {other:.2f}" for same, other in alike)
    row("two seeds' maps: correlation, that of different images", *told)
    return lines


def _over(values: list[float]) -> str:
    """Mean in per cent, with the range over seeds where there are several."""
    told = f"{100 * np.mean(values):.0f}"
    return told if len(values) == 1 else f"{told} ({100 * min(values):.0f} – {100 * max(values):.0f})"


def section() -> str:
    """All that stands between the markers."""
    lines = [
        *shares(),
        "**Choices**, each trained three times, on four fifths of PBC's training and validation images, and judged on "
        "the fifth left out, three of the five folds (`benchmarks/cells_choices.py`; 60 epochs). Each "
        "changes what its name says in the base: KL at strength 0.1, 10 % of the pixels. Two looks, "
        "without exploration, read half, decide, and read all; counted twice, that half makes 15 %. The interval is "
        "over images, given these trainings; another of the same kind differs by about a point on a fold. The default "
        "is *bce, strength 1*; without exploration it would be the row that says so.",
        "",
        *choices(),
        "",
        "**Shares of the pixels**, on the same folds, with the default's model (binary cross-entropy at strength 1) "
        "and half of its epochs; *bce, strength 1* reads 10 %.",
        "",
        *fold_shares(),
        "",
        "**With all epochs**, on the same folds: the default recipe beside a fixed 15 %.",
        "",
        *all_epochs(),
        "",
        *proxies(),
    ]
    told = maps()
    if told:
        lines += [
            "**What the maps are worth** on simulated cells, where the truth is known, and as far as it can be told "
            "without one on real cells (`benchmarks/cells_faithful.py`; the default recipe; mean and range over seeds; "
            "test part of what is simulated, validation part of PBC, which also chose the epoch). Deletion and "
            "insertion are mean probabilities of the predicted class while pixels go, the first of their order first, "
            "or come: low and high are good. Both are means along the way, over as many pixels as the model read, so "
            "that columns and seeds of other shares are not to be compared with each other.",
            "",
            *told,
        ]
    return "\n".join(lines).rstrip()


if __name__ == "__main__":
    rewrite(START, section(), __doc__, PAGE)
