"""Dice and IoU against scikit-learn patch by patch, and intervals against slides drawn by hand."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, jaccard_score

from saccade.core.errors import BadInput
from saccade.evaluation.intervals import CaseBootstrap
from saccade.evaluation.segmentation import PatchFigures, evaluate_patches

CLASSES = ("normal", "stroma", "tumour")


def drawn(slides: int, seed: int = 0) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
    """Labels, predictions and counts of some slides, of very different sizes."""
    dice = np.random.default_rng(seed)
    truth = [dice.integers(0, 3, int(dice.integers(1, 40))) for _ in range(slides)]
    guess = [np.where(dice.random(len(own)) < 0.6, own, dice.integers(0, 3, len(own))) for own in truth]
    counts = np.zeros((slides, 3, 3), np.int64)
    for slide, (own, other) in enumerate(zip(truth, guess, strict=True)):
        np.add.at(counts[slide], (own, other), 1)
    return truth, guess, counts


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_scikit_learn_s(seed: int) -> None:
    truth, guess, counts = drawn(9, seed)
    found = evaluate_patches(counts, [str(slide) for slide in range(9)], CLASSES)
    own, other = np.concatenate(truth), np.concatenate(guess)
    assert [found.dice[name].value for name in CLASSES] == pytest.approx(f1_score(own, other, average=None))
    assert [found.iou[name].value for name in CLASSES] == pytest.approx(jaccard_score(own, other, average=None))
    assert found.accuracy.value == pytest.approx(accuracy_score(own, other))
    assert found.mean_dice.value == pytest.approx(f1_score(own, other, average=None)[1:].mean())
    plain = found.as_dict()
    assert plain["patches"] == len(own) and plain["confusion"] == counts.sum(0).tolist() and plain["cases"] == 9


def test_a_resample_is_the_figure_of_the_slides_it_drew() -> None:
    truth, guess, counts = drawn(12)
    cases = [f"case {slide % 5}" for slide in range(12)]
    bootstrap = CaseBootstrap.of(cases, resamples=60)
    samples = []
    for weights in bootstrap.blocks():
        for column in weights.T.astype(int):
            rows = np.repeat(np.arange(12), column[bootstrap.index])
            own, other = np.concatenate([truth[r] for r in rows]), np.concatenate([guess[r] for r in rows])
            samples.append(f1_score(own, other, average=None, labels=[0, 1, 2])[2])
    found = evaluate_patches(counts, cases, CLASSES, resamples=60).dice["tumour"]
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(samples, [2.5, 97.5])))
    assert found.low is not None and found.high is not None and found.low < found.high


def test_a_class_that_is_nowhere_has_no_figure_and_no_part_in_the_mean() -> None:
    counts = np.array([[[5, 0, 1], [0, 0, 0], [2, 0, 4]]])
    found = evaluate_patches(counts, ["a"], CLASSES)
    assert found.dice["stroma"].value is None
    assert found.mean_dice.value == found.dice["tumour"].value == pytest.approx(8 / 11)
    assert found.dice["tumour"].low is None, "one case says nothing about others"


def test_without_labels_there_is_nothing_to_say() -> None:
    with pytest.raises(BadInput, match="no patch of these slides has a class"):
        evaluate_patches(np.zeros((2, 3, 3), np.int64), ["a", "b"], CLASSES)
    assert np.isnan(PatchFigures.of(np.zeros((2, 2, 1))).accuracy).all()
