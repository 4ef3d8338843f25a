"""Trainings on slides: every model, what a run keeps, and that a resumed training equals an uninterrupted one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from saccade.core.bags import Bags
from saccade.core.errors import BadInput
from saccade.datasets.grid_augmentation import GridAugmentation
from saccade.features.slide_input import SlideInput
from saccade.inference import load
from saccade.inference.slide_predictor import SlidePredictor
from saccade.models import MODELS, options_of
from saccade.models.packaging import load_model
from saccade.training.checkpoints import load_checkpoint
from saccade.training.recipe import Recipe
from saccade.training.train import train
from tests.miniature_slides import make_bags

SMALL = {"width": 8, "heads": 1}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bags(tmp_path_factory.mktemp("slides"))


def make_recipe(table: Path, model: str = "span", **training: Any) -> Recipe:
    options = {name: value for name, value in SMALL.items() if name in options_of(model)}
    data = {"path": str(table), "features": str(table.parent / "job")}
    return Recipe.parse({"data": data, "model": {"name": model, **options}, "training": {"epochs": 2, **training}})


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(run / "checkpoints" / "last.ckpt")["state_dict"]


@pytest.mark.parametrize("model", MODELS.names("slide", "classification"))
def test_every_model_trains(model: str, table: Path, tmp_path: Path) -> None:
    run = train(make_recipe(table, model, epochs=1), tmp_path / "run", accelerator="cpu")
    package = load_model(run)
    assert package.model.config["model"] == model
    assert isinstance(package.preprocessing, SlideInput)
    assert package.preprocessing.encoder == "made-up"


def test_what_can_be_learned_is_learned(table: Path, tmp_path: Path) -> None:
    recipe = make_recipe(table, epochs=12, learning_rate=1e-2, batch_size=4, patience=None)
    run = train(recipe, tmp_path / "run", accelerator="cpu")
    predictor = load(run)
    assert isinstance(predictor, SlidePredictor)
    bags = sorted((table.parent / "job" / "features_made-up").glob("test_*.h5"))
    assert [result.label for result in predictor.predict(bags)] == ["normal", "tumour"] * 2


def test_a_resumed_training_equals_an_uninterrupted_one(
    table: Path, tmp_path: Path, killed: Callable[[int], None]
) -> None:
    recipe = make_recipe(table, epochs=3)
    whole = train(recipe, tmp_path / "whole", accelerator="cpu")
    killed(1)
    with pytest.raises(MemoryError):
        train(recipe, tmp_path / "parts", accelerator="cpu")
    torch.rand(7)
    parts = train(recipe, tmp_path / "parts", accelerator="cpu", resume=True)
    mine, theirs = weights(whole), weights(parts)
    assert mine.keys() == theirs.keys()
    assert all(value.equal(theirs[name]) for name, value in mine.items())


def test_the_grid_is_augmented_less_and_less(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []
    plain = GridAugmentation.__call__

    def watched(self: GridAugmentation, bags: Bags, dice: torch.Generator, progress: float) -> Bags:
        seen.append(progress)
        return plain(self, bags, dice, progress)

    monkeypatch.setattr(GridAugmentation, "__call__", watched)
    train(make_recipe(table, epochs=2, batch_size=8), tmp_path / "run", accelerator="cpu")
    assert seen == [0.0, 0.5]


def test_a_row_without_features_is_named_before_anything_is_written(table: Path, tmp_path: Path) -> None:
    other = tmp_path / "labels.csv"
    other.write_text(table.read_text() + "absent,normal,case-x,train\n")
    recipe = make_recipe(table).with_overrides([f"data.path={other}"])
    with pytest.raises(BadInput, match="no features of 'absent'"):
        train(recipe, tmp_path / "run", accelerator="cpu")
    assert not (tmp_path / "run").exists()
