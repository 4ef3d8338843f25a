"""SPAN, its ablations and peers on the three simulated tasks that each need one of its parts; one JSON per run.

    python benchmarks/slides_tasks.py --out benchmarks/results/slides-tasks

What each task needs, and why, stands in `saccade.datasets.simulators.slides.tasks`. Features are simulated: a direction
for each kind of patch, and noise. Every slide trained on is new. Slides grow harder while a model learns: without
necrosis and with little noise at first, then with more of both as soon as it is right, or its share of the steps is
over. Training ends when slides of full difficulty, validation slides among them, are classified rightly, else after
`--steps`. The test slides, all of full difficulty, are read once.

Every model gets the same slides, rates and steps. `CEILINGS` holds what models can reach that lack the part a task
needs; where nothing stands there, nothing is promised. A table of all files is printed at the end.
Wall time per file: half a minute on one idle thread where a model learns the task, 1 to 2 minutes where it cannot.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from machine import describe_machine
from torch import Tensor

from saccade.core.bags import Bags
from saccade.core.contract import ClassTargets, SparseClassifier
from saccade.core.files import write_text
from saccade.datasets.simulators.slides.patch_grids import simulate_features
from saccade.datasets.simulators.slides.tasks import CLASSES, TASKS, LatticeTask, draw_grids
from saccade.evaluation.cost import count_parameters
from saccade.models import create_model

FEATURES, WIDTH, HEADS, BATCH = 16, 64, 4, 32
NOISE = (0.05, 0.2)
"""Length of the features' noise on the easiest slides and on the hardest."""

LESSONS = (0.0, 0.25, 0.5, 1.0)
"""Share of the full difficulty, in order of teaching."""

RATE, TABLE_RATE, WARM_UP = 2e-3, 2e-2, 20  # position biases start at 0.02 and must reach about 2 to matter
PARTS, VALIDATION, TEST = ("train", "validate", "test"), 8, 32  # batches

SPAN = {"in_features": FEATURES, "width": WIDTH, "heads": HEADS, "dropout": 0.0}
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "span": ("span", SPAN),
    "no-shift": ("span", {**SPAN, "ablation": "no-shift"}),
    "no-pyramid": ("span", {**SPAN, "ablation": "no-pyramid"}),
    "no-global-token": ("span", {**SPAN, "ablation": "no-global-token"}),
    "gated-abmil": ("gated-abmil", {"in_features": FEATURES, "width": WIDTH, "hidden": WIDTH}),
    "mean-pooling": ("mean-pooling", {"in_features": FEATURES, "width": WIDTH}),
}
CEILINGS = {
    ("shift", "no-shift"): 0.5,
    ("pyramid", "no-pyramid"): 0.5,
    ("pyramid", "no-shift"): 0.5,  # without the overlap of two windows none of 12 patches holds two that are 16 apart
    ("global", "no-global-token"): 0.75,
    **{(task, peer): 0.5 for task in TASKS for peer in ("gated-abmil", "mean-pooling")},
}
"""The highest accuracy that a model can reach but by luck, by the tasks' arguments; 1 where none is given."""


@dataclass(frozen=True)
class Course:
    """Slides of one task for one seed."""

    task: LatticeTask
    seed: int

    def batch(self, part: str, number: int, difficulty: float) -> tuple[Bags, Int[Tensor, " slide"]]:
        """Some slides with their labels; no slide twice. All seeds are validated and tested on the same."""
        own = [PARTS.index(part), self.seed if part == "train" else 0, number]
        seed = int(np.random.SeedSequence(own).generate_state(1)[0])
        task = replace(self.task, necrosis=self.task.necrosis * difficulty)
        noise = NOISE[0] + (NOISE[1] - NOISE[0]) * difficulty
        rng, bags, labels = np.random.default_rng([seed, 1]), [], []
        for grid in draw_grids(task, BATCH, seed):
            features = torch.from_numpy(simulate_features(grid, rng, FEATURES, noise))
            bags.append(Bags(features, torch.from_numpy(grid.cells), (len(grid),)))
            labels.append(CLASSES.index(grid.label))
        return Bags.concatenate(bags), torch.tensor(labels)


def optimiser_of(model: torch.nn.Module) -> torch.optim.Optimizer:
    """AdamW, with a rate of its own for tables of position biases, which start near zero and are not decayed."""
    tables = [each for name, each in model.named_parameters() if name.endswith("table")]
    others = [each for name, each in model.named_parameters() if not name.endswith("table")]
    groups = [{"params": others, "lr": RATE}, {"params": tables, "lr": TABLE_RATE, "weight_decay": 0.0}]
    return torch.optim.AdamW([group for group in groups if group["params"]], weight_decay=1e-4)


