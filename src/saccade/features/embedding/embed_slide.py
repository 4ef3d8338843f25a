"""One slide: opened, its tissue found, its patches read, encoded and written. Whatever goes wrong becomes its state."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import cv2

from saccade.core.errors import SaccadeError, one_line
from saccade.core.files import claimed_path
from saccade.features.embedding.job import Item, Job
from saccade.features.embedding.reading import Pace, load_patches
from saccade.features.embedding.state import SlideState, load_state
from saccade.features.embedding.timers import Timers
from saccade.features.encoders.encoder import Encoder
from saccade.features.patching import PatchPlan, plan_patches
from saccade.features.store import BagAttributes, BagWriter, write_coords
from saccade.features.store.attributes import source_facts
from saccade.imaging.slides import Slide
from saccade.imaging.slides.reader import Picture
from saccade.imaging.tissue.geojson import write_tissue
from saccade.imaging.tissue.of_slide import tissue_of
from saccade.imaging.tissue.preview import preview
from saccade.imaging.tissue.tissue import Tissue

_QUALITY = 85  # of the preview's JPEG

Tell = Callable[[int, int], None]
"""Told how many patches of how many are done."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A slide whose patches are known and not yet read; its pictures are drawn while they are."""

    slide: Slide
    patches: PatchPlan
    looked: int
    """Pixels of the small version in which tissue was found."""
    draw: Callable[[], None]


