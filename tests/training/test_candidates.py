"""Candidates: every combination once, and the best by the validation part, whichever criterion."""

import math

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.training.candidates import best_of, differing, mean_score, score, variations
from tests.training.miniature_cells import make_recipe

RECIPE = make_recipe("tiny-cnn")


def test_every_combination_once() -> None:
    tries = ["training.learning_rate=1e-3, 3e-4", "model.widths=[8,16],[4]", "training.seed=7"]
    found = variations(RECIPE, tries)
    assert [(each.training.learning_rate, each.model.options["widths"], each.training.seed) for each in found] == [
        (rate, widths, 7) for rate in (1e-3, 3e-4) for widths in ([8, 16], [4])
    ]
    assert variations(RECIPE, []) == (RECIPE,)


@pytest.mark.parametrize(
    ("tries", "message"),
    [
        (["training.epochs"], "tries nothing"),
        (["training.epochs="], "tries nothing"),
        (["training.epochs=1,2", "training.epochs=3"], "training.epochs is tried twice"),
        (["training.epochs=1,1"], "names a value twice"),
        (["training.epoch=1,2"], "did you mean training.epochs"),
        (["training.epochs=1,many"], "training.epochs = 'many' is refused"),
    ],
)
def test_bad_tries(tries: list[str], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        variations(RECIPE, tries)
    assert message.lower() in str(caught.value).lower()


def test_what_differs_between_candidates() -> None:
    found = variations(RECIPE, ["training.epochs=1,2", "model.widths=[8],[16]"])
    assert differing(found)[1] == {"training.epochs": 1, "model.widths": [16]}
    assert [each["training.epochs"] for each in differing(found)] == [1, 1, 2, 2]
    assert differing([RECIPE]) == [{}]


def test_scores_by_hand() -> None:
    chances = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [math.nan, math.nan], [0.2, 0.8]])
    found = score(chances, np.array([0, 0, 1, 1, 1]), ("a", "b"))
    assert found["loss"] == pytest.approx(-(math.log(0.9) + math.log(0.4) + math.log(0.3) + math.log(0.8)) / 4)
    assert found["auroc"] == pytest.approx(3 / 4), "of the four pairs, one is the wrong way round"
    assert score(chances[:2], np.array([0, 0]), ("a", "b"))["auroc"] is None
    sure = score(np.array([[1.0, 0.0]]), np.array([1]), ("a", "b"))["loss"]
    assert sure is not None and math.isfinite(sure)
    with pytest.raises(BadInput, match="no images"):
        score(chances[3:4], np.array([1]), ("a", "b"))


def test_the_mean_is_over_parts_in_which_a_criterion_is_defined() -> None:
    assert mean_score([{"loss": 1.0, "auroc": None}, {"loss": 2.0, "auroc": 0.5}]) == {"loss": 1.5, "auroc": 0.5}
    assert mean_score([{"loss": 1.0, "auroc": None}])["auroc"] is None


def test_the_best() -> None:
    scores = [{"loss": 0.5, "auroc": None}, {"loss": 0.4, "auroc": 0.6}, {"loss": 0.6, "auroc": 0.7}]
    assert (best_of(scores, "loss"), best_of(scores, "auroc")) == (1, 2)
    assert best_of([scores[0], scores[0]], "loss") == 0, "the first of equals"
    assert best_of(scores[:1], "auroc") == 0, "where there is one, there is no choice"
    with pytest.raises(BadInput, match="choose by loss"):
        best_of([scores[0], scores[0]], "auroc")
