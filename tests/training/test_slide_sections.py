"""Recipes for slides: their own keys and defaults, and the same strictness."""

import os

import pytest

from saccade.core.errors import BadInput
from saccade.training.recipe import Recipe, SlideRecipe

VALUES = {"data": {"path": "labels.csv", "features": "job"}, "model": {"name": "span"}}


def test_defaults_are_those_of_spans_authors() -> None:
    recipe = Recipe.parse(VALUES)
    assert isinstance(recipe, SlideRecipe)
    training = recipe.training
    assert (training.epochs, training.batch_size, training.learning_rate, training.weight_decay) == (50, 1, 1e-4, 1e-4)
    assert (training.class_weights, training.patience) == ("inverse", 10)
    assert recipe.data.features == os.path.abspath("job")


def test_a_recipe_comes_back_from_its_own_text() -> None:
    recipe = Recipe.parse(VALUES).with_overrides(["data.augmentation.shear=5", "model.width=64"])
    again = Recipe.parse(recipe.as_dict())
    assert again.differences(recipe) == []
    assert again.data.augmentation.shear == 5
    assert again.data.augmentation.turn == 30


def test_augmentation_can_be_switched_off() -> None:
    assert Recipe.parse(VALUES).with_overrides(["data.augmentation=null"]).data.augmentation.probability == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("data.size=64", "size"),
        ("data.feature=job", "features"),
        ("model.in_features=7", "settled by the training"),
        ("budget.share=0.1", "no budget"),
        ("data.augmentation.shears=1", "shear"),
        ("data.snap=up", "snap"),
    ],
)
def test_what_slides_do_not_have_is_refused_by_name(change: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        Recipe.parse(VALUES).with_overrides([change])


def test_features_are_needed() -> None:
    with pytest.raises(BadInput, match="features"):
        Recipe.parse({**VALUES, "data": {"path": "labels.csv"}})


def test_the_task_of_the_model_decides_the_keys() -> None:
    recipe = Recipe.parse(VALUES)
    asked_when = recipe.with_overrides(["model.name=span-survival"])
    assert asked_when.training.class_weights == "none"
    assert asked_when.with_overrides(["data.bins=3"]).data.bins == 3
    assert asked_when.with_overrides(["model.name=span"]).training.class_weights == "inverse"
    with pytest.raises(BadInput, match="unknown key 'bins' in data"):
        recipe.with_overrides(["data.bins=3"])
    with pytest.raises(BadInput, match="data.bins = 1 is refused"):
        asked_when.with_overrides(["data.bins=1"])
