import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from saccade.datasets.augmentation import Augmentation
from saccade.training.recipe_sections import GENTLE, DataRecipe, FixedBudget, LearnedBudget, TrainingRecipe


def test_paths_are_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert DataRecipe(path="cells/../cells").path == os.path.realpath(tmp_path / "cells")
    assert DataRecipe(path="~/cells").path == os.path.expanduser("~/cells")


def test_augmentation_keeps_what_a_recipe_leaves_out() -> None:
    changed = DataRecipe.model_validate_json('{"path": "a", "augmentation": {"flip": false, "offset": 0.5}}')
    assert changed.augmentation == Augmentation(**{**vars(GENTLE), "flip": False, "offset": 0.5})
    assert DataRecipe.model_validate_json('{"path": "a", "augmentation": null}').augmentation == Augmentation()
    assert DataRecipe(path="a").augmentation == GENTLE


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"epochs": 2.5},
        {"epochs": True},
        {"epochs": "3"},
        {"batch_size": 1},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"warm_up": 1.0},
        {"class_weights": "balanced"},
        {"patience": 0},
        {"seed": -1},
        {"label_smoothing": 0.1},
    ],
)
def test_training_is_strict(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        TrainingRecipe(**wrong)


def test_whole_numbers_are_numbers() -> None:
    assert TrainingRecipe(learning_rate=1, weight_decay=0).learning_rate == 1.0


@pytest.mark.parametrize(
    "wrong", [{"floor": 0.45}, {"ceiling": 0.01}, {"tolerance": -0.1}, {"measured": 0}, {"share": 0.1}, {"floor": 0.0}]
)
def test_budgets_that_cannot_be(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        LearnedBudget(**wrong)


def test_a_fixed_budget_is_a_share() -> None:
    assert FixedBudget(share=1).share == 1.0
    with pytest.raises(ValidationError):
        FixedBudget(share=1.1)
