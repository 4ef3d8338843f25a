from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from saccade.core.errors import BadInput
from saccade.datasets.augmentation import Augmentation
from saccade.imaging.preprocessing import Preprocessing
from saccade.models import MODELS
from saccade.training.recipe import Recipe
from saccade.training.recipe_sections import FixedBudget, LearnedBudget


def parse(model: str = "sparse-attn-net", **sections: Any) -> Recipe:
    return Recipe.parse({"data": {"path": "cells"}, "model": {"name": model}, **sections})


@pytest.mark.parametrize("model", MODELS.names("cell") + MODELS.names("field"))
def test_saved_and_loaded_for_every_model(model: str, tmp_path: Path) -> None:
    recipe = parse(model).settled(Preprocessing(64, 2, (0.1, 0.2), (0.3, 1 / 3), mpp=0.25))
    recipe.save(tmp_path / "recipe.yaml")
    loaded = Recipe.load(tmp_path / "recipe.yaml")
    assert loaded == recipe
    assert (loaded.data.channels, loaded.data.mean, loaded.data.std) == (2, (0.1, 0.2), (0.3, 1 / 3))
    assert loaded.data.mpp == 0.25
    assert loaded.with_overrides([]) == recipe
    assert not loaded.differences(recipe)


def test_every_default_is_written_out() -> None:
    plain = parse().as_dict()
    assert list(plain) == ["data", "model", "training", "budget"]
    assert plain["data"]["augmentation"]["flip"] is True
    assert plain["model"]["attention"] == "full"
    assert plain["training"]["class_weights"] == "none"
    assert {"channels", "budget"}.isdisjoint(plain["model"])


@pytest.mark.parametrize(
    ("model", "budget"),
    [
        ("sparse-attn-net", LearnedBudget()),
        ("random-pixels", FixedBudget()),
        ("intensity-pixels", FixedBudget()),
        ("all-pixels", None),
        ("tiny-cnn", None),
    ],
)
def test_the_budget_follows_the_model(model: str, budget: LearnedBudget | FixedBudget | None) -> None:
    assert parse(model).budget == budget
    assert parse().with_overrides([f"model.name={model}"]).budget == budget
    assert ("budget" in parse(model).as_dict()) == (budget is not None)


