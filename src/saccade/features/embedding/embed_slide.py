"""One slide: opened, its tissue found, its patches read, encoded and written. Whatever goes wrong becomes its state."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from saccade.core.errors import SaccadeError, one_line
from saccade.core.files import claimed_path
from saccade.features.embedding.job import Item, Job
from saccade.features.embedding.reading import read_patches
from saccade.features.embedding.state import SlideState, Stage, read_state
from saccade.features.embedding.timers import Timers
from saccade.features.encoders import Encoder
from saccade.features.patching import PatchPlan, plan_patches
from saccade.features.store import BagAttributes, BagWriter, write_patches
from saccade.imaging.slides import Slide, StatedMpp, open_slide
from saccade.imaging.tissue import Tissue, find_tissue, load_mask, preview, write_tissue

Tell = Callable[[int, int], None]
"""Told how many patches of how many are done."""


@dataclass(frozen=True)
class Pace:
    """How a slide is read, which decides no bag's content but its speed and memory.

    Attributes:
        workers: Threads that read.
        batch: Patches encoded at a time.
    """

    workers: int = 2
    batch: int = 64


@dataclass(frozen=True, eq=False)
class Prepared:
    """A slide whose patches are known and not yet read."""

    slide: Slide
    mpp: StatedMpp
    tissue: Tissue
    patches: PatchPlan


class SlideWork:
    """The work on one slide, which leaves its state behind at every step.

    Args:
        job: Where its files go.
        item: The slide.
    """

    def __init__(self, job: Job, item: Item) -> None:
        self.job, self.item, self.timers = job, item, Timers()
        before = read_state(job.state(item))
        again = before is not None and before.fingerprint == item.fingerprint
        attempts = before.attempts + 1 if before is not None and again else 1
        self.state = SlideState(item.slide.name, item.fingerprint, attempts=attempts, settings=job.settings.hash())

    def run(self, encoder: Encoder, pace: Pace) -> SlideState:
        """All of it; returns what became of the slide."""
        prepared = self.prepare()
        return self.state if prepared is None else self.embed(prepared, encoder, pace, lambda *_: None)

    def prepare(self) -> Prepared | None:
        """Open it, find tissue, plan its patches; none if that failed."""
        return self._guarded(self._prepare)

    def embed(self, prepared: Prepared, encoder: Encoder, pace: Pace, tell: Tell) -> SlideState:
        """Read, encode and write its patches; returns what became of it."""
        self._guarded(lambda: self._embed(prepared, encoder, pace, tell))
        return self.state

    def _guarded(self, action: Callable[[], Any]) -> Any:
        """What the action returns; whatever it raises becomes the slide's state, and the job goes on."""
        try:
            return action()
        except SaccadeError as error:
            self._note(status=getattr(error, "status", "failed"), error=str(error))
        except (Exception, MemoryError) as error:  # a reader or encoder may fail in any way: one slide, one line
            reason = one_line(f"{type(error).__name__}: {error}"[:300], source=str(self.item.slide.path))
            self._note(status="failed", error=reason)
        return None

    def _note(self, **changes: Any) -> None:
        """Keep the state on disk."""
        self.state = self.state.but(seconds=self.timers.seconds(), **changes)
        self.state.write(self.job.state(self.item))

    def _stage(self, stage: Stage, **facts: Any) -> None:
        self._note(stage=stage, **facts)

    def _prepare(self) -> Prepared:
        settings, found = self.job.settings, self.item.slide
        with self.timers("open"):
            slide = open_slide(found.path)
            given = (found.mpp, "manifest") if found.mpp else (settings.source_mpp, "--source-mpp")
            if given[0] is not None and (slide.stated_mpp is None or found.mpp):
                slide = slide.with_mpp(*given)
            mpp = slide.mpp
        self._stage("tissue", mpp={"value": mpp.value, "source": mpp.source})
        with self.timers("tissue"):
            tissue, thumbnail = self._tissue(slide, mpp)
            downsamples = [level.downsample for level in slide.levels]
            patches = plan_patches(slide.width, slide.height, mpp.value, downsamples, tissue, settings.patches)
            self._pictures(thumbnail, tissue, patches)
        return Prepared(slide, mpp, tissue, patches)

    def _tissue(self, slide: Slide, mpp: StatedMpp) -> tuple[Tissue, np.ndarray]:
        """Tissue from the slide's own mask if it has one, else as it is found; and the thumbnail."""
        settings = self.job.settings.tissue
        thumbnail, downsample = slide.thumbnail(settings.thumbnail_mpp / mpp.value)
        own = self.item.slide.tissue_path
        if own is not None:
            return load_mask(own, slide.width, slide.height, mpp.value), thumbnail
        return find_tissue(thumbnail, downsample, mpp.value, settings), thumbnail

    def _pictures(self, thumbnail: np.ndarray, tissue: Tissue, patches: PatchPlan) -> None:
        """Outline of the tissue, and a picture of it with the patches."""
        picture = preview(thumbnail, tissue, patches.boxes)
        _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])
        with claimed_path(self.job.preview(self.item)) as temporary:
            temporary.write_bytes(data.tobytes())
        write_tissue(self.job.polygons(self.item), tissue)

    def _embed(self, prepared: Prepared, encoder: Encoder, pace: Pace, tell: Tell) -> None:
        patches, total = prepared.patches, len(prepared.patches.coords)
        self._stage("read", patches=total, tissue=prepared.tissue.summary())
        attributes = self._attributes(prepared, encoder)
        with ThreadPoolExecutor(1, thread_name_prefix="saccade-write") as writing:
            with BagWriter(self.job.bag(self.item), patches.coords, encoder.dim, attributes, self.job.settings.half) as bag:
                pending: Future[None] | None = None
                for start, batch in read_patches(prepared.slide, patches, pace.batch, pace.workers, self.timers):
                    with self.timers("encode"):
                        features = encoder(batch)
                    if pending is not None:
                        pending.result()
                    pending = writing.submit(self._put, bag, start, features)
                    tell(start + len(batch), total)
                if pending is not None:
                    pending.result()
                self._stage("write")
                with self.timers("write"):
                    write_patches(self.job.patches(self.item), patches.coords, attributes)
                    bag.finish()
        prepared.slide.close()
        outputs = {kind: path.relative_to(self.job.folder).as_posix() for kind, path in self._outputs().items()}
        self._note(stage="done", status="done" if total else "empty", outputs=outputs)

    def _put(self, bag: BagWriter, start: int, features: np.ndarray) -> None:
        with self.timers("write"):
            bag.put(start, features)
