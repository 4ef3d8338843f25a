"""Slides judged by their annotations: labels meet the patches they are of, and failed or bare slides are counted."""

from pathlib import Path

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.core.manifest import Row, inspect_names
from saccade.datasets.patch_truth import PatchRules
from saccade.evaluation.segmentation_judging import JudgedSegmentation, counted, judge_segmentation, rules_of
from saccade.features.slide_input import SlideInput
from saccade.inference.segmentation_predictor import SegmentationPredictor, SegmentationResult
from saccade.models import create_segmenter
from tests.miniature_annotated import CLASSES, SIDE, make_annotated, outline, write_outlines
from tests.miniature_slides import DIM

RULES = PatchRules(CLASSES, ignored=("tissue",))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return make_annotated(tmp_path, {"train": 4, "test": 1})


@pytest.fixture
def predictor() -> SegmentationPredictor:
    model = create_segmenter("span-unet", CLASSES, in_features=DIM, width=8, heads=1)
    return SegmentationPredictor(model, SlideInput("made-up", DIM), "cpu")


def bags_of(table: Path, rows: tuple[Row, ...]) -> dict[str, Path]:
    return {row.name: table.parent / "job" / "features_made-up" / f"{row.name}.h5" for row in rows}


def test_counts_are_those_of_the_annotated_patches(table: Path, predictor: SegmentationPredictor) -> None:
    rows = inspect_names(table)[0].rows
    kept: list[tuple[SegmentationResult, Row, np.ndarray | None]] = []
    bags = {**bags_of(table, rows), "train_1": table.parent / "absent.h5"}
    warned: list[str] = []
    judged = judge_segmentation(predictor, RULES, rows, bags, keep=lambda *all: kept.append(all), warn=warned.append)
    assert judged.failed == 1 and judged.bare == 1 and len(warned) == 1
    assert [counts is None for _, _, counts in kept] == [False, True, False, False, False]
    for result, row, counts in kept:
        if counts is not None and counts.any():
            predicted = np.bincount(result.labels, minlength=2)
            assert counts.sum(0).tolist() == predicted.tolist()
            assert counts.sum(1)[1] % SIDE == 0 and counts.sum() == SIDE**2, row.name
    metrics = judged.metrics()
    assert metrics.cases == 3 and sum(map(sum, metrics.confusion)) == 3 * SIDE**2


def test_a_bad_annotation_ends_it(table: Path, predictor: SegmentationPredictor) -> None:
    rows = inspect_names(table)[0].rows
    write_outlines(table.parent / "annotations" / "test_0.geojson", outline(0, 0, 9, 9, "stroma"))
    with pytest.raises(BadInput, match="'stroma', which is no class"):
        judge_segmentation(predictor, RULES, rows, bags_of(table, rows))


def test_slides_without_labels_alone_cannot_be_judged_by() -> None:
    bare = JudgedSegmentation(CLASSES, [Row(Path("a"), "")], [np.zeros((2, 2), np.int64)])
    with pytest.raises(BadInput, match="none of the 1 slides has a patch with a class"):
        bare.metrics()


def test_rules_come_back_from_a_run_and_have_defaults() -> None:
    config = {"classes": list(CLASSES), "extra": {"patch_rules": PatchRules(CLASSES, ("tissue",), 0.5).as_dict()}}
    assert rules_of(config) == PatchRules(CLASSES, ("tissue",), 0.5)
    assert rules_of({"classes": list(CLASSES)}) == PatchRules(CLASSES)


def test_counting() -> None:
    truth, predicted = np.array([0, 2, 2, -1, 1], np.int16), np.array([0, 2, 1, 1, 1])
    assert counted(truth, predicted, 3).tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]
