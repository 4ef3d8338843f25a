"""Trainings on fields: every model, the stages, and that a resumed training equals an uninterrupted one."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from saccade.core.errors import BadInput
from saccade.datasets.fields import FieldData, open_fields
from saccade.models import MODELS, options_of
from saccade.models.packaging import load_model
from saccade.training.checkpoints import load_checkpoint
from saccade.training.recipe import FieldRecipe, Recipe
from saccade.training.task import TrainingTask
from saccade.training.train import train
from tests.miniature_fields import make_fields

SMALL = {"budget": 3, "patch": 24, "factor": 8, "network": "resnet18", "read_width": 4, "width": 4}


@pytest.fixture(scope="module")
def fields(tmp_path_factory: pytest.TempPathFactory) -> FieldData:
    """Eight fields to learn from, two to validate on."""
    data = open_fields(make_fields(tmp_path_factory.mktemp("fields"), per_class=5), fractions=(0.8, 0.2, 0.0))
    parts = ["val" if row.name.endswith("-0.png") else "train" for row in data.rows]
    return data.with_parts(parts).fitted()


def make_recipe(model: str = "attention-sampling", **sections: Any) -> Recipe:
    options = {name: value for name, value in SMALL.items() if name in options_of(model)}
    training = {"epochs": 2, "batch_size": 4, **sections.pop("training", {})}
    values = {"data": {"path": "fields"}, "model": {"name": model, **options}, "training": training}
    return Recipe.parse({**values, **sections})


@pytest.mark.parametrize("model", MODELS.names("field"))
def test_every_model_trains(model: str, fields: FieldData, tmp_path: Path) -> None:
    run = train(make_recipe(model, training={"epochs": 1}), tmp_path / "run", data=fields, accelerator="cpu")
    package = load_model(run)
    assert package.model.config["model"] == model
    assert package.preprocessing.size is None


def test_the_stages_of_a_training(fields: FieldData, tmp_path: Path) -> None:
    stages = {"warm_up": 1, "reading": 1, "gate": 1.0}
    recipe = make_recipe(curriculum=stages, training={"epochs": 4})
    run = train(recipe, tmp_path / "run", data=fields, accelerator="cpu")
    rows = list(csv.DictReader((run / "history.csv").open()))
    taught = [{name for name in ("warm_up", "cross_entropy", "reinforce") if row.get(f"train_{name}")} for row in rows]
    assert taught[0] == {"warm_up"}
    assert taught[-1] in ({"cross_entropy"}, {"cross_entropy", "reinforce"})
    assert not any(name.startswith("warm_up") for name in load_model(run).model.state_dict())
    assert any("model.warm_up" in name for name in load_checkpoint(run / "checkpoints" / "last.ckpt")["state_dict"])


@pytest.mark.parametrize(("warm_up", "told"), [(1, True), (0, False)])
def test_a_training_that_ends_in_its_warm_up_says_so(
    warm_up: int, told: bool, fields: FieldData, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, and of classes that an untouched reader does not recognise there is no word."""
    recipe = make_recipe(curriculum={"warm_up": warm_up, "reading": 0}, training={"epochs": 1})
    train(recipe, tmp_path / "run", data=fields, accelerator="cpu")
    lines = [record.message for record in caplog.records if "warm-up" in record.message]
    assert (
        lines
        == [
            "the training ended in its warm-up, which may take 3 epochs, so the reader has learned nothing: "
            "raise training.epochs, or lower curriculum.warm_up"
        ]
        * told
    )
    assert not (told and any("is recognised" in record.message for record in caplog.records))


@pytest.mark.parametrize("stages", [None, {"warm_up": 1, "reading": 1}])
def test_resumed_equals_uninterrupted(stages: dict[str, int] | None, fields: FieldData, tmp_path: Path) -> None:
    recipe, step = make_recipe(curriculum=stages), TrainingTask.training_step
    whole = train(recipe, tmp_path / "whole", data=fields, accelerator="cpu")

    def dies(task: TrainingTask, batch: Any, batch_idx: int) -> Any:
        if (task.current_epoch, batch_idx) == (1, 1):
            raise MemoryError("killed")
        return step(task, batch, batch_idx)

    broken = tmp_path / "broken"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingTask, "training_step", dies)
        with pytest.raises(MemoryError):
            train(recipe, broken, data=fields, accelerator="cpu")
    train(recipe, broken, resume=True, data=fields, accelerator="cpu")
    expected, found = load_model(whole).model.state_dict(), load_model(broken).model.state_dict()
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        assert torch.equal(value.nan_to_num(), found[name].nan_to_num()), name


def test_a_factor_in_micrometres_is_kept_in_pixels(fields: FieldData, tmp_path: Path) -> None:
    """Cells of 2.4 µm where a pixel has 0.3: eight, as the model and the recipe of the run say."""
    known = replace(fields, preprocessing=replace(fields.preprocessing, mpp=0.3))
    recipe = make_recipe(curriculum=None, training={"epochs": 1}).as_dict()
    recipe["model"] = {**recipe["model"], "factor_um": 2.4, "factor": None}
    run = train(Recipe.parse(recipe), tmp_path / "run", data=known, accelerator="cpu")
    package = load_model(run)
    assert package.model.config["options"]["factor"] == package.model.factor == 8  # type: ignore[union-attr]
    assert Recipe.load(run / "recipe.yaml").model.options["factor"] == 8
    assert train(Recipe.parse(recipe), run, resume=True, data=known, accelerator="cpu") == run
    with pytest.raises(BadInput, match="Set data.mpp"):
        train(Recipe.parse(recipe), tmp_path / "unknown", data=fields, accelerator="cpu")
    assert not (tmp_path / "unknown").exists()


def test_a_model_without_stages_refuses_them() -> None:
    assert isinstance(make_recipe("uniform-patches"), FieldRecipe)
    assert make_recipe("uniform-patches").as_dict()["curriculum"] is None
    with pytest.raises(BadInput, match="no stages"):
        make_recipe("uniform-patches", curriculum={"warm_up": 1})


def test_the_published_schedule_has_no_stages_and_is_kept() -> None:
    recipe = make_recipe(curriculum=None)
    assert isinstance(recipe, FieldRecipe) and recipe.curriculum is None
    again = Recipe.parse(recipe.as_dict()).with_overrides(["training.epochs=9"])
    assert isinstance(again, FieldRecipe) and again.curriculum is None
