"""What reports of every scale share; cells and fields are gathered apart."""

from pathlib import Path

import pytest

from saccade.datasets.simulators.cell_sets import write_dataset
from saccade.datasets.sources import open_manifest
from saccade.evaluation.assessment import LabelledImage, judge
from saccade.evaluation.intervals import Interval
from saccade.inference.predictor import Predictor
from saccade.inference.runs import Run
from saccade.report.data import ReportData
from saccade.report.field_data import RunRow
from saccade.report.gathering import noun_of, origin_of, report_data
from tests.miniature_fields import make_field_model, make_fields
from tests.report.miniature_slide_files import slide_predictor


def report_of(folder: Path, manifest_path: Path, runs: list[RunRow] | None = None) -> ReportData:
    """Report data of the model in a folder."""
    manifest, run = open_manifest(manifest_path), Run.open(folder)
    predictor = Predictor(run.package.model, run.package.preprocessing, "cpu")
    images = [LabelledImage(row, predictor.classes.index(row.label), row.label) for row in manifest.rows]
    judged = judge(predictor, images)
    name = predictor.model.config["model"]
    costs = {name: {"parameters": 1, "pixels_read_fraction": 0.1, "pixels_looked_fraction": 1.0}}
    return report_data(run, predictor, manifest, judged, judged.metrics(predictor.classes), costs, "val", runs)


def test_only_simulated_data_is_called_that(cells: Path, tmp_path: Path) -> None:
    assert origin_of(open_manifest(write_dataset(tmp_path, {"test": 1}, size=24))) == "simulated"
    assert origin_of(open_manifest(cells)) == ""


@pytest.mark.usefixtures("quick")
def test_fields_go_their_own_way(tmp_path: Path) -> None:
    row = RunRow("small", 20, 20, Interval(0.9, 0.8, 1.0))
    data = report_of(make_field_model(tmp_path / "run"), make_fields(tmp_path / "fields"), [row])
    assert data.title == "attention-sampling on fields"
    assert data.facts["model"] == "attention-sampling, 4 patches of 24×24 pixels, 3 channels"
    assert data.facts["figures from"].startswith("the validation part")
    assert (data.noun, data.runs) == ("fields", [row])
    assert data.examples is None and data.maps is None and data.pointing is None
    assert data.fields and data.box_pointing and data.faithfulness
    assert data.costs is not None
    assert data.costs[0].accuracy == data.metrics.accuracy if data.metrics else False


def test_slides_and_what_is_counted_are_called_slides() -> None:
    assert noun_of(slide_predictor()) == "slides"
    assert [ReportData("t", noun=noun).counted for noun in ("slides", "cells", "fields")] == [
        "slides",
        "images",
        "images",
    ]
