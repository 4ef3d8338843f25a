"""Patches of one slide, read by several threads a few batches ahead of whoever encodes them.

OpenSlide and the decoders of tifffile let other threads run while they work, so threads are enough, and one handle
with one cache of tiles serves all of them. Memory is that of ``workers + 2`` batches and of a region per thread,
whatever the slide.
"""

from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import ceil

import cv2
import numpy as np
from jaxtyping import Int, UInt8

from saccade.features.embedding.timers import Timers
from saccade.features.patching import PatchPlan
from saccade.imaging.slides import Slide

Patches = UInt8[np.ndarray, "patch height width 3"]


_BATCH_PIXELS = 2**24  # of patches encoded together: 64 of 512 pixels, and of larger ones fewer
_PIECES = 4  # for each thread that reads a short slide: few enough to share tiles, and none waits long for the last
_REGION_BYTES = 7  # a pixel while it is read: four bytes of OpenSlide's, and three without opacity


@dataclass(frozen=True)
class Pace:
    """How a slide is read, which decides no bag's content but its speed and memory.

    >>> [Pace().batch_of(side) for side in (224, 512, 1024, 4096)]
    [64, 64, 16, 1]

    Attributes:
        workers: Threads that read; 0 reads and encodes in turn.
        batch: Patches encoded at a time, at most.
    """

    workers: int = 2
    batch: int = 64

    def batch_of(self, side: int) -> int:
        """Patches of this side, in pixels, encoded at a time: as many as asked for, but no more than 16 megapixels."""
        return min(self.batch, max(1, _BATCH_PIXELS // side**2))

    def held(self, side: int, read_size: int) -> int:
        """Most bytes in memory at once: patches being encoded, read or waiting, and the regions they are made from.

        Args:
            side: Side of a patch in pixels.
            read_size: Side of the region of a level that it is made from.
        """
        patches = (self.workers + 2) * self.batch_of(side) * 3 * side**2
        return patches + max(1, self.workers) * (_REGION_BYTES * read_size**2 + 3 * side**2)


PACE = Pace()
"""What `saccade embed` does unless it is told otherwise."""


def load_patches(
    slide: Slide, plan: PatchPlan, side: int, pace: Pace, timers: Timers
) -> Generator[tuple[int, Patches], None, None]:
    """Batches of patches in the order of the plan, each with the number of its first.

    Batches never hold patches of two slides, and which patches share one does not depend on ``workers``. Threads share
    a batch where there are few, so that a slide of a single one is read by all of them.

    Args:
        slide: The slide.
        plan: Where its patches lie, and at which level.
        side: Side of the patches to return, in pixels.
        pace: Threads, and patches in a batch.
        timers: Told the time of ``read``, files and decompression, and of ``decode``, from there to patches.
    """
    batch = pace.batch_of(side)
    stretch = min(batch, max(1, ceil(len(plan) / (_PIECES * max(1, pace.workers)))))

    def begin(start: int, run: Callable[[Callable[[], None]], Future[None]]) -> _Batch:
        coords = plan.coords[start : start + batch]
        patches = np.empty((len(coords), side, side, 3), np.uint8)  # the system gives its memory as it is filled
        pieces = [slice(first, first + stretch) for first in range(0, len(coords), stretch)]
        fills = (partial(_fill, patches[piece], coords[piece], slide, plan, timers) for piece in pieces)
        return _Batch(start, patches, [run(fill) for fill in fills])

    starts = range(0, len(plan), batch)
    if pace.workers == 0:
        yield from (begin(start, _at_once).result() for start in starts)
        return
    with ThreadPoolExecutor(pace.workers, thread_name_prefix="saccade-read") as pool:
        ahead: deque[_Batch] = deque()
        try:
            for start in starts:
                ahead.append(begin(start, pool.submit))
                if len(ahead) > pace.workers + 1:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)  # what an error or the caller's leave has made needless is not read


@dataclass(frozen=True, eq=False)
class _Batch:
    """A batch that threads fill."""

    start: int
    patches: Patches
    pieces: list[Future[None]]

    def result(self) -> tuple[int, Patches]:
        """The batch once it is full; the first error of any piece is raised."""
        for piece in self.pieces:
            piece.result()
        return self.start, self.patches


def _at_once(action: Callable[[], None]) -> Future[None]:
    """Do it in this thread, now."""
    done = Future[None]()
    done.set_result(action())
    return done


def _fill(patches: Patches, coords: Int[np.ndarray, "patch 2"], slide: Slide, plan: PatchPlan, timers: Timers) -> None:
    """Read some patches into their place."""
    size, side = plan.read_size, patches.shape[1]
    how = cv2.INTER_AREA if size > side else cv2.INTER_LINEAR
    for patch, (x, y) in zip(patches, coords.tolist(), strict=True):
        with timers("read"):
            region = slide.read_region(x, y, plan.read_level, size, size)
        with timers("decode"):
            patch[:] = region if size == side else cv2.resize(region, (side, side), interpolation=how)
