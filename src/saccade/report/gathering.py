"""From a run and predictions to its report: what every scale shares; the rest is gathered by scale."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from saccade.core.manifest import Manifest
from saccade.datasets.sources import origin_of
from saccade.evaluation.assessment import Judged, LabelledImage
from saccade.evaluation.metrics import Metrics
from saccade.inference.hub import AnyPredictor
from saccade.inference.runs import Run
from saccade.inference.slide_predictor import SlidePredictor
from saccade.report.cell_gathering import with_cells
from saccade.report.data import CostRow, ReportData
from saccade.report.field_data import RunRow
from saccade.report.field_gathering import with_fields
from saccade.report.slide_gathering import with_slides


def report_data(
    run: Run,
    predictor: AnyPredictor,
    manifest: Manifest,
    judged: Judged,
    metrics: Metrics,
    costs: dict[str, dict[str, Any]],
    part: str,
    runs: Sequence[RunRow] | None = None,
) -> ReportData:
    """Gather everything the report shows of a run on some data.

    Args:
        run: The run.
        predictor: Its model.
        manifest: The images that were judged.
        judged: What was predicted of them.
        metrics: The figures of ``judged``.
        costs: As in ``metrics.json``, by model; the run's first.
        part: Which part of the data they are; empty for all of it.
        runs: Runs to set side by side, such as one for each size of patch.
    """
    name = predictor.model.config["model"]
    accuracy = {name: {"accuracy": metrics.accuracy.as_dict()}}
    origin = origin_of(manifest, bags_of(judged.images))
    noun = noun_of(predictor)
    report = ReportData(
        title=f"{name} on {f'{origin} {noun}' if origin else _data_name(manifest)}",
        facts=_facts(run, predictor, manifest, part, judged),
        origin=origin,
        metrics=metrics,
        costs=[CostRow.of(model, {**values, **accuracy.get(model, {})}) for model, values in costs.items()],
        history=run.history or None,
        budgets=run.budgets or None,
        runs=runs,
        noun=noun,
    )
    if isinstance(predictor, SlidePredictor):
        return with_slides(report, predictor, judged)
    if noun == "fields":
        return with_fields(report, run, predictor, judged, manifest)
    return with_cells(report, predictor, judged, manifest)


def bags_of(images: Sequence[LabelledImage]) -> list[Path]:
    """The files of features of slides; none of images."""
    return [image.bag for image in images if image.bag is not None]


def noun_of(predictor: AnyPredictor) -> str:
    """What the images of a model are called."""
    if isinstance(predictor, SlidePredictor):
        return "slides"
    return "fields" if predictor.preprocessing.size is None else "cells"


def _facts(run: Run, predictor: AnyPredictor, manifest: Manifest, part: str, judged: Judged) -> dict[str, str]:
    """What stands under the title."""
    images = f"{len(judged.images):,}" + (f", and {judged.failed:,} that could not be opened" if judged.failed else "")
    counted = "slides" if isinstance(predictor, SlidePredictor) else "images"
    parts = {"": f"all {counted}", "val": "the validation part, by which the training was steered"}
    trained_on = {"trained on": f"{run.package.origin} {counted}"} if run.package.origin else {}
    return {
        "model": f"{predictor.model.config['model']}, {_input_words(predictor)}",
        **trained_on,
        "run": str(run.folder),
        "data": str(manifest.source),
        "figures from": parts.get(part, f"the {part} part"),
        counted: images,
        "date": date.today().isoformat(),
    }


def _input_words(predictor: AnyPredictor) -> str:
    """What the model takes: images of one size, patches out of images of any, or features of patches."""
    if isinstance(predictor, SlidePredictor):
        given = predictor.preprocessing
        of = f" of patches of {given.patch_um:g} µm" if given.patch_um is not None else ""
        return f"{given.dim} numbers by {given.encoder or 'an unnamed encoder'}{of}"
    size, channels = predictor.preprocessing.size, predictor.preprocessing.channels
    channel_words = f"{channels} channel{'s'[: channels != 1]}"
    if size is not None:
        return f"{size}×{size} pixels, {channel_words}"
    options = predictor.model.config["options"]
    if predictor.model.budget is None or "patch" not in options:
        return f"fields of any size, {channel_words}"
    return f"{predictor.model.budget} patches of {options['patch']}×{options['patch']} pixels, {channel_words}"


def _data_name(manifest: Manifest) -> str:
    """A short name for the data: its folder, or the file where that says more."""
    source = Path(manifest.source).resolve()
    return source.parent.name if source.stem == "manifest" else source.stem
