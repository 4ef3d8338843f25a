"""``saccade predict``: images in, a table out."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from saccade.cli.console import progress, say, show_table, warn
from saccade.core.errors import BadInput

if TYPE_CHECKING:
    from saccade.core.manifest import Row
    from saccade.inference.hub import AnyPredictor, AnySlidePredictor
    from saccade.inference.predictor import Predictor
    from saccade.inference.result import Result
    from saccade.inference.segmentation_predictor import SegmentationResult
    from saccade.inference.survival_predictor import SurvivalResult
    from saccade.models.packaging import Package

FINISHED_WITH_FAILURES = 3
_SHOWN = 10  # images up to which each has a line of its own on the screen
_NAMED = 3  # files left out that are named


def predict(
    run: Annotated[str, typer.Argument(help="Folder of a run, or owner/name on the Hugging Face hub.")],
    images: Annotated[
        list[Path], typer.Argument(help="Images, or folders of images; for a run of slides, slides or feature files.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="The table to write, predictions.csv by default; of slides a folder, predictions."),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Images classified at a time; by default 64 cells or 4 fields.", min=1)
    ] = None,
    device: Annotated[str | None, typer.Option(help="Such as cpu or cuda:0; the fastest there is by default.")] = None,
    encoder: Annotated[
        str | None, typer.Option(help="Of slides: the encoder of the run's features, where the run cannot tell.")
    ] = None,
    weights: Annotated[Path | None, typer.Option(help="Of slides: that encoder's weights in a local file.")] = None,
    source_mpp: Annotated[
        float | None, typer.Option(help="Of slides: micrometres per base pixel where files do not state it.")
    ] = None,
) -> None:
    """Predict the class of images of any size, with values as in training.

    PNG, JPEG, BMP, TIFF, NPY, or recordings of event cameras. Images that cannot be opened are skipped, with a line for
    each and in the table; the exit code is then 3. If none can be opened, it is 2 and no table is written. Other files
    in a folder are left out. Models of fields also take tiled TIFF files that are too large to decode, and unpack what
    they read; a line tells of each TIFF that states another resolution than they were trained at.

    A model of slides takes feature files, or slides: tissue is found, patches are embedded as those of its training,
    and a table and a map of the weights for QuPath are written. A slide that fails costs one line. Of a run of survival
    the table holds risks and the chance to come through each bin of time; of a segmenter the share of each class, and
    maps hold the class of every patch.
    """
    from saccade.cli.predict_segmentation import predict_segmentation
    from saccade.cli.predict_slides import predict_slides
    from saccade.cli.predict_survival import predict_survival
    from saccade.inference import load
    from saccade.inference.raw_slides import SlideEmbedding
    from saccade.inference.segmentation_predictor import SegmentationPredictor
    from saccade.inference.slide_predictor import SlidePredictor
    from saccade.inference.survival_predictor import SurvivalPredictor

    predictor = load(run, device)
    tell_training(predictor)
    how = SlideEmbedding(encoder, weights, source_mpp, device)
    folder = out or Path("predictions")
    if isinstance(predictor, SlidePredictor):
        predict_slides(predictor, images, folder, how)
    elif isinstance(predictor, SurvivalPredictor):
        predict_survival(predictor, images, folder, how)
    elif isinstance(predictor, SegmentationPredictor):
        predict_segmentation(predictor, images, folder, how)
    elif encoder or weights or source_mpp:
        raise BadInput("--encoder, --weights and --source-mpp are for runs of slides", "leave them out", run)
    else:
        predict_images(predictor, images, out or Path("predictions.csv"), batch_size)


def predict_images(predictor: "Predictor", images: Sequence[Path], out: Path, batch_size: int | None) -> None:
    """Predict cells or fields into a table."""
    from saccade.datasets.folders import image_rows
    from saccade.inference.tables import prediction_table

    if out.is_dir():
        raise BadInput("is a folder", "name the table to write, such as --out predictions.csv", str(out))
    rows = {row.path: row for given in images for row in image_rows(given)}
    paths = list(rows)
    warn_of_others(images)
    tell_origin(rows.values())
    summary, failed = Summary(patch_side(predictor)), 0
    with prediction_table(out, predictor.classes) as table, progress("predicting") as tell:
        for done, result in enumerate(predictor.stream(paths, batch_size), start=1):
            table.add(result)
            warn_of(result)
            if result.error:
                failed += 1
            else:
                summary.add(result)
            tell(done, len(paths))
        if failed == len(paths):
            remedy = "the lines above say why; nothing was written"
            raise BadInput(f"none of the {len(paths)} images could be predicted", remedy)
    summary.show()
    warn_of_small(summary.small)
    say(f"{len(paths) - failed} of {len(paths)} images predicted: {out}")
    if failed:
        raise typer.Exit(FINISHED_WITH_FAILURES)


def tell_training(trained: "Package | AnyPredictor | AnySlidePredictor") -> None:
    """Say that a model was trained on simulated images or proxies, if it was."""
    from saccade.features.slide_input import SlideInput

    if trained.origin:
        noun = "slides" if isinstance(trained.preprocessing, SlideInput) else "images"
        say(f"note: this model was trained on {trained.origin} {noun}")


def tell_origin(rows: "Iterable[Row]") -> None:
    """Say that the images are simulated, or proxies, if their cases or names tell."""
    from saccade.core.manifest import Manifest
    from saccade.datasets.sources import origin_of

    if origin := origin_of(Manifest(tuple(rows), (), Path())):
        say(f"note: these are {origin} images")


def warn_of_others(given: Sequence[Path]) -> None:
    """Say which files in the folders are left out: images that have no row in the manifest, and what is no image."""
    from saccade.datasets.folders import MANIFEST_NAME, list_others, list_unnamed

    if unnamed := len(dict.fromkeys(image for path in given for image in list_unnamed(path))):
        warn(f"left out {unnamed} image{'s'[: unnamed != 1]}, such as masks, that have no row in {MANIFEST_NAME}")
    names = [path.name for path in dict.fromkeys(other for path in given for other in list_others(path))]
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        what = "1 file that is no image" if len(names) == 1 else f"{len(names)} files that are no images"
        warn(f"left out {what} this program reads: {', '.join(names[:_NAMED])}{more}")


def patch_side(predictor: "AnyPredictor") -> int:
    """Side of the patches that a model of fields reads; 0 of one that reads none."""
    of_fields = getattr(predictor.preprocessing, "size", 0) is None
    return predictor.model.config["options"].get("patch", 0) if of_fields else 0


def warn_of(result: "Result | SurvivalResult | SegmentationResult") -> None:
    """Say why an image or slide was not predicted, or what is to be known about one that was, if anything."""
    if result.error:
        warn(f"skipped: {result.error}")
    elif result.note:
        warn(f"note: {result.note}")


def warn_of_small(count: int) -> None:
    """Say how many images were smaller than a patch, if any."""
    if count:
        what = "1 image is" if count == 1 else f"{count} images are"
        whose = "it is its" if count == 1 else "them is their"
        warn(f"note: {what} smaller than a patch: most of what is read of {whose} mirror image")


class Summary:
    """What to show of many results without keeping them.

    Args:
        patch: Side of a patch; images smaller than that are counted.
        noun: What they are called.
    """

    def __init__(self, patch: int = 0, noun: str = "images") -> None:
        self.patch, self.noun, self.small = patch, noun, 0
        self._confidences: dict[str, list[float]] = defaultdict(list)
        self._first: list[tuple[str, ...]] = []

    def add(self, result: "Result") -> None:
        """Take note of a result that is no error."""
        self.small += min(result.extent) < self.patch
        confidence = result.probabilities[result.label]
        self._confidences[result.label].append(confidence)
        if len(self._first) <= _SHOWN:
            fractions = (result.cost.pixels_read_fraction, result.cost.pixels_looked_fraction)
            shown = ("–" if isnan(fraction) else f"{float(fraction):.1%}" for fraction in fractions)
            self._first.append((result.name, result.label, f"{confidence:.1%}", *shown))

    def show(self) -> None:
        """Print every image of a few, or every class of many."""
        if len(self._first) <= _SHOWN:
            columns = (self.noun[:-1], "predicted", "probability", "pixels read", "pixels looked at")
            show_table(columns, self._first, right=columns[2:])
            return
        total = sum(map(len, self._confidences.values()))
        rows = [
            (name, str(len(found)), f"{len(found) / total:.1%}", f"{sum(found) / len(found):.1%}")
            for name, found in sorted(self._confidences.items(), key=lambda pair: -len(pair[1]))
        ]
        columns = ("predicted", self.noun, "share", "mean probability")
        show_table(columns, rows, right=columns[1:])
