"""Patches of one slide, read by several threads a few batches ahead of whoever encodes them.

OpenSlide and the decoders of tifffile let other threads run while they work, so threads are enough, and one handle
with one cache of tiles serves all of them. Memory is that of ``workers + 2`` batches, whatever the slide.
"""

from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Int, UInt8

from saccade.features.embedding.timers import Timers
from saccade.features.patching import PatchPlan
from saccade.imaging.slides import Slide

Patches = UInt8[np.ndarray, "patch height width 3"]


@dataclass(frozen=True)
class Pace:
    """How a slide is read, which decides no bag's content but its speed and memory.

    Attributes:
        workers: Threads that read; 0 reads and encodes in turn.
        batch: Patches encoded at a time.
    """

    workers: int = 2
    batch: int = 64

    @property
    def patches_ahead(self) -> int:
        """Most patches in memory at once: those being encoded, and those that threads have read or are reading."""
        return (self.workers + 2) * self.batch


PACE = Pace()
"""What `saccade embed` does unless it is told otherwise."""


def load_patches(
    slide: Slide, plan: PatchPlan, side: int, pace: Pace, timers: Timers
) -> Generator[tuple[int, Patches], None, None]:
    """Batches of patches in the order of the plan, each with the number of its first.

    Batches never hold patches of two slides, and which patches share one does not depend on ``workers``.

    Args:
        slide: The slide.
        plan: Where its patches lie, and at which level.
        side: Side of the patches to return, in pixels.
        pace: Threads, and patches in a batch.
        timers: Told the time of ``read``, files and decompression, and of ``decode``, from there to patches.
    """
    starts = range(0, len(plan), pace.batch)

    def load(start: int) -> Patches:
        return _batch(slide, plan, plan.coords[start : start + pace.batch], side, timers)

    if pace.workers == 0:
        yield from ((start, load(start)) for start in starts)
        return
    with ThreadPoolExecutor(pace.workers, thread_name_prefix="saccade-read") as pool:
        ahead: deque[tuple[int, Future[Patches]]] = deque()
        try:
            for start in starts:
                ahead.append((start, pool.submit(load, start)))
                if len(ahead) > pace.workers + 1:
                    first, ready = ahead.popleft()
                    yield first, ready.result()
            while ahead:
                first, ready = ahead.popleft()
                yield first, ready.result()
        finally:
            for _, waiting in ahead:
                waiting.cancel()


def _batch(slide: Slide, plan: PatchPlan, coords: Int[np.ndarray, "patch 2"], side: int, timers: Timers) -> Patches:
    """Some patches."""
    size = plan.read_size
    how = cv2.INTER_AREA if size > side else cv2.INTER_LINEAR
    patches = np.empty((len(coords), side, side, 3), np.uint8)
    for patch, (x, y) in zip(patches, coords.tolist(), strict=True):
        with timers("read"):
            region = slide.read_region(x, y, plan.read_level, size, size)
        with timers("decode"):
            patch[:] = region if size == side else cv2.resize(region, (side, side), interpolation=how)
    return patches
