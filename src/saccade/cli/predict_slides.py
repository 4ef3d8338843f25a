"""``saccade predict`` for runs of slides: bags or whole slides in; a table, and maps for QuPath, out."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from saccade.cli.console import say, warn
from saccade.cli.predict import FINISHED_WITH_FAILURES, Summary
from saccade.core.errors import BadInput

if TYPE_CHECKING:
    from saccade.inference.raw_slides import GivenSlide, SlideEmbedding
    from saccade.inference.result import Result
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
    from saccade.inference.slide_predictor import bag_item
    from saccade.inference.tables import prediction_table

    if out.exists() and not out.is_dir():
        raise BadInput("is a file, and predictions of slides are a folder", "choose another --out", str(out))
    given = list(given_slides(predictor, inputs, out / JOB, how))
    summary = Summary()
    bags = [one.bag for one in given if one.bag is not None]
    names = distinct_names(bags)
    results = predictor.stream([bag_item(bag, how.source_mpp) for bag in bags])
    with prediction_table(out / TABLE, predictor.classes) as table:
        for one in given:
            result = _failed(predictor, one) if one.bag is None else replace(next(results), name=one.name)
            table.add(result)
            summary.add(result)
            if one.bag is not None and not result.error:
                write_map(result, one, out / MAPS / f"{names[one.bag]}.geojson")
        if summary.failed == len(given):
            raise BadInput(f"none of the {len(given)} slides could be predicted", "the lines above say why")
    summary.show()
    say(f"{len(given) - summary.failed} of {len(given)} slides predicted: {out / TABLE}, maps in {out / MAPS}")
    if summary.failed:
        raise typer.Exit(FINISHED_WITH_FAILURES)


def given_slides(
    predictor: "SlidePredictor", inputs: Sequence[Path], job: Path, how: "SlideEmbedding"
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


def _failed(predictor: "SlidePredictor", one: "GivenSlide") -> "Result":
    """The result of a slide that has no bag."""
    from saccade.inference.result import Result

    return Result(one.name, one.name, predictor.classes, error=one.error)


def write_map(result: "Result", one: "GivenSlide", path: Path) -> None:
    """The weights of all patches as tiles for QuPath; a slide without tissue has none."""
    from saccade.explanation.slide_geojson import qupath_offset, write_slide_geojson
    from saccade.explanation.slide_sites import slide_sites
    from saccade.features.store import open_bag

    if result.sites.valid.any():
        assert one.bag is not None
        write_slide_geojson(path, slide_sites(result.sites), result.label, qupath_offset(stored=open_bag(one.bag)))
    else:
        warn(f"note: {one.name}: holds no patch of tissue; there is no map of it")