class SlideWork:
    """The work on one slide, which leaves its state behind at every step.

    Args:
        job: Where its files go.
        item: The slide.
    """

    def __init__(self, job: Job, item: Item) -> None:
        self.job, self.item, self.timers = job, item, Timers()
        before = load_state(job.state(item))
        self._stale = set(before.outputs.values()) if before is not None else set()
        again = before is not None and before.fingerprint == item.fingerprint
        attempts = before.attempts + 1 if before is not None and again else 1
        self.state = SlideState(item.slide.name, item.fingerprint, attempts=attempts, settings=job.settings.hash())

    def run(self, encoder: Encoder, pace: Pace) -> SlideState:
        """All of it; returns what became of the slide."""
        prepared = self.prepare(pace)
        return self.state if prepared is None else self.embed(prepared, encoder, pace, lambda *_: None)

    def prepare(self, pace: Pace) -> Prepared | None:
        """Open it, find tissue, plan its patches; none if that failed."""
        return self._guarded(lambda: self._prepare(pace.workers))

    def embed(self, prepared: Prepared, encoder: Encoder, pace: Pace, tell: Tell) -> SlideState:
        """Read, encode and write its patches; returns what became of it."""
        outputs = self._guarded(lambda: self._embed(prepared, encoder, pace, tell))
        prepared.slide.close()
        if outputs is not None:
            self._note(stage="done", status="done" if len(prepared.patches) else "empty", outputs=outputs)
            self._remove_stale(outputs.values())
        return self.state

    def _remove_stale(self, outputs: Iterable[str]) -> None:
        """Remove what the slide left under another name, which it has when two slides of one stem become one slide."""
        stale = self._stale.difference(outputs)
        if stale:
            for path in stale - {path for item in self.job.items for path in self.job.outputs(item).values()}:
                (self.job.folder / path).unlink(missing_ok=True)

    def _guarded(self, action: Callable[[], Any]) -> Any:
        """What the action returns; whatever it raises becomes the slide's state, and the job goes on."""
        try:
            with self.timers("wall"):
                return action()
        except SaccadeError as error:
            self._note(status=getattr(error, "status", "failed"), error=str(error))
        except Exception as error:  # a reader or encoder may fail in any way: one slide, one line
            reason = one_line(f"{type(error).__name__}: {error}"[:300], source=str(self.item.slide.path))
            self._note(status="failed", error=reason)
        return None

    def _note(self, **changes: Any) -> None:
        """Keep the state on disk."""
        self.state = self.state.but(seconds=self.timers.seconds(), **changes)
        self.state.write(self.job.state(self.item))

    def _prepare(self, threads: int) -> Prepared:
        settings = self.job.settings
        with self.timers("open"):
            slide = self.item.slide.open(settings.source_mpp)
            mpp = slide.mpp
        self._note(stage="tissue", mpp={"value": mpp.value, "source": mpp.source})
        with self.timers("tissue"):
            tissue, thumbnail = tissue_of(slide, settings.tissue, self.item.slide.tissue_path, threads)
            downsamples = [level.downsample for level in slide.levels]
            patches = plan_patches(slide.width, slide.height, mpp.value, downsamples, tissue, settings.patches)
        facts = {"found": tissue.found, "area_mm2": round(tissue.area_mm2, 4), "share": round(tissue.fraction, 4)}
        self._note(stage="read", patches=len(patches), tissue=facts)
        looked = thumbnail.shape[0] * thumbnail.shape[1]
        return Prepared(slide, patches, looked, partial(self._draw, thumbnail, tissue, patches))

    def _draw(self, thumbnail: Picture, tissue: Tissue, patches: PatchPlan) -> None:
        """The outline of the tissue, and a picture of it with the patches."""
        picture = cv2.cvtColor(preview(thumbnail, tissue, patches.boxes), cv2.COLOR_RGB2BGR)
        _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        with claimed_path(self.job.preview(self.item)) as temporary:
            temporary.write_bytes(data.tobytes())
        write_tissue(self.job.polygons(self.item), tissue)

    def _embed(self, prepared: Prepared, encoder: Encoder, pace: Pace, tell: Tell) -> dict[str, str]:
        """Write the bag; returns the files made. The bag has its name once the last line of this has been reached."""
        patches, attributes = prepared.patches, self._attributes(prepared)
        rows = {"rows": len(patches), "dim": encoder.dim, "coords": patches.coords, "attributes": attributes}
        with BagWriter(self.job.bag(self.item), **rows, half=self.job.settings.half) as bag:
            self._fill(bag, prepared, encoder, pace, tell)
            self._note(stage="write")
            with self.timers("write"):
                write_coords(self.job.patches(self.item), patches.coords, replace(attributes, encoder=""))
        return self.job.outputs(self.item)

    def _fill(self, bag: BagWriter, prepared: Prepared, encoder: Encoder, pace: Pace, tell: Tell) -> None:
        """Read by some threads, encode in this one, write in another: all three at once."""
        side, total = self.job.settings.patches.patch, len(prepared.patches)
        batches = load_patches(prepared.slide, prepared.patches, side, pace, self.timers)
        with closing(batches), ThreadPoolExecutor(1, thread_name_prefix="saccade-write") as writing:
            written = writing.submit(self._timed, "tissue", prepared.draw)
            for start, batch in batches:
                with self.timers("encode"):
                    features = encoder(batch)
                written.result()  # at most one batch of features waits, and an error ends the slide
                written = writing.submit(self._timed, "write", partial(bag.put, start, features))
                tell(start + len(batch), total)
            written.result()

    def _timed(self, stage: str, action: Callable[[], None]) -> None:
        with self.timers(stage):
            action()

    def _attributes(self, prepared: Prepared) -> BagAttributes:
        """What the bag says about itself."""
        settings, slide, plan = self.job.settings, prepared.slide, prepared.patches
        return BagAttributes(
            self.item.slide.name,
            patch_size=settings.patches.patch,
            patch_size_level0=plan.patch_size_level0,
            mpp=settings.patches.mpp,
            source_mpp=slide.mpp.value,
            level0_width=slide.width,
            level0_height=slide.height,
            overlap=settings.patches.overlap,
            stride_level0=plan.stride_level0,
            folder=str(self.job.bag(self.item).parent),
            encoder=settings.encoder["name"],
            encoder_facts=settings.encoder,
            settings_hash=settings.hash(),
            extra={
                "source_mpp_from": slide.mpp.source,
                "reader": slide.backend,
                "read_level": plan.read_level,
                "pixels_total": slide.width * slide.height,
                "pixels_looked": prepared.looked,
                "pixels_read": len(plan) * plan.read_size**2,
                **({"bounds": list(slide.bounds)} if slide.bounds is not None else {}),  # where QuPath counts from
            },
            simulated=slide.facts.simulated,
            **source_facts(self.item.slide.path),
        )