@torch.no_grad()
def share_right(model: SparseClassifier, slides: Iterator[tuple[Bags, Tensor]]) -> tuple[float, int]:
    """Share of slides classified rightly, and how many they are."""
    model.eval()
    right = torch.cat([model(bags).logits.argmax(1) == labels for bags, labels in slides])
    model.train()
    return float(right.float().mean()), len(right)


def train(model: SparseClassifier, course: Course, steps: int) -> tuple[list[dict[str, float]], int]:
    """Lesson after lesson; the means of every 25 steps, and how many steps were taken."""
    optimiser, lesson, history = optimiser_of(model.train()), 0, []
    warm_up = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1.0, (step + 1) / WARM_UP))
    recent: list[tuple[float, float]] = []  # cross-entropy and accuracy
    for step in range(1, steps + 1):
        bags, labels = course.batch("train", step, LESSONS[lesson])
        optimiser.zero_grad()
        losses = model.losses(bags, ClassTargets(labels))
        losses.total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        warm_up.step()
        accuracy = float((losses.prediction.logits.argmax(1) == labels).float().mean())
        recent.append((losses.total.item(), accuracy))
        if step % 25 == 0:
            entropy, accuracy = np.mean(recent[-25:], axis=0).round(4).tolist()
            history.append({"step": step, "lesson": lesson, "cross_entropy": entropy, "accuracy": accuracy})
            print(history[-1], flush=True)
        learned = len(recent) >= 8 and np.mean([each for _, each in recent[-8:]]) > 0.95
        if lesson + 1 == len(LESSONS):
            if learned and step % 25 == 0 and solves_validation(model, course):
                return history, step
        elif learned or step >= 0.75 * steps * (lesson + 1) / (len(LESSONS) - 1):
            lesson, recent = lesson + 1, []
    return history, steps


def solves_validation(model: SparseClassifier, course: Course) -> bool:
    """Whether hardly a validation slide is misjudged."""
    return share_right(model, (course.batch("validate", each, 1.0) for each in range(VALIDATION)))[0] >= 0.99


def wilson(share: float, count: int) -> dict[str, float]:
    """A share with its 95 % interval by Wilson's score."""
    z = 1.959964
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2)
    return {"value": round(share, 4), "low": round(middle - half, 4), "high": round(middle + half, 4)}


def run(name: str, task: str, seed: int, steps: int) -> dict[str, Any]:
    """Build, train, test."""
    torch.manual_seed(seed)
    course, start, busy = Course(TASKS[task], seed), time.perf_counter(), time.process_time()
    registered, options = MODELS[name]
    model = create_model(registered, CLASSES, **options)
    history, taken = train(model, course, steps)
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    right, slides = share_right(model, (course.batch("test", each, 1.0) for each in range(TEST)))
    return {
        "model": name,
        "task": task,
        "data": f"grids of patches, simulated, {FEATURES} features",
        "ceiling": CEILINGS.get((task, name), 1.0),
        "seed": seed,
        "accuracy": wilson(right, slides),
        "test_slides": slides,
        "tokens_per_slide": len(next(draw_grids(course.task, 1))),
        "parameters": count_parameters(model),
        "steps": taken,
        "steps_at_most": steps,
        "batch": BATCH,
        "seconds_training": round(seconds, 1),
        "processor_seconds_training": round(busy, 1),
        "history": history,
        "machine": describe_machine(),
    }


def table(folder: Path) -> str:
    """One row per model: accuracy on each task in percent, seed by seed, and steps where training ended early."""
    lines = ["| model | " + " | ".join(TASKS) + " |", "|---" * (1 + len(TASKS)) + "|"]
    for name in MODELS:
        row = [name]
        for task in TASKS:
            ones = [json.loads(path.read_text()) for path in sorted(folder.glob(f"{task}-{name}-seed*.json"))]
            told = [f"{100 * one['accuracy']['value']:.1f} ({one['steps']} steps)" for one in ones]
            ceiling = f"; at most {100 * CEILINGS[task, name]:.0f}" if (task, name) in CEILINGS else ""
            row.append(", ".join(told) + ceiling)
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def main() -> None:
    """Parse, then run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tasks", nargs="*", default=list(TASKS), choices=list(TASKS), metavar="TASK")
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=list(MODELS), metavar="MODEL")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for seed in arguments.seeds:
        for task in arguments.tasks:
            for name in arguments.models:
                target = arguments.out / f"{task}-{name}-seed{seed}.json"
                if target.exists():
                    continue
                result = run(name, task, seed, arguments.steps)
                write_text(target, json.dumps(result, indent=1) + "\n")
                print(f"{task}, {name}, seed {seed}: {result['accuracy']} after {result['steps']} steps", flush=True)
    print(table(arguments.out))


if __name__ == "__main__":
    main()
