"""Speed: images per second, without decoding.

A machine's speed drifts with its heat and its other users, so a figure alone says little. Models to be compared
run in one process, in rounds that each visit every model, the order turning from round to round: noise hits
all alike, and ratios of the medians hold where the figures do not.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor

from saccade.evaluation.cost import evaluating

_MOST_PASSES = 10_000


def compare_speed(
    models: Mapping[str, Callable[[Any], object]],
    images: Shaped[Tensor, "image ..."] | Any,
    *,
    batch: int | None = 256,
    rounds: int = 7,
    min_seconds: float = 0.2,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Measure images per second of several models side by side.

    Each model is warmed up, then timed once per round over as many passes as fill ``min_seconds``; its speed
    is the median over rounds. Modules run in evaluation mode, without gradients, on the images' device.

    Args:
        models: Modules, or anything else that takes a batch of images, by name.
        images: Images to fill the batch with, repeated where there are too few.
        batch: Images per pass; ``None`` hands in the images as they are, of whatever kind.
        rounds: How often every model is timed.
        min_seconds: Least time per model and round; shorter passes are timed together.
        clock: Seconds since some moment.
    """
    count = len(images) if batch is None else batch
    if count < 1 or rounds < 1 or len(images) == 0:
        raise ValueError(f"nothing to time: {len(images)} images, batch {count}, {rounds} rounds")
    filled = images if batch is None else images[torch.arange(batch, device=images.device) % len(images)]
    names = list(models)
    rates: dict[str, list[float]] = {name: [] for name in names}
    with evaluating(*models.values()), torch.inference_mode():
        passes = {name: _passes(models[name], filled, min_seconds, clock) for name in names}
        for turn in range(rounds):
            for name in _turned(names, turn):
                seconds = _time(models[name], filled, passes[name], clock)
                rates[name].append(passes[name] * count / max(seconds, 1e-9))
    return {name: median(rates[name]) for name in names}


def images_per_second(
    model: Callable[[Tensor], object],
    images: Shaped[Tensor, "image ..."],
    *,
    batch: int = 256,
    rounds: int = 7,
    min_seconds: float = 0.2,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Measure images per second of one model; ``compare_speed`` says how. For ratios, use that instead."""
    speeds = compare_speed({"model": model}, images, batch=batch, rounds=rounds, min_seconds=min_seconds, clock=clock)
    return speeds["model"]


def _passes(model: Callable[[Any], object], images: Any, min_seconds: float, clock: Callable[[], float]) -> int:
    """Warm up, and find how many passes fill the time."""
    first = _time(model, images, 1, clock)
    if first >= 2 * min_seconds:
        return 1  # even if half of that was warming up
    steady = _time(model, images, 1, clock)
    return max(1, min(_MOST_PASSES, math.ceil(min_seconds / max(steady, 1e-9))))


def _time(model: Callable[[Any], object], images: Any, passes: int, clock: Callable[[], float]) -> float:
    """Seconds for some passes, waiting until the device is done with them."""
    device = getattr(images, "device", torch.device("cpu"))
    _wait(device)
    start = clock()
    for _ in range(passes):
        model(images)
    _wait(device)
    return clock() - start


def _wait(device: torch.device) -> None:
    """Wait for the work queued on an accelerator."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def _turned(names: Sequence[str], turn: int) -> list[str]:
    """The names in order, starting one later each turn."""
    start = turn % len(names) if names else 0
    return [*names[start:], *names[:start]]
