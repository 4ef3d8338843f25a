"""Slides one after the other on this machine; the next is opened while the last is still being read."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from saccade.features.embedding.embed_slide import Prepared, SlideWork, Tell
from saccade.features.embedding.job import Item, Job
from saccade.features.embedding.reading import Pace
from saccade.features.embedding.state import SlideState
from saccade.features.encoders.encoder import Encoder

Watch = Callable[[Item], Tell]
"""From a slide that is begun to whoever is told of its patches."""


def embed_here(job: Job, todo: Sequence[Item], encoder: Encoder, pace: Pace, watch: Watch) -> Iterator[SlideState]:
    """Embed slides; yields what became of each as soon as it is known. No slide's fault ends the iteration."""
    works = [SlideWork(job, item) for item in todo]
    with ThreadPoolExecutor(1, thread_name_prefix="saccade-open") as opening:
        ahead: Future[Prepared | None] | None = opening.submit(works[0].prepare, pace) if works else None
        for number, work in enumerate(works):
            assert ahead is not None
            prepared = ahead.result()
            if number + 1 < len(works):
                ahead = opening.submit(works[number + 1].prepare, pace)
            yield work.state if prepared is None else work.embed(prepared, encoder, pace, watch(work.item))
