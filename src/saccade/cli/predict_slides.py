"""``saccade predict`` for runs of slides: bags or whole slides in; a table, and maps for QuPath, out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from saccade.cli.console import say, warn
from saccade.cli.predict import FINISHED_WITH_FAILURES, Summary
from saccade.cli.written_files import WrittenFiles
from saccade.core.errors import BadInput

if TYPE_CHECKING:
    from saccade.core.results import Sites
    from saccade.inference.hub import AnySlidePredictor
    from saccade.inference.raw_slides import GivenSlide, SlideEmbedding, Watch
    from saccade.inference.slide_predictor import SlidePredictor

TABLE, MAPS, PATCHES, JOB = "predictions.csv", "geojson", "patches", "embedded"
_NAMED = 3  # files left alone that are named


def predict_slides(predictor: "SlidePredictor", inputs: Sequence[Path], out: Path, how: "SlideEmbedding") -> None:
    """Predict slides into a folder: ``predictions.csv``, ``geojson/SLIDE.geojson``, and ``embedded/``, a job.

    Args:
        predictor: The run's model.
        inputs: Files of features, folders of them, slides, folders of slides or manifests.
        out: The folder.
        how: How whole slides become bags, as far as the run does not tell.

    Raises:
        BadInput: Not a single slide can be predicted; nothing but the job is left then.
    """
    from saccade.cli.explain import distinct_names
    from saccade.inference.result import Result
    from saccade.inference.tables import prediction_table

    refuse_file(out)
    given = list(given_slides(predictor, inputs, out / JOB, how))
    summary, written = Summary(noun="slides"), WrittenFiles(out)
    names = distinct_names([one.bag for one in given if one.bag is not None])
    with prediction_table(out / TABLE, predictor.classes) as table:
        for one, result in of_given(predictor, given, how.source_mpp):
            result = result or Result(one.name, one.name, predictor.classes, error=one.error)
            table.add(result)
            summary.add(result)
            if one.bag is not None and not result.error:
                written.add(write_map(result.sites, result.label, one, out / MAPS / f"{names[one.bag]}.geojson"))
        if summary.failed == len(given):
            raise BadInput(f"none of the {len(given)} slides could be predicted", "the lines above say why")
    summary.show()
    clear_away(written)
    tell_simulated(given)
    say(f"{len(given) - summary.failed} of {len(given)} slides predicted: {out / TABLE}, maps in {out / MAPS}")
    if summary.failed:
        raise typer.Exit(FINISHED_WITH_FAILURES)


def tell_simulated(given: "Sequence[GivenSlide]") -> None:
    """Say how many slides a program made, if any: what is said of them is of no patient."""
    from saccade.datasets.bags import simulated_bags

    bags = [one.bag for one in given if one.bag is not None]
    count = simulated_bags(bags)
    if count:
        whole = "all slides were" if count == len(bags) else f"{count} of {len(bags)} slides were"
        say(f"SIMULATED: {whole} made by a program, none of their tissue is real")


def refuse_file(out: Path) -> None:
    """Refuse to write a folder where there is a file.

    Raises:
        BadInput: Naming it.
    """
    if out.exists() and not out.is_dir():
        raise BadInput("is a file, and predictions of slides are a folder", "choose another --out", str(out))


def clear_away(written: WrittenFiles) -> None:
    """Remove maps that an earlier prediction left of slides that have none now; what is anybody else's stays."""
    if removed := written.finish():
        files = "1 file" if len(removed) == 1 else f"{len(removed)} files"
        say(f"removed {files} of an earlier prediction, of slides that are not predicted now")
    if others := written.others(MAPS, PATCHES):
        names = ", ".join(str(path.relative_to(written.folder)) for path in others[:_NAMED])
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        warn(f"note: not of this prediction, and left alone: {names}{more}")


def of_given(
    predictor: Any, given: "Sequence[GivenSlide]", source_mpp: float | None = None
) -> "Iterator[tuple[GivenSlide, Any]]":
    """Each slide with its result under the slide's own name, as they come; ``None`` for one that has no bag.

    Args:
        predictor: Any of slides.
        given: The slides.
        source_mpp: Micrometres per base pixel of bags whose files do not state it.
    """
    from saccade.inference.bag_loading import bag_item

    results = predictor.stream([bag_item(one.bag, source_mpp) for one in given if one.bag is not None])
    for one in given:
        yield one, None if one.bag is None else _renamed(next(results), one.name)


def _renamed(result: Any, name: str) -> Any:
    """A result, and what it has to say, under the name that the user knows the slide by: of its bag they may not."""

    def retold(line: str) -> str:
        places = (f"{place}: " for place in (result.name, " ".join(result.name.split())))
        return next((f"{name}: {line.removeprefix(place)}" for place in places if line.startswith(place)), line)

    return replace(result, name=name, error=retold(result.error), note=retold(result.note))


def given_slides(
    predictor: "AnySlidePredictor", inputs: Sequence[Path], job: Path, how: "SlideEmbedding"
) -> Iterator["GivenSlide"]:
    """What there is to predict; whole slides are embedded first, into a job."""
    from saccade.inference.raw_slides import embed_for, given_bags

    slides: list[Path] = []
    for path in inputs:
        bags = given_bags(path)
        if bags is None:
            slides.append(path)
        else:
            yield from bags
    if slides:
        yield from embed_for(predictor.preprocessing, slides, job, how, _announcing(job))


def _announcing(job: Path) -> "Watch":
    """Say where slides are embedded as soon as the first one is: not of those that cannot be, or have been."""
    said = False

    def begin(item: object) -> Callable[[int, int], None]:
        nonlocal said
        if not said:
            say(f"embedding slides into {job}")
        said = True
        return lambda done, total: None

    return begin


def write_map(sites: "Sites", label: str, one: "GivenSlide", path: Path) -> Path:
    """Write the weights of all patches as tiles for QuPath; returns where."""
    from saccade.explanation.slide_geojson import write_slide_geojson
    from saccade.explanation.slide_sites import slide_sites
    from saccade.features.qupath import qupath_offset
    from saccade.features.store import open_bag

    assert one.bag is not None
    write_slide_geojson(path, slide_sites(sites), label, qupath_offset(stored=open_bag(one.bag)))
    return path
