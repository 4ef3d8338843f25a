"""Slides as users hand them in, whole or embedded, and how a run's model gets its bags of them."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from saccade.core.errors import BadInput, Problem
from saccade.datasets.bags import list_bags
from saccade.features.embedding.job import Item, Job, plan
from saccade.features.embedding.job_files import check_folder, write_job
from saccade.features.embedding.local import embed_here
from saccade.features.embedding.reading import Pace
from saccade.features.embedding.settings import EmbedSettings
from saccade.features.encoders import DEFAULT
from saccade.features.encoders.encoder import Encoder
from saccade.features.patching import PatchSettings
from saccade.features.slide_input import SlideInput
from saccade.features.store.reading import BAG_SUFFIXES
from saccade.imaging.slides.finding import FoundSlide, inspect_slides, is_job
from saccade.inference.encoders import open_encoder

Watch = Callable[[Item], Callable[[int, int], None]]
"""From a slide that is begun to whoever is told of its patches."""


@dataclass(frozen=True)
class GivenSlide:
    """A slide to predict.

    Attributes:
        name: What tables call it.
        bag: The file of its features; ``None`` where it could not be embedded.
        slide: The slide itself, where it is at hand.
        error: Why there is no bag, in one line.
    """

    name: str
    bag: Path | None = None
    slide: FoundSlide | None = None
    error: str = ""


@dataclass(frozen=True)
class SlideEmbedding:
    """How whole slides become bags, as far as the run does not tell.

    Attributes:
        encoder: As ``saccade embed`` names it; ``None`` takes the run's own, where it can be opened by its name.
        weights: Its weights, for encoders that take a file.
        source_mpp: Micrometres per base pixel of files that state none.
        device: Where it computes.
    """

    encoder: str | None = None
    weights: Path | None = None
    source_mpp: float | None = None
    device: str | None = None


def given_bags(path: Path) -> list[GivenSlide] | None:
    """The bags that a path means: a file of features, the folder of a job, or a folder with nothing but bags.

    ``None`` where it means slides.

    Raises:
        BadInput: It holds features of several encoders.
    """
    if path.is_file() and path.suffix in BAG_SUFFIXES:
        return [GivenSlide(str(path), path)]
    if not path.is_dir() or not (is_job(path) or _holds_no_slides(path)):
        return None
    return [GivenSlide(str(bag), bag) for bag in list_bags(path)]


def _holds_no_slides(folder: Path) -> bool:
    """Whether a folder has features and no slides."""
    if not any(path.suffix in BAG_SUFFIXES for path in folder.rglob("*")):
        return False
    try:
        found, _ = inspect_slides(folder)
    except BadInput:
        return True
    return not found


def embed_for(
    given: SlideInput, slides: Sequence[Path], folder: Path, how: SlideEmbedding, watch: Watch, pace: Pace | None = None
) -> Iterator[GivenSlide]:
    """Embed slides as those of a model's training were, into the folder of a job; what is there is not done again.

    Args:
        given: What the model takes.
        slides: Slides, folders of slides or manifests.
        folder: The job's folder.
        how: What the run does not tell.
        watch: Told of the patches of each slide.
        pace: Threads and batches.

    Raises:
        BadInput: The run does not say how its slides were cut into patches, or its encoder cannot be had.
    """
    found, refused = _found(slides)
    encoder = encoder_for(given, how)
    if given.patch is None or given.mpp is None:
        message = "the run does not know the size and resolution of the patches it was trained on"
        raise BadInput(message, "embed the slides with the tool that made its features, and give those")
    patches = PatchSettings(mpp=given.mpp, patch=given.patch, overlap=given.overlap)
    settings = EmbedSettings({"name": encoder.name, **encoder.facts}, patches, source_mpp=how.source_mpp)
    yield from (GivenSlide(problem.source, error=str(problem)) for problem in refused)
    for path in slides:
        check_folder(folder, path)
    job = Job(folder, settings, found)
    work = plan(job, job.items)
    write_job(job)
    items = {item.slide.name: item for item in job.items}
    for state in (*work.done, *embed_here(job, work.todo, encoder, pace or Pace(), watch)):
        item = items[state.slide]
        bag = job.bag(item) if state.finished else None
        yield GivenSlide(str(item.slide.path), bag, item.slide, "" if bag else state.error)


def _found(given: Sequence[Path]) -> tuple[tuple[FoundSlide, ...], list[Problem]]:
    """The slides of all paths; two of one name are called by their whole paths."""
    looked = [inspect_slides(path) for path in given]
    slides = {slide.path.resolve(): slide for found, _ in looked for slide in found}
    names = Counter(slide.name for slide in slides.values())
    distinct = (s if names[s.name] == 1 else replace(s, name=s.path.resolve().as_posix()) for s in slides.values())
    return tuple(distinct), [problem for _, refused in looked for problem in refused]


def encoder_for(given: SlideInput, how: SlideEmbedding) -> Encoder:
    """The encoder of a model's features.

    Raises:
        BadInput: Nobody says how to open it, or what was opened is another one.
    """
    spec = how.encoder or (DEFAULT if given.encoder == DEFAULT else "")
    if not spec:
        name = given.encoder or "an encoder that its bags do not name"
        remedy = "say how to open it, such as --encoder saccade:runs/cells or --encoder resnet50 --weights FILE"
        raise BadInput(f"the run's features are those of {name}", remedy)
    encoder = open_encoder(spec, how.weights, how.device or "cpu")
    given.check(SlideInput(encoder.name, encoder.dim), f"--encoder {spec}")
    mine, theirs = given.facts.get("weights_sha256"), encoder.facts.get("weights_sha256")
    if mine and theirs and mine != theirs:
        message = f"has other weights than the {encoder.name} of the run's training"
        raise BadInput(message, "give the file of weights that was used then", f"--encoder {spec}")
    return encoder
