"""The child process of ``memory``: build, classify once, report the peak.

Run as ``python -m saccade.evaluation.memory_probe REQUEST``, REQUEST being JSON with ``factory``, ``arguments``,
``shape``, ``threads`` and ``stored``; the last line printed is JSON with ``base``, ``peak`` and ``extra`` in bytes.
"""

import ctypes
import gc
import json
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from saccade.imaging.pixel_store import PixelStore
from saccade.imaging.preprocessing import Preprocessing
from saccade.imaging.rasters import Rasters

_CLEAR_REFS = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


_SMALL = 256
"""Longest side of the field that is classified before the base is noted."""


def measure(
    factory: str, arguments: Mapping[str, Any], shape: Sequence[int], threads: int | None = None, stored: bool = False
) -> dict[str, int | None]:
    """Measure this process; sensible once, in a fresh one."""
    if threads is not None:
        torch.set_num_threads(threads)
    throwaway = build(factory, arguments)  # once for what it imports on the way
    if stored:
        run_once(throwaway, fields((*shape[:2], *(min(_SMALL, side) for side in shape[2:]))))
    del throwaway
    release()
    base, resettable = start()
    run_once(build(factory, arguments), fields(shape) if stored else torch.rand(*shape))
    peak = status_bytes("VmHWM") if resettable else all_time_peak()
    if base is None or peak is None or (peak <= base and not resettable):
        return {"base": base, "peak": peak, "extra": None}
    return {"base": base, "peak": peak, "extra": max(0, peak - base)}


def run_once(model: nn.Module, images: Tensor | Rasters) -> None:
    """Classify, in evaluation."""
    with torch.inference_mode():
        model.eval()(images)


def fields(shape: Sequence[int]) -> Rasters:
    """Fields of noise as they are stored: 8 bits, normalised where they are read."""
    count, channels, height, width = shape
    dice = np.random.default_rng(0)
    noise = [dice.integers(0, 256, (height, width, channels), dtype=np.uint8) for _ in range(count)]
    plain = Preprocessing(None, channels, (0.5,) * channels, (0.2,) * channels)
    box = torch.tensor([[[0.0, 0.0, width, height]]])  # for a control that reads where the truth lies
    return Rasters(PixelStore.of(noise), plain.normalise, box.expand(count, -1, -1))


def build(factory: str, arguments: Mapping[str, Any]) -> nn.Module:
    """Build the model that ``module:function`` makes of the arguments; the first thing if it returns several."""
    module, _, function = factory.partition(":")
    built = getattr(import_module(module), function)(**{name: _tuples(value) for name, value in arguments.items()})
    return built[0] if isinstance(built, tuple) else built


def release() -> None:
    """Give freed memory back to the system, where the C library has a way."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        return  # not glibc: what was freed stays in the base


def start() -> tuple[int | None, bool]:
    """Forget the peak so far; the base in bytes, and whether the peak could be forgotten."""
    try:
        _CLEAR_REFS.write_text("5")
    except OSError:
        return all_time_peak(), False
    return status_bytes("VmRSS"), True


def status_bytes(field: str) -> int | None:
    """A figure of Linux's account of this process: ``VmRSS`` is resident now, ``VmHWM`` at most so far."""
    for line in _STATUS.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    return None


def all_time_peak() -> int | None:
    """The most that was ever resident; ``None`` on Windows."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _tuples(value: Any) -> Any:
    """JSON's lists as tuples, at any depth of lists."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
