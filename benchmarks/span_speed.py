"""What SPAN costs beside its peers and beside the arithmetic alone: time and memory, forward and training step.

    python benchmarks/span_speed.py --out benchmarks/results/2026-11-22-span-speed.json --threads 2 [--only span dense]
    python benchmarks/span_speed.py --out /tmp/quick.json --quick

Cost does not depend on the weights, so nothing is trained to an end. Slides are made up: noise for features, and places
that fill half of their bounding box in blobs, or a tenth of it at random. All models take turns in one process; a cell
is the median of some rounds. Beside each, the rate of plain 512-wide matrix products is taken before and after. SPAN's
floor is the time its FLOPs would take at that rate, those counted that remain after the exact savings; a training
step's are three times as many, less the gradient of the features, which nobody needs. Cells estimated over 15 seconds
are measured once and without a warm-up, and those over 120 seconds are skipped and say so; of slides with places at
random, so are those over 15 of peers, which do not mind where patches lie. Dense attention trains without dropout: with
it torch keeps every weight, more than 15 GB of 10,000 patches. Peak memory is that of a child process over its base
after imports and a small slide; beside it, how far it rose over the model and the bag.
`--without-memory` leaves that for a later call, for which the machine need not be quiet. What is in the output already
is not measured again.
"""

import argparse
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import torch
from machine import describe_machine

from saccade.core.bags import Bags
from saccade.core.contract import ClassTargets, SparseClassifier
from saccade.core.files import write_text
from saccade.evaluation.cost import count_parameters
from saccade.evaluation.memory_probe import all_time_peak, release, start, status_bytes
from saccade.models import MODELS, create_model
from saccade.models.parts.span_pyramid import Pyramid
from saccade.models.span import Span

