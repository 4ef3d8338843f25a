"""From a run and predictions to its report: what every scale shares; the rest is gathered by scale."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from saccade.core.manifest import Manifest
from saccade.datasets.sources import is_simulated
from saccade.evaluation.assessment import Judged
from saccade.evaluation.metrics import Metrics
from saccade.inference.predictor import Predictor
from saccade.inference.runs import Run
from saccade.report.cell_gathering import with_cells
from saccade.report.data import CostRow, ReportData
from saccade.report.field_data import RunRow
from saccade.report.field_gathering import with_fields


def report_data(
    run: Run,
    predictor: Predictor,
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
    of_fields = predictor.preprocessing.size is None
    accuracy = {name: {"accuracy": metrics.accuracy.as_dict()}}
    simulated = is_simulated(manifest)
    made_up = f"simulated {'fields' if of_fields else 'cells'}"
    report = ReportData(
        title=f"{name} on {made_up if simulated else _data_name(manifest)}",
        facts=_facts(run, predictor, manifest, part, judged),
        simulated=simulated,
        metrics=metrics,
        costs=[CostRow.of(model, {**values, **accuracy.get(model, {})}) for model, values in costs.items()],
        history=run.history or None,
        runs=runs,
    )
    if of_fields:
        return with_fields(report, run, predictor, judged, manifest)
    return with_cells(report, predictor, judged, manifest)


def _facts(run: Run, predictor: Predictor, manifest: Manifest, part: str, judged: Judged) -> dict[str, str]:
    """What stands under the title."""
    images = f"{len(judged.images):,}" + (f", and {judged.failed:,} that could not be opened" if judged.failed else "")
    parts = {"": "all images", "val": "the validation part, by which the training was steered"}
    return {
        "model": f"{predictor.model.config['model']}, {_input_words(predictor)}",
        "run": str(run.folder),
        "data": str(manifest.source),
        "figures from": parts.get(part, f"the {part} part"),
        "images": images,
        "date": date.today().isoformat(),
    }


def _input_words(predictor: Predictor) -> str:
    """What the model takes: images of one size, or patches out of images of any."""
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
