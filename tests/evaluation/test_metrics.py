"""Metrics of predictions: known predictors, odd data, and the form they are written in."""

import json
import warnings

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score

from saccade.core.errors import BadInput
from saccade.evaluation.intervals import CaseBootstrap, Interval, wilson_interval
from saccade.evaluation.metrics import Metrics, evaluate_predictions

CLASSES = ("a", "b", "c")


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def made_up(images: int = 120, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Predictions that are mostly right, about three images to a case."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, images)
    scores = generator.normal(size=(images, classes))
    scores[np.arange(images), labels] += 1.5
    odds = np.exp(scores)
    return odds / odds.sum(1, keepdims=True), labels, [f"case {i}" for i in generator.integers(0, images // 3, images)]


def test_point_values_are_scikit_learns() -> None:
    probabilities, labels, cases = made_up()
    metrics, predicted = evaluate_predictions(probabilities, labels, cases, CLASSES), probabilities.argmax(1)
    assert metrics.accuracy.value == pytest.approx((predicted == labels).mean())
    assert metrics.balanced_accuracy.value == pytest.approx(balanced_accuracy_score(labels, predicted))
    assert metrics.macro_f1.value == pytest.approx(f1_score(labels, predicted, average="macro"))
    expected = roc_auc_score(labels, probabilities, multi_class="ovr", average="macro")
    assert metrics.auroc.value == pytest.approx(expected)
    assert metrics.confusion[0][1] == ((labels == 0) & (predicted == 1)).sum()


def test_intervals_are_percentiles_of_the_copied_images() -> None:
    probabilities, labels, cases = made_up(60)
    metrics = evaluate_predictions(probabilities, labels, cases, CLASSES, resamples=80, seed=5)
    bootstrap, predicted = CaseBootstrap.of(cases, 80, 5), probabilities.argmax(1)
    plain: dict[str, list[float]] = {"balanced_accuracy": [], "macro_f1": [], "auroc": []}
    for column in np.concatenate(list(bootstrap.blocks()), axis=1).T.astype(int):
        copies = np.repeat(np.arange(60), column[bootstrap.index])
        plain["balanced_accuracy"].append(balanced_accuracy_score(labels[copies], predicted[copies]))
        plain["macro_f1"].append(f1_score(labels[copies], predicted[copies], average="macro"))
        plain["auroc"].append(roc_auc_score(labels[copies], probabilities[copies], multi_class="ovr"))
    for name, samples in plain.items():
        interval = getattr(metrics, name)
        assert [interval.low, interval.high] == pytest.approx(np.percentile(samples, [2.5, 97.5]).tolist())
        assert interval.low <= interval.value <= interval.high


def test_shuffling_the_images_changes_nothing() -> None:
    probabilities, labels, cases = made_up()
    order = np.random.default_rng(1).permutation(len(labels))
    plain = evaluate_predictions(probabilities, labels, cases, CLASSES).as_dict()
    shuffled = evaluate_predictions(probabilities[order], labels[order], np.array(cases)[order], CLASSES).as_dict()
    assert json.loads(json.dumps(shuffled), parse_float=lambda text: round(float(text), 9)) == json.loads(
        json.dumps(plain), parse_float=lambda text: round(float(text), 9)
    )


def test_a_perfect_predictor() -> None:
    labels = np.arange(30) % 3
    metrics = evaluate_predictions(np.eye(3)[labels], labels, [str(i) for i in range(30)], CLASSES)
    assert metrics.accuracy == metrics.balanced_accuracy == wilson_interval(1.0, 30)
    assert metrics.macro_f1 == metrics.auroc == Interval(1.0, None, None)
    assert metrics.calibration.ece == 0
    assert all(
        one.recall == one.precision == wilson_interval(1.0, 10) and one.n == 10 for one in metrics.per_class.values()
    )


def test_a_constant_predictor() -> None:
    labels = np.array([0] * 6 + [1] * 3 + [2])
    metrics = evaluate_predictions(np.tile([0.6, 0.3, 0.1], (10, 1)), labels, [str(i) for i in range(10)], CLASSES)
    assert metrics.accuracy.value == pytest.approx(0.6)
    assert metrics.balanced_accuracy.value == pytest.approx(1 / 3)
    assert metrics.macro_f1.value == pytest.approx(2 * 0.6 / 1.6 / 3)
    assert metrics.auroc.value == 0.5
    assert metrics.per_class["a"].precision.value == pytest.approx(0.6)
    assert metrics.per_class["b"].recall == wilson_interval(0.0, 3)
    assert metrics.per_class["b"].precision == Interval(None, None, None)
    assert metrics.calibration.ece == pytest.approx(0)


def test_macro_figures_are_over_the_classes_present() -> None:
    probabilities, labels, cases = made_up()
    kept = labels != 2
    probabilities, labels, cases = probabilities[kept], labels[kept], np.array(cases)[kept]
    metrics = evaluate_predictions(probabilities, labels, cases, CLASSES)
    recalls = [metrics.per_class[name].recall.value for name in ("a", "b")]
    assert metrics.balanced_accuracy.value == pytest.approx(np.mean(recalls))
    predicted = probabilities.argmax(1)
    assert (predicted == 2).any()
    expected = f1_score(labels, predicted, labels=[0, 1], average="macro")
    assert metrics.macro_f1.value == pytest.approx(expected)
    aurocs = [roc_auc_score(labels == k, probabilities[:, k]) for k in (0, 1)]
    assert metrics.auroc.value == pytest.approx(np.mean(aurocs))
    absent = metrics.per_class["c"]
    assert absent.n == 0 and absent.recall.value is None and absent.precision.value == 0


def test_one_image() -> None:
    metrics = evaluate_predictions(np.array([[0.2, 0.7, 0.1]]), np.array([1]), ["p"], CLASSES)
    assert metrics.accuracy == Interval(1.0, None, None)
    assert metrics.auroc == Interval(None, None, None)
    assert metrics.n == 1


def test_one_case_of_many_images_has_no_interval() -> None:
    probabilities, labels, _ = made_up()
    metrics = evaluate_predictions(probabilities, labels, ["p"] * len(labels), CLASSES)
    assert metrics.accuracy.value is not None and metrics.accuracy.low is None
    assert metrics.auroc.value is not None and metrics.auroc.high is None


def test_one_class_in_the_data() -> None:
    probabilities, labels, cases = made_up()
    kept = labels == 0
    metrics = evaluate_predictions(probabilities[kept], labels[kept], np.array(cases)[kept], CLASSES)
    assert metrics.auroc == Interval(None, None, None)
    assert metrics.accuracy == metrics.balanced_accuracy == metrics.per_class["a"].recall
    assert metrics.accuracy.low is not None


def test_form_of_metrics_json() -> None:
    probabilities, labels, cases = made_up()
    metrics = evaluate_predictions(probabilities, labels, cases, CLASSES)
    plain = json.loads(json.dumps(metrics.as_dict(), allow_nan=False))
    assert list(plain) == [
        "accuracy",
        "balanced_accuracy",
        "macro_f1",
        "auroc",
        "per_class",
        "calibration",
        "n",
        "confusion",
    ]
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "auroc"):
        assert list(plain[name]) == ["value", "low", "high"]
    assert list(plain["per_class"]) == list(CLASSES)
    assert list(plain["per_class"]["a"]) == ["recall", "precision", "n"]
    assert list(plain["calibration"]) == ["ece", "bins"]
    assert plain["n"] == np.sum(plain["confusion"]) == len(labels)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p, y: p.__setitem__((3, 0), np.nan), "image 3 are not probabilities"),
        (lambda p, y: p.__setitem__(5, [2.0, -1.0, 0.0]), "image 5 are not probabilities"),
        (lambda p, y: p.__setitem__(2, [0.1, 0.1, 0.1]), "image 2 are not probabilities"),
        (lambda p, y: p.__setitem__((4, 1), np.inf), "image 4 are not probabilities"),
        (lambda p, y: y.__setitem__(1, 3), "label 3 of image 1"),
        (lambda p, y: y.__setitem__(1, -1), "label -1 of image 1"),
    ],
)
def test_bad_values_are_named(change, message: str) -> None:
    probabilities, labels, cases = made_up()
    change(probabilities, labels)
    with pytest.raises(BadInput, match=message):
        evaluate_predictions(probabilities, labels, cases, CLASSES)


