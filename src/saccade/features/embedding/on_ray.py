"""Slides on a Ray cluster: each is one piece of work, so that no batch crosses slides and bags come out the same.

All machines must see the slides and the job's folder at the same paths, as cluster nodes with a shared disk do.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from saccade.core.errors import BadInput
from saccade.core.extras import install_extra
from saccade.features.embedding.embed_slide import SlideWork
from saccade.features.embedding.job import Item, Job
from saccade.features.embedding.reading import Pace
from saccade.features.embedding.state import SlideState
from saccade.features.encoders.encoder import Encoder

MakeEncoder = Callable[[str], Encoder]
"""From a device to the encoder; it travels to the workers, the encoder itself does not."""


class EmbeddingActor:
    """A worker process with one encoder, that embeds one slide after the other.

    Args:
        job: The job.
        make_encoder: Builds the encoder on a device.
        pace: How slides are read.
        device: Where the encoder computes.
    """

    def __init__(self, job: Job, make_encoder: MakeEncoder, pace: Pace, device: str) -> None:
        self.job, self.pace, self.encoder = job, pace, make_encoder(device)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Embed a slide; returns its state."""
        item: Item = self.job.items[int(row["number"])]
        state = SlideWork(self.job, item).run(self.encoder, self.pace)
        return {"state": state.to_json()}


def embed_on_ray(
    job: Job,
    todo: Sequence[Item],
    make_encoder: MakeEncoder,
    pace: Pace,
    actors: int | None = None,
    device: str | None = None,
) -> Iterator[SlideState]:
    """Embed slides on the Ray cluster this process is joined to, or on one of its own on this machine.

    Args:
        job: The job.
        todo: Its slides that need a bag.
        make_encoder: Builds the encoder on a device.
        pace: How each actor reads; its threads are its CPUs.
        actors: Worker processes; one per GPU where there are any, else as many as the CPUs give.
        device: Where encoders compute; on GPUs where the cluster has some, unless told.

    Raises:
        BadInput: Ray is not installed.
    """
    try:
        import ray
        import ray.data
    except ImportError:
        raise BadInput("--engine ray needs Ray, which is not installed", install_extra("ray")) from None
    if not todo:
        return
    if not ray.is_initialized():
        ray.init(log_to_driver=False, include_dashboard=False, logging_level=logging.WARNING)
    ray.data.DataContext.get_current().enable_progress_bars = False
    gpus, cpus = (int(ray.cluster_resources().get(kind, 0)) for kind in ("GPU", "CPU"))
    gpus = 0 if device == "cpu" else gpus
    threads = max(1, pace.workers)
    count = actors or gpus or max(1, cpus // threads)
    places = {item.slide.name: number for number, item in enumerate(job.items)}
    rows = [{"number": places[item.slide.name]} for item in todo]
    actor: Any = EmbeddingActor  # Ray's types know functions alone
    states = ray.data.from_items(rows, override_num_blocks=max(1, len(rows))).map(
        actor,
        fn_constructor_args=(job, make_encoder, pace, device or ("cuda" if gpus else "cpu")),
        concurrency=min(count, len(rows)),
        num_cpus=min(threads, max(1, cpus)),
        num_gpus=1 if gpus else None,
    )
    for row in states.iter_rows():
        yield SlideState.from_json(row["state"])
