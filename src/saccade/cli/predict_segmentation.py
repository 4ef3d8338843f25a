"""``saccade predict`` for segmenters of slides: bags or whole slides in; the classes of all patches out."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from saccade.cli.predict_into import MAPS, PATCHES, TABLE, FewLines, predict_into

if TYPE_CHECKING:
    from saccade.inference.raw_slides import SlideEmbedding
    from saccade.inference.segmentation_predictor import SegmentationPredictor, SegmentationResult


def predict_segmentation(
    predictor: "SegmentationPredictor", inputs: Sequence[Path], out: Path, how: "SlideEmbedding"
) -> None:
    """Segment slides into a folder: ``predictions.csv``, ``geojson/`` and ``patches/``, and ``embedded/``, a job.

    Args, and what is raised, as of ``predict_into``.
    """
    from saccade.inference.segmentation_table import segmentation_table

    predict_into(
        predictor,
        inputs,
        out,
        how,
        table=segmentation_table,
        maps=write_patches,
        shown=FewLines(("slide", "patches", *predictor.classes), _line),
        told=f"slides segmented: {out / TABLE}, maps in {out / MAPS} and {out / PATCHES}",
    )


def _line(result: "SegmentationResult") -> tuple[str, ...]:
    return result.name, str(len(result.boxes)), *(f"{share:.1%}" for share in result.shares.values())


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
