"""``saccade predict`` for segmenters of slides: bags or whole slides in; the classes of all patches out."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from saccade.cli.console import say, show_table, warn
from saccade.cli.predict import FINISHED_WITH_FAILURES
from saccade.cli.predict_slides import (
    JOB,
    MAPS,
    PATCHES,
    TABLE,
    clear_away,
    given_slides,
    of_given,
    refuse_file,
    tell_simulated,
)
from saccade.cli.written_files import WrittenFiles
from saccade.core.errors import BadInput

if TYPE_CHECKING:
    from saccade.inference.raw_slides import SlideEmbedding
    from saccade.inference.segmentation_predictor import SegmentationPredictor, SegmentationResult

_SHOWN = 10


def predict_segmentation(
    predictor: "SegmentationPredictor", inputs: Sequence[Path], out: Path, how: "SlideEmbedding"
) -> None:
    """Segment slides into a folder: ``predictions.csv``, ``geojson/`` and ``patches/``, and ``embedded/``, a job.

    Args:
        predictor: The run's model.
        inputs: Files of features, folders of them, slides, folders of slides or manifests.
        out: The folder.
        how: How whole slides become bags, as far as the run does not tell.

    Raises:
        BadInput: Not a single slide can be predicted; nothing but the job is left then.
    """
    from saccade.cli.explain import distinct_names
    from saccade.inference.segmentation_predictor import SegmentationResult
    from saccade.inference.segmentation_table import segmentation_table

    refuse_file(out)
    given = list(given_slides(predictor, inputs, out / JOB, how))
    names = distinct_names([one.bag for one in given if one.bag is not None])
    lines: list[tuple[str, ...]] = []
    written = WrittenFiles(out)
    with segmentation_table(out / TABLE, predictor.classes) as table:
        for one, result in of_given(predictor, given, how.source_mpp):
            result = result or SegmentationResult(one.name, one.name, predictor.classes, error=one.error)
            table.add(result)
            if result.error:
                warn(f"skipped: {result.error}")
                continue
            if result.note:
                warn(f"note: {result.note}")
            assert one.bag is not None
            for path in write_patches(result, one.bag, out, names[one.bag]):
                written.add(path)
            lines.append((result.name, str(len(result.boxes)), *(f"{share:.1%}" for share in result.shares.values())))
        if not lines:
            raise BadInput(f"none of the {len(given)} slides could be predicted", "the lines above say why")
    _show(lines, predictor.classes)
    clear_away(written)
    tell_simulated(given)
    say(f"{len(lines)} of {len(given)} slides segmented: {out / TABLE}, maps in {out / MAPS} and {out / PATCHES}")
    if len(lines) < len(given):
        raise typer.Exit(FINISHED_WITH_FAILURES)


def _show(lines: Sequence[tuple[str, ...]], classes: Sequence[str]) -> None:
    """Print every slide of a few."""
    columns = ("slide", "patches", *classes)
    if len(lines) <= _SHOWN:
        show_table(columns, lines, right=columns[1:])


def write_patches(result: "SegmentationResult", bag: Path, out: Path, name: str) -> tuple[Path, Path]:
    """Write the classes of a slide's patches as tiles for QuPath and as a table; returns where.

    Args:
        result: Of the slide.
        bag: Its features, which may note where QuPath counts from.
        out: The folder.
        name: Of the files, without suffix.
    """
    from saccade.explanation.patch_geojson import write_patch_geojson, write_patch_table
    from saccade.features.qupath import qupath_offset
    from saccade.features.store import open_bag

    patches = (result.boxes, result.probabilities, result.classes)
    tiles, table = out / MAPS / f"{name}.geojson", out / PATCHES / f"{name}.csv"
    write_patch_geojson(tiles, *patches, qupath_offset(stored=open_bag(bag)))
    write_patch_table(table, *patches)
    return tiles, table
