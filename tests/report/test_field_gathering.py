"""What a report of fields is made of: small pictures, the very patches that were read, and pointing at needles."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from saccade.datasets.boxes import boxes_beside, needles_of
from saccade.datasets.sources import open_manifest
from saccade.evaluation.assessment import Judged, LabelledImage, judge
from saccade.explanation.box_pointing import box_pointing
from saccade.imaging.image_files import load_image
from saccade.inference.predictor import Predictor
from saccade.inference.runs import Run
from saccade.report.data import ReportData
from saccade.report.field_gathering import field_examples, pointing_figures, seen_fields, shown_patches, with_fields
from tests.miniature_fields import CLASSES, make_field_model, make_fields
from tests.report.miniature import box_pointed


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run.open(make_field_model(tmp_path_factory.mktemp("field_run")))


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_fields(tmp_path_factory.mktemp("fields") / "fields")


def judged_by(run: Run, manifest: Path) -> tuple[Predictor, Judged]:
    predictor = Predictor(run.package.model, run.package.preprocessing, "cpu")
    rows = open_manifest(manifest).rows
    return predictor, judge(predictor, [LabelledImage(row, CLASSES.index(row.label), row.label) for row in rows])


@pytest.mark.usefixtures("quick")
def test_pointing_is_measured_where_a_box_is_known(run: Run, manifest: Path) -> None:
    predictor, judged = judged_by(run, manifest)
    data = with_fields(ReportData("t"), run, predictor, judged, open_manifest(manifest))
    over, truth = data.box_pointing, boxes_beside(open_manifest(manifest))
    assert over is not None and truth is not None
    assert len(over.labels) == 4 and sorted(over.cases) == ["case 0", "case 0", "case 1", "case 1"]
    known = {row.name: row for row in open_manifest(manifest).rows if row.name in truth}
    weights = []
    for name, row in known.items():
        result = predictor.predict([row.path])[0]
        weights.append(box_pointing(result.sites, needles_of(truth[name]), result.extent).weight.item())
    assert sorted(over.measured.weight.tolist()) == pytest.approx(sorted(weights), abs=1e-6)
    assert not torch.isnan(over.measured.looked).any()
    assert over.measured.area.tolist() == pytest.approx([24 * 24 / (120 * 160)] * 4)
    assert data.faithfulness is not None and len(data.faithfulness.labels) == 1
    assert data.history is None


@pytest.mark.usefixtures("quick")
def test_the_figures_of_pointing_are_means_over_fields_with_boxes() -> None:
    """Plain values; a figure that is not known of any field has none."""
    over = box_pointed()
    found = pointing_figures(over)
    known = over.measured.hits[over.measured.hits.isfinite()]
    assert found["n"] == len(known) == len(over.labels) - 1
    assert found["hit_rate"]["value"] == pytest.approx(float(known.mean()))
    assert found["hit_rate"]["low"] < found["hit_rate"]["value"] < found["hit_rate"]["high"]
    nothing = torch.full_like(over.measured.looked, torch.nan)
    without = replace(over, measured=replace(over.measured, looked=nothing))
    assert pointing_figures(without)["box_mass"] == {"value": None, "low": None, "high": None}
    assert json.loads(json.dumps(found)) == found


def test_without_boxes_nothing_is_pointed_at(run: Run, manifest: Path, tmp_path: Path) -> None:
    alone = make_fields(tmp_path / "fields", per_class=1)
    (alone.parent / "boxes.csv").unlink()
    predictor, judged = judged_by(run, alone)
    data = with_fields(ReportData("t"), run, predictor, judged, open_manifest(alone))
    assert data.box_pointing is None
    assert data.fields is not None
    assert all(patch.hit is None for field in data.fields for patch in field.patches)


def test_patches_are_exactly_the_pixels_in_the_boxes(run: Run, manifest: Path) -> None:
    predictor, judged = judged_by(run, manifest)
    (seen,) = seen_fields(predictor, judged.images[:1])
    pixels, sites = load_image(judged.images[0].row.path), seen.sites
    assert sites is not None and seen.look is not None
    assert seen.look.probabilities.shape == (15, 20)
    shown = shown_patches(seen.pixels, sites, torch.empty(0, 4))
    assert [patch.number for patch in shown] == list(range(1, 1 + len(shown)))
    assert [patch.weight for patch in shown] == sorted((patch.weight for patch in shown), reverse=True)
    assert sum(patch.weight for patch in shown) == pytest.approx(1, abs=1e-5)
    for patch, (x0, y0, x1, y1) in zip(shown, sites.boxes[0].int().tolist(), strict=True):
        padded = np.pad(pixels, ((24, 24), (24, 24), (0, 0)), mode="reflect")
        np.testing.assert_array_equal(patch.pixels, padded[y0 + 24 : y1 + 24, x0 + 24 : x1 + 24])
        assert patch.hit is None


def test_hits_are_marked(run: Run, manifest: Path) -> None:
    predictor, judged = judged_by(run, manifest)
    (seen,) = seen_fields(predictor, judged.images[:1])
    assert seen.sites is not None
    x0, y0, x1, y1 = seen.sites.boxes[0, 0].tolist()
    middle = torch.tensor([[(x0 + x1) / 2 - 1, (y0 + y1) / 2 - 1, (x0 + x1) / 2 + 1, (y0 + y1) / 2 + 1]])
    shown = shown_patches(seen.pixels, seen.sites, middle)
    assert shown[0].hit is True and not any(patch.hit for patch in shown[1:])


def test_every_class_is_shown_in_small_pictures(run: Run, manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("saccade.report.field_gathering.LONGEST", 80)
    predictor, judged = judged_by(run, manifest)
    shown = field_examples(predictor, judged, boxes_beside(open_manifest(manifest)))
    assert sorted(field.label for field in shown) == ["blue"] * 3 + ["red"] * 3
    assert all(field.picture.shape == (60, 80, 3) for field in shown)
    assert len({field.name for field in shown}) == 6


def test_a_file_that_vanished_is_passed_over(run: Run, tmp_path: Path) -> None:
    predictor, judged = judged_by(run, make_fields(tmp_path / "fields", per_class=1))
    judged.images[0].row.path.unlink()
    assert [seen.image.name for seen in seen_fields(predictor, judged.images)] == ["red"]