def test_arrays_that_do_not_fit_together() -> None:
    probabilities, labels, cases = made_up()
    with pytest.raises(ValueError, match="2 classes"):
        evaluate_predictions(probabilities, labels, cases, ("a", "b"))
    with pytest.raises(ValueError, match="119 cases"):
        evaluate_predictions(probabilities, labels, cases[1:], CLASSES)
    with pytest.raises(BadInput, match="no images"):
        evaluate_predictions(probabilities[:0], labels[:0], [], CLASSES)


def test_half_precision_probabilities_are_taken() -> None:
    probabilities, labels, cases = made_up()
    metrics = evaluate_predictions(probabilities.astype(np.float16), labels, cases, CLASSES)
    assert isinstance(metrics, Metrics)


def test_where_every_image_is_right_shares_have_a_bound_by_the_number_of_cases_and_others_none() -> None:
    labels = np.array([0] * 6 + [1] * 4)
    cases = [f"case {image // 2}" for image in range(10)]
    metrics = evaluate_predictions(np.eye(2)[labels], labels, cases, ("a", "b"), resamples=50)
    square = 1.959963984540054**2
    assert metrics.accuracy == metrics.balanced_accuracy
    assert metrics.accuracy.low == pytest.approx(5 / (5 + square)) and metrics.accuracy.high == 1
    for name, count in (("a", 3), ("b", 2)):
        one = metrics.per_class[name]
        assert one.recall.low == one.precision.low == pytest.approx(count / (count + square))
    assert metrics.auroc == metrics.macro_f1 == Interval(1.0, None, None)
