"""Conditional against unconditional draws where what is read must say where to read next; one JSON per arm and seed.

    python benchmarks/fields_conditional.py --out benchmarks/results/fields-conditional

The task is made up, and made for the purpose. An object is two patches long: two parts of the size of a patch, side by
side. The first stands out at low resolution; its texture, which does not, says on which of its four sides the second
lies. The second's texture alone is the class; at low resolution it is background, and three loose second parts of
random classes lie about as well. With two patches, whoever must choose both before reading any, and reads whole parts,
finds the second every other time at best: accuracy 2/3. Two patches set off along a diagonal touch a quarter of each of
the four places, so that this is no bound; what the arms make of it is measured.

The look is shown at first where the first parts lie (or, for the arm "ring", the four places beside them), so that
only what comes after is compared. Everything else is learned from labels.
Wall time per file: about 2 minutes on one idle thread.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from machine import describe_machine
from torch import Tensor

from saccade.core.contract import ClassTargets
from saccade.core.files import write_text
from saccade.evaluation.cost import count_parameters
from saccade.models.conditional_sampling import ConditionalSampling, conditional_sampling
from saccade.models.parts.conditional_selection import IndependentSites
from saccade.models.parts.field_look import log_probabilities

SIZE, HALF, FACTOR = 128, 16, 4
CLASSES = ("red", "green", "blue")
SIDES = torch.tensor([[HALF, 0], [-HALF, 0], [0, HALF], [0, -HALF]])
"""From the first half to the second: x, y."""

DECOYS, NOISE = 3, 0.1
ARMS = ("conditional", "unconditional", "ring")


@dataclass(frozen=True, eq=False)
class Scene:
    """Images, their classes, and the upper left corners (x, y) of both halves."""

    images: Float[Tensor, "image 3 {SIZE} {SIZE}"]
    labels: Int[Tensor, " image"]
    first: Int[Tensor, "image 2"]
    second: Int[Tensor, "image 2"]


def textures() -> tuple[Float[Tensor, "side half half"], Float[Tensor, "half half"]]:
    """Four that name a side and one for classes; each has mean zero over every cell of the overview."""
    fine = torch.tensor([1.0, -1.0]).repeat(HALF // 2).expand(HALF, HALF)
    coarse = torch.tensor([1.0, 1.0, -1.0, -1.0]).repeat(HALF // 4).expand(HALF, HALF)
    return torch.stack([fine, fine.T, fine * fine.T, coarse]), coarse.T


def make_scene(count: int, dice: torch.Generator) -> Scene:
    """Images with one object each."""
    names, grain = textures()
    images = torch.randn(count, 3, SIZE, SIZE, generator=dice) * NOISE
    labels = torch.randint(0, len(CLASSES), (count,), generator=dice)
    sides = torch.randint(0, 4, (count,), generator=dice)
    first = torch.randint(2 * HALF // FACTOR, (SIZE - 3 * HALF) // FACTOR + 1, (count, 2), generator=dice) * FACTOR
    loose = torch.randint(0, (SIZE - HALF) // FACTOR + 1, (count, DECOYS, 2), generator=dice) * FACTOR
    kinds = torch.randint(0, len(CLASSES), (count, DECOYS), generator=dice)
    second = first + SIDES[sides]
    for i, image in enumerate(images):
        for (x, y), kind in zip(loose[i].tolist(), kinds[i].tolist(), strict=True):
            if max(abs(x - int(first[i, 0])), abs(y - int(first[i, 1]))) >= 4 * HALF:
                image[kind, y : y + HALF, x : x + HALF] += grain
        x, y = first[i].tolist()
        image[:, y : y + HALF, x : x + HALF] += names[sides[i]] + 1
        x, y = second[i].tolist()
        image[labels[i], y : y + HALF, x : x + HALF] += grain
    return Scene(images, labels, first, second)


def build(arm: str, budget: int) -> ConditionalSampling:
    """The same model with one selection or another."""
    model = conditional_sampling(
        CLASSES,
        budget=budget,
        patch=HALF,
        factor=FACTOR,
        read_width=12,
        read_layers=3,
        stride=HALF // FACTOR,
        repeats=8,
        entropy=0.005,
    )
    model.read.lean = False  # the windows of 12 maxima are more than a patch of 16 × 16 pixels
    if arm != "conditional":
        model.select = IndependentSites(budget)
    return model


def show_the_look(model: ConditionalSampling, arm: str, steps: int, batch: int, dice: torch.Generator) -> None:
    """Teach the map the middles of the first halves, or of the four places beside them."""
    optimiser = torch.optim.Adam(model.look.parameters(), lr=1e-2)
    columns = SIZE // FACTOR
    beside = SIDES if arm == "ring" else torch.zeros(1, 2, dtype=torch.long)
    for _ in range(steps):
        scene = make_scene(batch, dice)
        view = torch.nn.functional.avg_pool2d(scene.images, FACTOR)
        cells = (scene.first[:, None] + beside + HALF // 2).clamp(0, SIZE - 1) // FACTOR
        wanted = cells[..., 1] * columns + cells[..., 0]
        optimiser.zero_grad()
        (-log_probabilities(model.look(view)).gather(1, wanted).mean()).backward()
        optimiser.step()


def train(model: ConditionalSampling, steps: int, batch: int, dice: torch.Generator) -> list[dict[str, float]]:
    """Joint training; the means of each tenth of it."""
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    history: list[dict[str, float]] = []
    sums, tenth = {"cross_entropy": 0.0, "accuracy": 0.0, "hit": 0.0}, max(1, steps // 10)
    for step in range(steps):
        scene = make_scene(batch, dice)
        optimiser.zero_grad()
        losses = model.losses(scene.images, ClassTargets(scene.labels))
        losses.total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        found = figures(losses.prediction.logits, losses.prediction.sites.boxes, scene)
        found["cross_entropy"] = losses.terms["cross_entropy"].item()
        sums = {name: sums[name] + found[name] / tenth for name in sums}
        if (step + 1) % tenth == 0:
            history.append({"step": step + 1, **{name: round(value, 4) for name, value in sums.items()}})
            sums = dict.fromkeys(sums, 0.0)
            print(history[-1], flush=True)
    return history


def figures(logits: Tensor, boxes: Tensor, scene: Scene) -> dict[str, float]:
    """Share of images classified rightly, and of those of whose second half a tenth or more was read."""
    apart = (boxes[..., :2] - scene.second[:, None]).abs().clamp(max=HALF)
    covered = ((HALF - apart).prod(-1) / HALF**2).amax(1)
    return {
        "accuracy": float((logits.argmax(1) == scene.labels).float().mean()),
        "hit": float((covered >= 0.1).float().mean()),
    }


@torch.no_grad()
def test(model: ConditionalSampling, images: int) -> dict[str, float]:
    """On images that nothing was trained on."""
    model.eval()
    scene = make_scene(images, torch.Generator().manual_seed(10_000))
    prediction = model(scene.images)
    drawn = [figures(each.logits, each.sites.boxes, scene) for each in model.draws(scene.images, 4)]
    return {
        **figures(prediction.logits, prediction.sites.boxes, scene),
        "accuracy_of_random_draws": sum(each["accuracy"] for each in drawn) / len(drawn),
        "pixels_read_fraction": float(prediction.cost.pixels_read_fraction.mean()),
        "pixels_looked_fraction": float(prediction.cost.pixels_looked_fraction.mean()),
    }


def run(arm: str, budget: int, seed: int, steps: int, batch: int) -> dict[str, Any]:
    """Build, show, train, test."""
    torch.manual_seed(seed)
    dice, start = torch.Generator().manual_seed(seed), time.perf_counter()
    model = build(arm, budget)
    show_the_look(model, arm, min(150, steps), batch, dice)
    history = train(model.train(), steps, batch, dice)
    return {
        "model": arm,
        "data": f"objects two patches long, simulated, {SIZE} px, class in the second half",
        "budget": budget,
        "seed": seed,
        "steps": steps,
        "batch": batch,
        **test(model, 1000),
        "parameters": count_parameters(model),
        "seconds_training": round(time.perf_counter() - start, 1),
        "history": history,
        "machine": describe_machine(),
    }


def main() -> None:
    """Parse, then run what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=list(ARMS), choices=list(ARMS), metavar="ARM")
    parser.add_argument("--budgets", nargs="*", type=int, default=[2])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for seed in arguments.seeds:
        for budget in arguments.budgets:
            for arm in arguments.only:
                target = arguments.out / f"{arm}-{budget}-seed{seed}.json"
                if target.exists():
                    continue
                result = run(arm, budget, seed, arguments.steps, arguments.batch)
                write_text(target, json.dumps(result, indent=1) + "\n")
                print(f"{arm}, {budget} patches, seed {seed}: {result['accuracy']:.3f}, hit {result['hit']:.3f}")


if __name__ == "__main__":
    main()
