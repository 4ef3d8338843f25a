"""The vectorised figures against scikit-learn on images copied out one resample at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, precision_recall_fscore_support, roc_auc_score

from saccade.evaluation.figures import CaseCounts, CaseRanks, Figures, mean_of_defined
from saccade.evaluation.intervals import CaseBootstrap


def plain_figures(labels: np.ndarray, predicted: np.ndarray, classes: int) -> Figures:
    """Figures of one resample by scikit-learn."""
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=np.arange(classes), average=None, zero_division=np.nan
    )
    there = support > 0
    return Figures(
        np.array([accuracy_score(labels, predicted)]),
        np.array([recall[there].mean()]),
        np.array([f1[there].mean()]),
        recall[:, None],
        precision[:, None],
    )


@given(
    images=st.integers(1, 30),
    cases=st.integers(1, 8),
    classes=st.integers(2, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_counted_figures_are_those_of_the_copied_images(images: int, cases: int, classes: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    labels, predicted = generator.integers(0, classes, (2, images))
    bootstrap = CaseBootstrap.of([str(i) for i in generator.integers(0, cases, images)], 6, seed % 1000)
    counts = CaseCounts(labels, predicted, bootstrap.index, (bootstrap.count, classes))
    weights = np.concatenate(list(bootstrap.blocks()), axis=1)
    plain = []
    for column in weights.T.astype(int):
        copies = np.repeat(np.arange(images), column[bootstrap.index])
        plain.append(plain_figures(labels[copies], predicted[copies], classes))
    expected, actual = Figures.joined(plain), counts.figures(weights)
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "recall", "precision"):
        np.testing.assert_allclose(getattr(actual, name), getattr(expected, name), atol=1e-12)


@pytest.mark.parametrize("decimals", [1, 8], ids=["ties", "no ties"])
def test_auroc_is_that_of_the_copied_images(decimals: int) -> None:
    generator = np.random.default_rng(0)
    scores, positive = generator.random(60).round(decimals), generator.random(60) < 0.3
    scores = np.where(positive, (scores + 0.2).round(decimals), scores)
    bootstrap = CaseBootstrap.of([str(i) for i in generator.integers(0, 20, 60)], 40, 0)
    weights = np.concatenate(list(bootstrap.blocks()), axis=1)
    actual = CaseRanks(scores, positive, bootstrap.index).auroc(weights)
    for value, column in zip(actual, weights.T.astype(int), strict=True):
        copies = np.repeat(np.arange(60), column[bootstrap.index])
        assert value == pytest.approx(roc_auc_score(positive[copies], scores[copies]), abs=1e-12)


def test_auroc_counts_the_pairs_won() -> None:
    scores = np.array([0.9, 0.4, 0.4, 0.1])
    positive = np.array([True, True, False, False])
    ranks = CaseRanks(scores, positive, np.arange(4))
    weights = np.array([[1.0, 2.0], [1.0, 1.0], [1.0, 3.0], [1.0, 0.0]])
    # Pairs: 2 + ½ + 1 of 4; then 0.9 beats 3 twice, 0.4 ties with 3 once, of 3 x 3.
    np.testing.assert_allclose(ranks.auroc(weights), [3.5 / 4, 7.5 / 9])


def test_auroc_needs_both_kinds() -> None:
    for positive in (np.ones(3, dtype=bool), np.zeros(3, dtype=bool)):
        ranks = CaseRanks(np.array([0.1, 0.2, 0.3]), positive, np.arange(3))
        assert np.isnan(ranks.auroc(np.ones((3, 2)))).all()


def test_mean_leaves_out_what_is_not_defined() -> None:
    values = np.array([[1.0, np.nan], [np.nan, np.nan], [0.0, np.nan]])
    np.testing.assert_array_equal(mean_of_defined(values), [0.5, np.nan])
