"""A front end takes over the look of an earlier run, and keeps it where it is frozen."""

import logging
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from saccade.core.contract import SparseClassifier
from saccade.core.errors import BadInput
from saccade.datasets.fields import FieldData, open_fields
from saccade.models.packaging import load_model
from saccade.training.recipe import Recipe
from saccade.training.train import build_model, train
from saccade.training.trained_look import leaked, open_teacher, teacher_folder
from tests.miniature_fields import make_field_model, make_fields

SIZES = {"budget": 3, "patch": 24, "factor": 8}


@pytest.fixture
def fields(tmp_path: Path) -> FieldData:
    """Six fields to learn from, two to validate and two to test on."""
    data = open_fields(make_fields(tmp_path / "fields", per_class=5), fractions=(0.6, 0.2, 0.2))
    parts = {"0": "val", "1": "test"}
    return data.with_parts([parts.get(row.name[-5], "train") for row in data.rows]).fitted()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A model of attention sampling."""
    return make_field_model(tmp_path / "earlier")


def make_recipe(run: Path | None, model: str = "attention-front-end", **options: Any) -> Recipe:
    training = {"epochs": 1, "batch_size": 4, "look_from": None if run is None else str(run)}
    return Recipe.parse(
        {"data": {"path": "fields"}, "model": {"name": model, **SIZES, **options}, "training": training}
    )


def look_of(model: SparseClassifier) -> dict[str, Tensor]:
    return {name: value for name, value in model.state_dict().items() if name.startswith("look.")}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(value.equal(other[name]) for name, value in one.items())


def refusal(recipe: Recipe, out: Path) -> str:
    """The line said before any data is opened: there is none."""
    with pytest.raises(BadInput) as refused:
        train(recipe, out)
    assert not out.exists() and "\n" not in str(refused.value)
    return str(refused.value)


def test_a_frozen_look_is_the_earlier_one_after_a_training(fields: FieldData, run: Path, tmp_path: Path) -> None:
    out = train(make_recipe(run, entropy=None), tmp_path / "run", data=fields, accelerator="cpu")
    assert same(look_of(load_model(run).model), look_of(load_model(out).model))
    assert teacher_folder(Recipe.load(out / "recipe.yaml")) == run.absolute()


def test_a_look_that_goes_on_learning_starts_from_the_earlier_one(fields: FieldData, run: Path) -> None:
    wanted = look_of(load_model(run).model)
    assert same(wanted, look_of(build_model(make_recipe(run), fields)))
    assert not same(wanted, look_of(build_model(make_recipe(None), fields)))


def test_what_cannot_be_taken_over(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert "no such folder" in refusal(make_recipe(tmp_path / "nowhere"), out)
    assert "cells of 8 and patches of 24" in refusal(make_recipe(run, patch=32), out)
    assert "look_width" in refusal(make_recipe(run, look_width=4), out)
    assert "no effect on uniform-patches" in refusal(make_recipe(run, "uniform-patches"), out)
    control = make_field_model(tmp_path / "control", "uniform-patches")
    assert "holds a uniform-patches" in refusal(make_recipe(control), out)


def test_a_look_that_has_learned_nothing_is_not_frozen(tmp_path: Path) -> None:
    assert "look_from" in refusal(make_recipe(None, entropy=None), tmp_path / "run")


def test_cells_have_no_look_to_take_over() -> None:
    recipe = Recipe.parse({"data": {"path": "cells"}, "model": {"name": "tiny-cnn"}})
    assert teacher_folder(recipe) is None and open_teacher(recipe) is None
    with pytest.raises(BadInput, match="unknown key 'look_from'"):
        recipe.with_overrides(["training.look_from=runs/a"])


def test_test_images_that_the_look_has_seen_are_told(
    fields: FieldData, run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names = [row.name for row in fields.rows]
    (run / "splits.csv").write_text("path,split\n" + "".join(f"{name},train\n" for name in names))
    assert leaked(run, fields.split) == 2
    assert leaked(None, fields.split) == 0
    with caplog.at_level(logging.WARNING):
        train(make_recipe(run), tmp_path / "run", data=fields, accelerator="cpu")
    assert "2 images of the test part" in caplog.text