def test_overrides() -> None:
    recipe = parse(budget={"ceiling": 0.4}).with_overrides(
        ["training.learning_rate=1e-3", "data.fractions=[0.6, 0.2, 0.2]", "model.look=full", "data.augmentation=null"]
    )
    assert recipe.training.learning_rate == 1e-3
    assert recipe.data.fractions == (0.6, 0.2, 0.2)
    assert recipe.model.options["look"] == "full"
    assert recipe.data.augmentation == Augmentation()
    assert isinstance(recipe.budget, LearnedBudget)
    assert recipe.budget.ceiling == 0.4
    assert parse().with_overrides(["budget.learn=false"]).budget == FixedBudget()
    assert parse().with_overrides(["budget.learn=false", "budget.share=0.1"]).budget == FixedBudget(share=0.1)
    assert parse("random-pixels").with_overrides(["budget.learn=true"]).budget == LearnedBudget()
    assert recipe.with_overrides(["training.epochs=7"]).model.options["look"] == "full"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("training.epoch=3", "unknown key 'epoch' in training. Did you mean training.epochs?"),
        ("trainin.epochs=3", "unknown key 'trainin' in the recipe. Did you mean training?"),
        ("epochs=3", "unknown key 'epochs' in the recipe. Did you mean training.epochs?"),
        ("data.augmentation.flp=true", "unknown key 'flp' in data.augmentation. Did you mean data.augmentation.flip?"),
        ("data.augmentation.flip=1", "data.augmentation.flip = 1 is refused"),
        ("data.augmentation.rotation=-3", "augmentation rotation is -3.0"),
        ("training.epochs=abc", "training.epochs = 'abc' is refused. Input should be a valid integer"),
        ("training=3", "training = 3 is refused"),
        ("model.lok=full", "unknown key 'lok' in model. Did you mean model.look?"),
        ("model.budget=3", "model.budget is settled by the training. Set budget.ceiling or budget.share instead"),
        ("model.channels=3", "Set data.channels instead"),
        ("model.size=3", "Set data.size instead"),
        ("model.name=tiny", "unknown model 'tiny'"),
        ("model=3", "lacks model.name"),
        ("data=3", "data = 3 is refused"),
        ("data.path=3", "data.path = 3 is refused"),
        ("budget=3", "budget = 3 is refused"),
        ("budget.flor=0.1", "unknown key 'flor' in budget. Did you mean budget.floor?"),
        ("budget.share=0.1", "budget.share does not go with this kind of budget. Set budget.learn=false"),
        ("budget.learn=maybe", "budget.learn = 'maybe' is refused. Write true or false"),
        ("budget.floor=0.6", "budget is refused. Floor ≤ ceiling must hold"),
    ],
)
def test_one_line_for_what_is_wrong(change: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse().with_overrides([change])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_budget_for_models_without() -> None:
    with pytest.raises(BadInput, match="tiny-cnn has no budget"):
        parse("tiny-cnn", budget={"share": 0.1})
    assert parse("tiny-cnn", budget=None).budget is None


def test_the_source_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("data: {path: cells}\nmodel: {name: tiny-cnn}\ntraining: {epoch: 3}\n")
    with pytest.raises(BadInput, match="mine.yaml: unknown key 'epoch' in training"):
        Recipe.load(path)
    path.write_text("model: {name: tiny-cnn}\n")
    with pytest.raises(BadInput, match="mine.yaml: lacks data. Add it"):
        Recipe.load(path)


def test_differences() -> None:
    recipe = parse()
    other = recipe.with_overrides(["training.epochs=7", "data.augmentation.flip=false"])
    assert recipe.differences(other) == ["data.augmentation.flip", "training.epochs"]


def test_half_a_normalisation_is_refused() -> None:
    with pytest.raises(BadInput, match="ean and std belong together"):
        parse(data={"path": "cells", "mean": [0.5]})


MICROMETRES = Preprocessing(None, 3, (0.1,) * 3, (0.3,) * 3, mpp=0.25)


def in_micrometres(side: Any = 2.0, **options: Any) -> Recipe:
    model = {"name": "attention-sampling", "factor_um": side, **options}
    return Recipe.parse({"data": {"path": "fields"}, "model": model})


def test_a_factor_in_micrometres_becomes_one_in_pixels(tmp_path: Path) -> None:
    recipe = in_micrometres(patch=64)
    assert "factor" not in recipe.as_dict()["model"] and recipe.as_dict()["model"]["factor_um"] == 2.0
    assert Recipe.parse(recipe.as_dict()) == recipe
    assert recipe.with_overrides(["training.epochs=3"]).model == recipe.model
    assert parse("attention-sampling").with_overrides(["model.factor_um=2"]).model.factor_um == 2
    settled = recipe.settled(MICROMETRES)
    settled.save(tmp_path / "recipe.yaml")
    plain = Recipe.load(tmp_path / "recipe.yaml").as_dict()["model"]
    assert plain["factor"] == 8 and plain["patch"] == 64 and "factor_um" not in plain
    assert not settled.differences(in_micrometres(patch=64).settled(MICROMETRES)), "a training can be resumed"


@pytest.mark.parametrize(
    ("side", "mpp", "message"),
    [
        (2.0, None, "model.factor_um = 2: the data carries no micrometres per pixel. Set data.mpp, or give model.fac"),
        (0.1, 0.25, "model.factor_um = 0.1: the data has 0.25 micrometres per pixel, coarser than the 0.1 wanted. G"),
    ],
)
def test_a_factor_in_micrometres_that_the_data_cannot_give(side: float, mpp: float | None, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        in_micrometres(side).settled(replace(MICROMETRES, mpp=mpp))
    assert message in str(caught.value)


def test_one_unit_for_the_factor() -> None:
    with pytest.raises(BadInput, match="model.factor and model.factor_um say the same in two units. Remove one"):
        in_micrometres(factor=8)
    with pytest.raises(BadInput, match="say the same in two units"):
        in_micrometres().with_overrides(["model.factor=8"])
    assert in_micrometres(None, factor=8).model.options["factor"] == 8
    assert in_micrometres().with_overrides(["model.factor_um=null", "model.factor=8"]).model.options["factor"] == 8
    for side in (0, -2.0, "wide"):
        with pytest.raises(BadInput, match="model.factor_um = .* is refused"):
            in_micrometres(side)
    for model in ("oracle-patches", "tiny-cnn"):  # they have no overview to choose a size for
        with pytest.raises(BadInput, match="unknown key 'factor_um' in model"):
            parse(model).with_overrides(["model.factor_um=2"])
