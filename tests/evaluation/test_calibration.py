"""Calibration by hand and against torchmetrics."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import multiclass_calibration_error

from saccade.evaluation.calibration import calibration


def two_classes(confidence: list[float]) -> np.ndarray:
    """The first class is predicted with these confidences."""
    return np.array([[value, 1 - value] for value in confidence])


def test_by_hand() -> None:
    probabilities = two_classes([0.9, 0.8, 0.8, 0.55])
    measured = calibration(probabilities, np.array([0, 1, 0, 0]), bins=5)
    # (0.4, 0.6]: one, confident 0.55, right; (0.6, 0.8]: two, 0.8, half right; (0.8, 1]: one, 0.9, right.
    assert measured.ece == pytest.approx((0.45 + 2 * 0.3 + 0.1) / 4)
    assert [one.n for one in measured.bins] == [0, 0, 1, 2, 1]
    assert measured.bins[3].as_dict() == pytest.approx(
        {"low": 0.6, "high": 0.8, "confidence": 0.8, "accuracy": 0.5, "n": 2}
    )
    assert measured.bins[0].as_dict() == {"low": 0, "high": 0.2, "confidence": None, "accuracy": None, "n": 0}


def test_agrees_with_torchmetrics() -> None:
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(5), size=500)
    labels = generator.integers(0, 5, 500)
    theirs = multiclass_calibration_error(
        torch.from_numpy(probabilities), torch.from_numpy(labels), num_classes=5, n_bins=15
    )
    assert calibration(probabilities, labels).ece == pytest.approx(float(theirs), abs=1e-6)


def test_sure_and_right_is_perfect_sure_and_wrong_is_the_worst() -> None:
    sure = np.eye(3)
    assert calibration(sure, np.array([0, 1, 2])).ece == 0
    assert calibration(sure, np.array([1, 2, 0])).ece == 1


def test_bins_hold_every_image_and_their_plain_form() -> None:
    probabilities = np.random.default_rng(1).dirichlet(np.ones(3), size=40)
    measured = calibration(probabilities, np.zeros(40, dtype=np.int64), bins=10)
    assert sum(one.n for one in measured.bins) == 40
    plain = measured.as_dict()
    assert set(plain) == {"ece", "bins"} and len(plain["bins"]) == 10


def test_nothing_to_calibrate_is_an_error() -> None:
    with pytest.raises(ValueError, match="images and bins"):
        calibration(np.zeros((0, 2)), np.zeros(0, dtype=np.int64))
