"""What a report of slides holds: examples, pointing and faithfulness that agree with asking slide by slide."""

from pathlib import Path

import numpy as np
import pytest

from saccade.evaluation.intervals import wilson_interval
from saccade.explanation.faithfulness import Curve, Faithfulness
from saccade.explanation.signed_evidence import signed_evidence
from saccade.explanation.slide_pointing import shares_inside, slide_pointing
from saccade.report import slide_gathering
from saccade.report.data import ReportData
from saccade.report.slide_gathering import pointing_figures, together, with_slides, without_pixels
from saccade.report.slide_seeing import see_slide
from tests.report.miniature import slides_pointed
from tests.report.miniature_slide_files import judged_slides, slide_images, slide_predictor


def test_a_report_has_examples_pointing_and_faithfulness(tmp_path: Path) -> None:
    predictor = slide_predictor()
    images = slide_images(tmp_path, 6)
    history = [{"epoch": 1, "val_loss": 0.5, "pixels_read_fraction": 0.4, "pixels_looked_fraction": 1.0}]
    data = with_slides(ReportData("t", history=history), predictor, judged_slides(predictor, images))
    assert data.history == [{"epoch": 1, "val_loss": 0.5}]
    assert data.slides is not None and [one.label for one in data.slides] == ["normal"] * 2 + ["tumour"] * 2
    assert data.faithfulness is not None and len(data.faithfulness.labels) == 6
    assert next(iter(data.faithfulness.measured.curves)) == "heaviest first"
    over = data.slide_pointing
    assert over is not None and sorted(over.cases) == ["s1", "s3", "s5"], "normal slides have no such region"
    for place, case in enumerate(over.cases):
        with see_slide(predictor, next(image for image in images if image.row.case == case)) as seen:
            assert seen is not None
            sites = seen.sites(signed_evidence(predictor.model, seen.bags, target=1).values)
            one = slide_pointing(sites, shares_inside(sites.boxes, seen.region))
        assert over.measured.area[place] == 2 / 16
        assert over.measured.weight[place] == pytest.approx(one.weight)
        assert over.measured.evidence[place] == pytest.approx(one.evidence, nan_ok=True)


def test_the_work_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = slide_predictor()
    judged = judged_slides(predictor, slide_images(tmp_path, 6))
    monkeypatch.setattr(slide_gathering, "MOST_PATCHES", 17)  # the second slide goes beyond
    monkeypatch.setattr(slide_gathering, "_PROBED", 1)
    data = with_slides(ReportData("t"), predictor, judged)
    assert data.slide_pointing is not None and len(data.slide_pointing.labels) == 2
    assert data.faithfulness is not None and len(data.faithfulness.labels) == 1


def test_without_annotations_nothing_points(tmp_path: Path) -> None:
    predictor = slide_predictor()
    images = slide_images(tmp_path, 2)
    for path in tmp_path.glob("*.geojson"):
        path.unlink()
    data = with_slides(ReportData("t"), predictor, judged_slides(predictor, images))
    assert data.slide_pointing is None and data.slides and data.history is None


def test_curves_of_several_slides_keep_their_areas() -> None:
    """Two slides whose steps lie at different places."""
    dice = np.random.default_rng(0)
    slides = []
    for steps in ([0, 0.2, 0.9, 1], [0, 0.5, 1]):
        values = dice.random((2, 1, len(steps)))
        slides.append(Faithfulness({"own": Curve(np.array(steps), *values)}, "nothing", "patches"))
    one = together(slides)
    assert one.curves["own"].fractions.tolist() == [0, 0.2, 0.5, 0.9, 1] and one.unit == "patches"
    for kind in ("deletion_area", "insertion_area"):
        apart = [float(getattr(slide.curves["own"], kind)[0]) for slide in slides]
        np.testing.assert_allclose(getattr(one.curves["own"], kind), apart)


def test_no_history_stays_none() -> None:
    assert without_pixels(None) is without_pixels([]) is None


def test_figures_are_plain_and_leave_out_what_is_not_known() -> None:
    found = pointing_figures(slides_pointed())
    assert found["n"] == 24 and set(found) == {"weight", "heaviest", "evidence", "area", "n"}
    assert found["evidence"]["value"] == pytest.approx(0.75)
    assert found["weight"] == wilson_interval(0.25, 12).as_dict()  # alike in all slides
