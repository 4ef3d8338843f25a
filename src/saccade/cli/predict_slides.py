"""``saccade predict`` for runs of slides: bags or whole slides in; a table, and maps for QuPath, out."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from saccade.cli.console import say, warn
from saccade.cli.predict import FINISHED_WITH_FAILURES, Summary
from saccade.core.errors import BadInput

if TYPE_CHECKING:
    from saccade.core.results import Sites
    from saccade.inference.hub import AnySlidePredictor
    from saccade.inference.raw_slides import GivenSlide, SlideEmbedding
    from saccade.inference.slide_predictor import SlidePredictor

TABLE, MAPS, JOB = "predictions.csv", "geojson", "embedded"


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
    summary = Summary()
    names = distinct_names([one.bag for one in given if one.bag is not None])
    with prediction_table(out / TABLE, predictor.classes) as table:
        for one, result in of_given(predictor, given, how.source_mpp):
            result = result or Result(one.name, one.name, predictor.classes, error=one.error)
            table.add(result)
            summary.add(result)
            if one.bag is not None and not result.error:
                write_map(result.sites, result.label, one, out / MAPS / f"{names[one.bag]}.geojson")
        if summary.failed == len(given):
            raise BadInput(f"none of the {len(given)} slides could be predicted", "the lines above say why")
    summary.show()
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
        yield one, None if one.bag is None else replace(next(results), name=one.name)


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
        say(f"embedding slides into {job}")
        yield from embed_for(predictor.preprocessing, slides, job, how, lambda _: lambda done, total: None)


def write_map(sites: "Sites", label: str, one: "GivenSlide", path: Path) -> None:
    """The weights of all patches as tiles for QuPath; a slide without tissue has none."""
    from saccade.explanation.slide_geojson import write_slide_geojson
    from saccade.explanation.slide_sites import slide_sites
    from saccade.features.qupath import qupath_offset
    from saccade.features.store import open_bag

    if sites.valid.any():
        assert one.bag is not None
        write_slide_geojson(path, slide_sites(sites), label, qupath_offset(stored=open_bag(one.bag)))
    else:
        warn(f"note: {one.name}: holds no patch of tissue; there is no map of it")