FEATURES, CLASSES, LIMIT, LONG = 1024, ("a", "b"), 120.0, 15.0
ZOO: dict[str, tuple[str, dict[str, Any]]] = {
    "span": ("span", {}),
    "span, 256 wide": ("span", {"width": 256}),
    "transmil": ("transmil", {}),
    "dense": ("slide-transformer", {"width": 512, "heads": 8, "layers": 3, "dropout": 0.0}),
    "slide-transformer": ("slide-transformer", {"dropout": 0.0}),
    "gated-abmil": ("gated-abmil", {}),
    "clam-sb": ("clam-sb", {}),
    "dsmil": ("dsmil", {}),
    "mean-pooling": ("mean-pooling", {}),
    "max-pooling": ("max-pooling", {}),
}
TOKENS = (2_000, 10_000, 20_000, 50_000, 100_000)
PLACES = ("blobs 50 %", "random 10 %")
MODES = ("forward", "step")
Row = dict[str, Any]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", nargs="+", choices=ZOO, default=list(ZOO))
    parser.add_argument("--tokens", nargs="+", type=int, default=TOKENS)
    parser.add_argument("--places", nargs="+", choices=PLACES, default=PLACES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=1, help="child processes for each peak of memory")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--cpu-time", action="store_true", help="seconds of this thread; where others use the machine")
    parser.add_argument(
        "--without-memory", action="store_true", help="times alone; give the command again for the rest"
    )
    parser.add_argument("--million", action="store_true", help="also a forward pass over 1,000,000 tokens")
    parser.add_argument("--quick", action="store_true", help="2,000 and 4,000 tokens, once")
    parser.add_argument("--probe", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.probe:
        print(json.dumps(probe(**json.loads(arguments.probe))))
        return
    if arguments.out is None:
        parser.error("the following arguments are required: --out")
    if arguments.quick:
        arguments.tokens, arguments.rounds = (2_000, 4_000), 1
    Study(arguments).run()


class Study:
    """All cells, in a file that grows."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.clock: Callable[[], float] = time.thread_time if arguments.cpu_time else time.perf_counter
        self.rows: list[Row] = json.loads(arguments.out.read_text())["rows"] if arguments.out.exists() else []

    def run(self) -> None:
        for places in self.arguments.places:
            for tokens in self.arguments.tokens:
                for mode in MODES:
                    self.cells(places, tokens, mode)
        for row in [] if self.arguments.without_memory else self.rows:
            if self.wanted(row) and not row.keys() & {"skipped", "peak_memory_bytes"}:
                row |= self.memory(row, self.arguments.repeats)
                self.keep(row)
        if self.arguments.million and not self.known("span", PLACES[0], 10**6, "forward"):
            row = {"model": "span", "places": PLACES[0], "tokens": 10**6, "mode": "forward", "rounds": 1}
            self.add(row | self.memory(row, repeats=1))

    def wanted(self, row: Row) -> bool:
        """Whether a row is of what was asked for."""
        asked = self.arguments
        return row["model"] in asked.only and row["places"] in asked.places and row["tokens"] in asked.tokens

    def cells(self, places: str, tokens: int, mode: str) -> None:
        """All models on one slide."""
        names = [name for name in self.arguments.only if ZOO[name][0] in MODELS.names("slide")]
        names = [name for name in names if not self.known(name, places, tokens, mode)]
        plain = {"places": places, "tokens": tokens, "mode": mode}
        for name in [name for name in names if self.estimate(name, places, tokens, mode) > LIMIT]:
            seconds = round(self.estimate(name, places, tokens, mode))
            self.add({"model": name, **plain, "skipped": f"estimated at {seconds} seconds, over {LIMIT:g}"})
            names.remove(name)
        if places != PLACES[0]:  # peers do not mind where patches lie
            for name in [name for name in names if ZOO[name][0] != "span"]:
                if self.estimate(name, places, tokens, mode) > LONG:
                    self.add(
                        {"model": name, **plain, "skipped": f"its cost does not depend on places: see {PLACES[0]}"}
                    )
                    names.remove(name)
        if not names:
            return
        bags = made_up(tokens, places)
        runs = {name: Run(name, bags, mode) for name in names}
        seconds: dict[str, list[float]] = {name: [] for name in names}
        rates: dict[str, list[float]] = {name: [] for name in names}
        once = {name for name in names if self.estimate(name, places, tokens, mode) > LONG}
        for turn in range(self.arguments.rounds + 1):
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                if name in once and turn != 1:
                    continue
                before, begun = self.rate(), self.clock()
                runs[name].once()
                if turn:  # the first warms up
                    seconds[name].append(self.clock() - begun)
                    rates[name].append((before + self.rate()) / 2)
        for name, run in runs.items():
            row = {"model": name, **plain, "rounds": len(seconds[name]), "seconds": round(median(seconds[name]), 4)}
            row |= run.facts() | {"gemm_gflops_per_second": round(median(rates[name]) / 1e9, 1)}
            if "gflop" in row:
                floors = [row["gflop"] * 1e9 / rate for rate in rates[name]]
                row["floor_seconds"] = round(median(floors), 4)
                ratios = [spent / floor for spent, floor in zip(seconds[name], floors, strict=True)]
                row["over_floor"] = round(median(ratios), 3)
            self.add(row)

    def memory(self, row: Row, repeats: int) -> Row:
        """Peaks of child processes."""
        request = json.dumps({key: row[key] for key in ("model", "places", "tokens", "mode")})
        command = [sys.executable, __file__, "--threads", str(self.arguments.threads), "--probe", request]
        found = []
        for _ in range(repeats):
            child = subprocess.run(command, capture_output=True, text=True, check=False)
            if child.returncode:
                return {"memory_failed": (child.stderr.strip().splitlines() or [f"exit code {child.returncode}"])[-1]}
            found.append(json.loads(child.stdout.splitlines()[-1]))
        return {key: median(each[key] for each in found) for key in found[0]} | {"memory_repeats": repeats}

    def rate(self) -> float:
        """FLOPs in a second of plain products of 2048 × 512 by 512 × 512, just now."""
        left, right = torch.ones(2048, 512), torch.ones(512, 512)
        begun, count = self.clock(), 0
        while self.clock() - begun < 0.1:
            left @ right
            count += 1
        return count * 2 * left.numel() * 512 / (self.clock() - begun)

    def estimate(self, name: str, places: str, tokens: int, mode: str) -> float:
        """Seconds from the two largest cells below that were measured, growing as between them; at least linearly."""
        below = [self.known(name, places, fewer, mode) for fewer in self.arguments.tokens if fewer < tokens]
        known = [(row["tokens"], row["seconds"]) for row in below if row and "seconds" in row]
        if not known:
            return 0.0
        power = 1.0
        if len(known) > 1:
            power = math.log(known[-1][1] / known[-2][1]) / math.log(known[-1][0] / known[-2][0])
        return known[-1][1] * (tokens / known[-1][0]) ** max(1.0, power)

    def known(self, *cell: object) -> Row | None:
        keys = ("model", "places", "tokens", "mode")
        return next((row for row in self.rows if tuple(row[key] for key in keys) == cell), None)

    def add(self, row: Row) -> None:
        """Keep a new row, with all others so far."""
        self.rows.append(row)
        self.keep(row)

    def keep(self, row: Row) -> None:
        """Write all rows so far, and tell what the latest says."""
        print(json.dumps(row), flush=True)
        what = f"cost of a slide of {FEATURES}-d features, {len(CLASSES)} classes; seconds of " + (
            "the thread" if self.arguments.cpu_time else "the wall"
        )
        result = {"what": what, "rows": self.rows, "machine": describe_machine()}
        write_text(self.arguments.out, json.dumps(result, indent=1) + "\n")


class Run:
    """A model with a slide, ready to go over it."""

    def __init__(self, name: str, bags: Bags, mode: str) -> None:
        torch.manual_seed(0)
        self.model: SparseClassifier = create_model(ZOO[name][0], CLASSES, in_features=FEATURES, **ZOO[name][1])
        self.model.train(mode == "step")
        self.mode = mode
        self.optimiser = torch.optim.AdamW(self.model.parameters(), 1e-4) if mode == "step" else None
        begun = time.perf_counter()
        self.bags = self.model.preparation()(bags)
        self.preparing = time.perf_counter() - begun

    def once(self) -> None:
        """Classify the slide, or take one step of training."""
        if self.optimiser is None:
            with torch.inference_mode():
                self.model(self.bags)
            return
        self.optimiser.zero_grad()
        self.model.losses(self.bags, ClassTargets(torch.tensor([0]))).total.backward()
        self.optimiser.step()

    def facts(self) -> Row:
        """What is known without a clock."""
        facts: Row = {"parameters": count_parameters(self.model), "seconds_preparing": round(self.preparing, 4)}
        if isinstance(self.model, Span) and isinstance(self.bags.index, Pyramid):
            forward, entry = remaining_flops(self.model, self.bags.index)
            facts["gflop"] = round((forward if self.mode == "forward" else 3 * forward - entry) / 1e9, 2)
        return facts


def remaining_flops(model: Span, pyramid: Pyramid) -> tuple[float, float]:
    """FLOPs of a forward pass after the exact savings, and those of the entrance among them."""
    layer = model.aggregate.refine[0]
    width, heads = layer.query.weight.shape[0], layer.heads
    entry = total = 2.0 * len(pyramid.patch) * FEATURES * width
    for stage in pyramid.stages:
        total += 4.0 * len(stage.grid) * heads * width  # the global token's scores and sum
        if stage is not pyramid.stages[-1]:
            total += 2.0 * 8 * len(stage.grid) * width**2
            counts = torch.cat([(stage.windows.tokens >= 0).sum(1), torch.zeros(1, dtype=torch.long)])
            total += 4.0 * width * float((counts[:-1] * counts[stage.windows.neighbours].sum(1)).sum())
    return total, entry


def made_up(tokens: int, places: str) -> Bags:
    """A slide of noise: half of a square in blobs, or a tenth of one at random."""
    dice = np.random.default_rng(0)
    side = math.ceil(math.sqrt(tokens / (0.5 if places == PLACES[0] else 0.1)))
    height = dice.standard_normal((side, side), dtype=np.float32)
    if places == PLACES[0]:
        height = cv2.GaussianBlur(height, (0, 0), max(2.0, side / 16), borderType=cv2.BORDER_REFLECT)
    keep = torch.from_numpy(np.sort(np.argpartition(height.ravel(), -tokens)[-tokens:]))
    features = torch.randn(tokens, FEATURES, generator=torch.Generator().manual_seed(0))
    return Bags(features, torch.stack([keep % side, keep // side], dim=1), (tokens,))


def probe(model: str, places: str, tokens: int, mode: str) -> Row:
    """Peak memory of this process, which does nothing else."""
    Run(model, made_up(500, places), mode).once()  # the libraries' own code counts as resident once it has run
    release()
    base, resettable = start()
    run = Run(model, made_up(tokens, places), mode)
    release()
    ready, begun = status_bytes("VmRSS"), time.perf_counter()
    for _ in range(1 if mode == "forward" else 2):  # the optimiser has its moments from the first step on
        run.once()
    peak = status_bytes("VmHWM") if resettable else all_time_peak()
    assert base is not None and ready is not None and peak is not None
    above = {"peak_memory_bytes": peak - base, "peak_memory_bytes_above_model_and_bag": peak - ready}
    return above | {"seconds_in_child": round(time.perf_counter() - begun, 2)}


if __name__ == "__main__":
    main()
