"""Slides judged by their times: failed ones are counted, halves are parted at the median, figures are those of all."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.core.manifest import Row, inspect_names
from saccade.evaluation.survival import concordance
from saccade.evaluation.survival_judging import JudgedSurvival, judge_survival
from saccade.features.slide_input import SlideInput
from saccade.inference.survival_predictor import SurvivalPredictor, SurvivalResult
from saccade.models import create_model
from tests.miniature_slides import DIM
from tests.miniature_times import SMALL, make_times


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_times(tmp_path_factory.mktemp("times"), {"test": 7})


@pytest.fixture(scope="module")
def predictor() -> SurvivalPredictor:
    model = create_model("span-survival", ("under 9", "9 or more"), in_features=DIM, **SMALL)
    return SurvivalPredictor(model, SlideInput("made-up", DIM), "cpu")


def bags_of(table: Path, rows: tuple[Row, ...]) -> dict[str, Path]:
    return {row.name: table.parent / "job" / "features_made-up" / f"{row.name}.h5" for row in rows}


def test_a_slide_that_cannot_be_opened_is_left_out(table: Path, predictor: SurvivalPredictor, tmp_path: Path) -> None:
    rows = inspect_names(table)[0].rows
    (tmp_path / "broken.h5").write_bytes(b"nothing")
    kept: list[tuple[SurvivalResult, Row]] = []
    warned: list[str] = []
    bags = {**bags_of(table, rows), rows[2].name: tmp_path / "broken.h5"}
    judged = judge_survival(
        predictor, rows, bags, keep=lambda result, row: kept.append((result, row)), warn=warned.append
    )
    assert judged.failed == 1 and judged.rows == [*rows[:2], *rows[3:]]
    assert [bool(result.error) for result, _ in kept] == [False, False, True, False, False, False, False]
    assert len(warned) == 1 and "broken.h5" in warned[0]
    metrics = judged.metrics()
    assert (metrics["n"], metrics["cases"], metrics["events"]) == (6, 6, 5)
    expected = concordance(judged.times, judged.events, np.array(judged.risks))
    assert metrics["concordance"]["value"] == pytest.approx(expected)


def test_halves_are_parted_at_the_median() -> None:
    rows = [Row(Path(str(n)), "", str(n), time=float(n), event=True) for n in range(5)]
    judged = JudgedSurvival(rows, [0.1, 0.5, 0.3, 0.2, 0.4])
    assert judged.threshold == 0.3
    assert judged.high.tolist() == [False, True, False, False, True]


def test_without_times_or_without_slides_nothing_is_judged(table: Path, predictor: SurvivalPredictor) -> None:
    rows = inspect_names(table)[0].rows
    with pytest.raises(BadInput, match="the event is missing"):
        judge_survival(predictor, [replace(rows[0], event=None)], {})
    with pytest.raises(BadInput, match="none of the 2 slides could be predicted"):
        judge_survival(predictor, rows[:2], {row.name: table.parent / "absent.h5" for row in rows})
