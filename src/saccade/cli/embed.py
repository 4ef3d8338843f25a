"""``saccade embed``: slides in, feature bags out."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from saccade.cli.console import say, warn
from saccade.cli.slide_progress import slide_progress
from saccade.core.errors import BadInput

if TYPE_CHECKING:
    from saccade.features.embedding.job import Job, Plan
    from saccade.features.embedding.reading import Pace
    from saccade.features.embedding.state import SlideState
    from saccade.features.encoders.encoder import Encoder
    from saccade.features.patching import PatchSettings

FINISHED_WITH_FAILURES = 3
_BUILT_IN = "colour-texture"


class Engine(StrEnum):
    """What the slides are shared out by."""

    LOCAL = "local"
    RAY = "ray"


def embed(
    slides: Annotated[Path, typer.Argument(help="A folder of slides, one slide, or a manifest.csv.")],
    out: Annotated[Path, typer.Option(help="The job's folder; a job that is there is gone on with.")],
    encoder: Annotated[
        str, typer.Option(help="colour-texture (a baseline), resnet50, timm:NAME, hf:NAME or saccade:RUN.")
    ] = _BUILT_IN,
    weights: Annotated[Path | None, typer.Option(help="The encoder's weights in a local file.")] = None,
    mpp: Annotated[float, typer.Option(help="Micrometres per pixel to read at; 0.5 is 20x.", min=0.05, max=20)] = 0.5,
    patch: Annotated[int, typer.Option(help="Side of a patch in pixels at that resolution.", min=8, max=4096)] = 224,
    overlap: Annotated[int, typer.Option(help="Pixels that neighbouring patches share.", min=0)] = 0,
    min_tissue: Annotated[float, typer.Option(help="Least share of tissue in a patch.", min=0, max=1)] = 0.25,
    source_mpp: Annotated[
        float | None, typer.Option(help="Micrometres per base pixel of files that do not state it.", min=0.05, max=5)
    ] = None,
    half: Annotated[bool, typer.Option("--half", help="Store features in 16 bits, half the size.")] = False,
    workers: Annotated[int, typer.Option(help="Threads that read; 0 reads and encodes in turn.", min=0)] = 2,
    batch_size: Annotated[int, typer.Option(help="Patches encoded at a time.", min=1)] = 64,
    shard: Annotated[str, typer.Option(help="i/n: only the i-th of n shares, as a Slurm array asks for.")] = "1/1",
    engine: Annotated[Engine, typer.Option(help="local, or ray for a cluster.")] = Engine.LOCAL,
    device: Annotated[str | None, typer.Option(help="Where the encoder computes, such as cuda:0.")] = None,
) -> None:
    """Cut slides into patches of tissue and store a feature of each: one bag per slide, as TRIDENT lays them out.

    A killed job goes on with the same command; slides that have their bag are not touched, unless the settings or the
    slide have changed. A slide that cannot be read costs one line, here and in summary.md; the exit code is then 3.
    """
    from saccade.features.embedding.job import plan
    from saccade.features.embedding.reading import Pace
    from saccade.features.embedding.summary import states_of, write_summary
    from saccade.features.patching import PatchSettings

    number, count = _share(shard)
    ready = make_encoder(encoder, weights, device)
    patches = PatchSettings(mpp=mpp, patch=patch, overlap=overlap, min_tissue=min_tissue)
    job = make_job(slides, out, ready, patches, source_mpp, half)
    work = plan(job, job.share(number, count))
    announce(job, work)
    pace = Pace(workers, batch_size)
    how = partial(make_encoder, encoder, weights)
    states = _on_ray(job, work, how, pace, device) if engine is Engine.RAY else _here(job, work, ready, pace)
    became = [*work.done, *states]
    part = "" if count == 1 else f"-{number}-of-{count}"
    summary = write_summary(job, states_of(job), part)
    _report(became, summary, len(job.refused))


def make_encoder(name: str, weights: Path | None = None, device: str | None = None) -> "Encoder":
    """The encoder of that name, where it computes fastest unless told; the built-in one needs no torch."""
    if name == _BUILT_IN:
        from saccade.features.encoders import create_encoder

        return create_encoder(name, weights)
    import torch

    from saccade.inference.encoders import open_encoder

    return open_encoder(name, weights, device or ("cuda" if torch.cuda.is_available() else "cpu"))


def make_job(
    slides: Path, out: Path, encoder: "Encoder", patches: "PatchSettings", source_mpp: float | None, half: bool
) -> "Job":
    """The job: its folder, its settings, and the slides it finds.

    Raises:
        BadInput: There are no slides, or the folder is a file or not for a job.
    """
    from saccade.features.embedding.job import Job
    from saccade.features.embedding.job_files import check_folder
    from saccade.features.embedding.settings import EmbedSettings
    from saccade.imaging.slides.finding import inspect_slides

    check_folder(out, slides)
    settings = EmbedSettings({"name": encoder.name, **encoder.facts}, patches, source_mpp=source_mpp, half=half)
    return Job(out, settings, *inspect_slides(slides))


def announce(job: "Job", work: "Plan") -> None:
    """Write the job's own files and say what there is to do."""
    from saccade.features.embedding.job_files import settings_changed, write_job

    for line in settings_changed(job) if work.changed else ():
        say(line)
    write_job(job)
    for problem in job.refused:
        warn(f"refused: {problem}")
    again = f", of which {work.changed} again: settings or files have changed" if work.changed else ""
    say(f"{len(work.done)} of {len(work.done) + len(work.todo)} slides are done; {len(work.todo)} to embed{again}")


def _share(text: str) -> tuple[int, int]:
    """Number and count of ``i/n``."""
    found = re.fullmatch(r"(\d+)/(\d+)", text.strip())
    if found is None:
        raise BadInput(f"--shard {text!r} is not understood", "write i/n, such as 3/8, with i from 1 to n")
    return int(found[1]), int(found[2])


def _here(job: "Job", work: "Plan", encoder: "Encoder", pace: "Pace") -> Iterator["SlideState"]:
    """Slides one after the other, with a bar of slides and patches."""
    from saccade.features.embedding.local import embed_here

    with slide_progress(len(work.todo)) as bar:
        for state in embed_here(job, work.todo, encoder, pace, bar.begin):
            bar.end(state)
            yield state


def _on_ray(
    job: "Job", work: "Plan", how: Callable[[str], "Encoder"], pace: "Pace", device: str | None
) -> Iterator["SlideState"]:
    """Slides on a cluster, with a bar of slides."""
    from saccade.features.embedding.on_ray import embed_on_ray

    with slide_progress(len(work.todo)) as bar:
        for state in embed_on_ray(job, work.todo, how, pace, device=device):
            bar.end(state)
            yield state


def _report(states: Sequence["SlideState"], summary: Path, refused: int) -> None:
    """Say what became of all slides and how many rows were refused; exit 3 if some have no bag."""
    counts = Counter(state.status for state in states)
    patches = sum(state.patches or 0 for state in states if state.finished)
    words = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    words += f", {refused} rows refused" * (refused > 0)
    say(f"{len(states)} slides: {words}; {patches:,} patches. {summary}")
    if refused or any(not state.finished for state in states):
        raise typer.Exit(FINISHED_WITH_FAILURES)
