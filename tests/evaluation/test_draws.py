"""Figures of random draws, by hand and from files."""

from pathlib import Path

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.datasets.medmnist import load_medmnist
from saccade.datasets.sources import open_manifest
from saccade.evaluation.assessment import LabelledImage, judge
from saccade.evaluation.draws import draw_figures, judge_draws
from saccade.imaging.preprocessing import Preprocessing
from saccade.inference.draws import Draws
from saccade.inference.predictor import Predictor
from saccade.models import create_model
from tests.miniature_fields import CLASSES, make_fields


def test_figures_by_hand() -> None:
    """Three images of class 0, two sets: right 3 and 1 times; of the means two are right."""
    chances = np.array([[0.9, 0.7], [0.6, 0.2], [0.8, 0.4]])
    found = draw_figures(Draws(np.stack([chances, 1 - chances], axis=2)), np.zeros(3, dtype=np.int64))
    assert found["count"] == 2
    assert found["accuracy_of_mean"] == pytest.approx(2 / 3)
    assert found["mean_accuracy"] == pytest.approx(2 / 3)
    assert found["accuracy_spread"] == pytest.approx((2 / 3) / 2**0.5)
    assert found["probability_spread"] == pytest.approx((0.2 + 0.4 + 0.4) / 2**0.5 / 3)


def test_sets_that_agree_have_no_spread() -> None:
    same = np.repeat(np.array([[[0.9, 0.1]], [[0.2, 0.8]]]), 4, axis=1)
    found = draw_figures(Draws(same), np.array([0, 0]))
    assert found == {
        "count": 4,
        "accuracy_of_mean": 0.5,
        "mean_accuracy": 0.5,
        "accuracy_spread": 0.0,
        "probability_spread": 0.0,
    }


def test_judged_images_are_drawn_anew(tmp_path: Path) -> None:
    rows = open_manifest(make_fields(tmp_path / "fields")).rows
    images = [LabelledImage(row, CLASSES.index(row.label), row.label) for row in rows]
    model = create_model("attention-sampling", CLASSES, budget=2, patch=24, factor=8)
    predictor = Predictor(model, Preprocessing(None, 3, (0.8,) * 3, (0.1,) * 3), "cpu")
    told: list[tuple[int, int]] = []
    found = judge_draws(predictor, judge(predictor, images), 3, lambda *each: told.append(each))
    assert told == [(done, 6) for done in range(1, 7)]
    assert found["count"] == 3 and 0 <= found["mean_accuracy"] <= 1 and found["probability_spread"] > 0


def test_a_model_without_draws(miniature: Path) -> None:
    rows = load_medmnist(miniature / "bloodmnist.npz").rows[:3]
    names = ("basophil", "eosinophil", "lymphocyte", "monocyte", "neutrophil")
    predictor = Predictor(create_model("tiny-cnn", names), Preprocessing(16, 3, (0.5,) * 3, (0.2,) * 3), "cpu")
    judged = judge(predictor, [LabelledImage(row, names.index(row.label), row.label) for row in rows])
    with pytest.raises(BadInput, match="tiny-cnn has no random draws"):
        judge_draws(predictor, judged, 3)
