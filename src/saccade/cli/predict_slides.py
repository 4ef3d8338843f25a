"""``saccade predict`` for runs of slides: bags or whole slides in; a table, and maps for QuPath, out."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from saccade.cli.predict import Summary
from saccade.cli.predict_into import MAPS, TABLE, predict_into

if TYPE_CHECKING:
    from saccade.core.results import Sites
    from saccade.inference.raw_slides import SlideEmbedding
    from saccade.inference.result import Result
    from saccade.inference.slide_predictor import SlidePredictor


def predict_slides(predictor: "SlidePredictor", inputs: Sequence[Path], out: Path, how: "SlideEmbedding") -> None:
    """Predict slides into a folder: ``predictions.csv``, ``geojson/SLIDE.geojson``, and ``embedded/``, a job.

    Args, and what is raised, as of ``predict_into``.
    """
    from saccade.inference.tables import prediction_table

    predict_into(
        predictor,
        inputs,
        out,
        how,
        table=prediction_table,
        maps=_write_map,
        shown=Summary(noun="slides"),
        told=f"slides predicted: {out / TABLE}, maps of the weights in {out / MAPS}",
    )


def _write_map(result: "Result", bag: Path, out: Path, name: str) -> tuple[Path]:
    return write_weights(result.sites, result.label, bag, out, name)


def write_weights(sites: "Sites", label: str, bag: Path, out: Path, name: str) -> tuple[Path]:
    """Write the weights of all patches as tiles for QuPath; returns where.

    Args:
        sites: The patches.
        label: What was predicted, if a class.
        bag: The slide's features, which may note where QuPath counts from.
        out: The folder.
        name: Of the file, without suffix.
    """
    from saccade.explanation.slide_geojson import write_slide_geojson
    from saccade.explanation.slide_sites import slide_sites
    from saccade.features.qupath import qupath_offset
    from saccade.features.store import open_bag

    path = out / MAPS / f"{name}.geojson"
    write_slide_geojson(path, slide_sites(sites), label, qupath_offset(stored=open_bag(bag)))
    return (path,)
