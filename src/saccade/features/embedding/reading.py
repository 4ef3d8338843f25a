"""Patches of one slide, read by several threads a few batches ahead of whoever encodes them.

OpenSlide and the decoders of tifffile let other threads run while they work, so threads are enough, and one handle
with one cache of tiles serves all of them. Memory is that of ``workers + 2`` batches, whatever the slide.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import cv2
import numpy as np
from jaxtyping import Int, UInt8

from saccade.features.embedding.timers import Timers
from saccade.features.patching import PatchPlan
from saccade.imaging.slides.slide import Slide

Patches = UInt8[np.ndarray, "patch height width 3"]


def read_patches(
    slide: Slide, plan: PatchPlan, batch: int, workers: int, timers: Timers
) -> Iterator[tuple[int, Patches]]:
    """Batches of patches in the order of the plan, each with the number of its first.

    Batches never hold patches of two slides, and which patches share one does not depend on ``workers``.

    Args:
        slide: The slide.
        plan: Where its patches lie, at which level, and how large they are to be.
        batch: Patches in a batch.
        workers: Threads; 0 reads in the caller's.
        timers: Told the time of ``read``, files and decompression, and of ``decode``, from there to patches.
    """
    starts = range(0, len(plan.coords), batch)

    def load(start: int) -> Patches:
        return _batch(slide, plan, plan.coords[start : start + batch], timers)

    if workers == 0:
        yield from ((start, load(start)) for start in starts)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="saccade-read") as pool:
        ahead: deque[tuple[int, Future[Patches]]] = deque()
        try:
            for start in starts:
                ahead.append((start, pool.submit(load, start)))
                if len(ahead) > workers + 1:
                    first, ready = ahead.popleft()
                    yield first, ready.result()
            while ahead:
                first, ready = ahead.popleft()
                yield first, ready.result()
        finally:
            for _, waiting in ahead:
                waiting.cancel()


def _batch(slide: Slide, plan: PatchPlan, coords: Int[np.ndarray, "patch 2"], timers: Timers) -> Patches:
    """Some patches."""
    size, wanted = plan.read_size, plan.patch
    patches = np.empty((len(coords), wanted, wanted, 3), np.uint8)
    for patch, (x, y) in zip(patches, coords.tolist(), strict=True):
        with timers("read"):
            region = slide.read_region(x, y, plan.read_level, size, size)
        with timers("decode"):
            if size == wanted:
                patch[:] = region
            else:
                shrinks = size > wanted
                cv2.resize(region, (wanted, wanted), dst=patch, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return patches
