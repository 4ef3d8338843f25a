"""Trainings that ask when: what can be learned is, a run describes itself, and resuming changes nothing."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from saccade.core.errors import BadInput
from saccade.core.manifest import inspect_names
from saccade.core.survival import times_and_events
from saccade.evaluation.survival import concordance
from saccade.inference import load
from saccade.inference.survival_predictor import SurvivalPredictor
from saccade.models.span_survival import SpanSurvival
from saccade.training.checkpoints import load_checkpoint
from saccade.training.recipe import Recipe, SurvivalRecipe
from saccade.training.train import train
from tests.miniature_times import SMALL, make_times


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_times(tmp_path_factory.mktemp("times"))


def make_recipe(table: Path, data: dict[str, Any] | None = None, **training: Any) -> Recipe:
    values = {"path": str(table), "features": str(table.parent / "job"), **(data or {})}
    model = {"name": "span-survival", **SMALL}
    return Recipe.parse({"data": values, "model": model, "training": {"epochs": 2, **training}})


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(run / "checkpoints" / "last.ckpt")["state_dict"]


def test_who_dies_first_is_learned(table: Path, tmp_path: Path) -> None:
    recipe = make_recipe(table, epochs=15, learning_rate=1e-2, batch_size=8, patience=None)
    run = train(recipe, tmp_path / "run", accelerator="cpu")
    predictor = load(run, "cpu")
    assert isinstance(predictor, SurvivalPredictor)
    rows = [row for row in inspect_names(table)[0].rows if row.split == "test"]
    bags = [table.parent / "job" / "features_made-up" / f"{row.name}.h5" for row in rows]
    risks = np.array([result.risk for result in predictor.predict(bags)])
    found = concordance(*times_and_events(rows), risks)
    assert found is not None and found > 0.8


def test_a_run_describes_itself(table: Path, tmp_path: Path) -> None:
    run = train(make_recipe(table, {"bins": 3}), tmp_path / "run", accelerator="cpu")
    config = json.loads((run / "config.json").read_text())
    edges = config["extra"]["time_bins"]["edges"]
    assert len(edges) == 2 and edges[0] < edges[1]
    assert len(config["classes"]) == 3 and config["classes"][0] == f"under {edges[0]:g}"
    recipe = Recipe.load(run / "recipe.yaml")
    assert isinstance(recipe, SurvivalRecipe) and recipe.data.bins == 3
    assert recipe.training.class_weights == "none"
    rows = list(csv.DictReader((run / "history.csv").open()))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert all(float(row["val_loss"]) > 0 and float(row["train_nll"]) > 0 for row in rows)
    assert not any("accuracy" in name or "recall" in name for name in rows[0])
    assert isinstance(load(run, "cpu").model, SpanSurvival)


def test_a_resumed_training_equals_an_uninterrupted_one(
    table: Path, tmp_path: Path, killed: Callable[[int], None]
) -> None:
    recipe = make_recipe(table, epochs=3, batch_size=8)
    whole = train(recipe, tmp_path / "whole", accelerator="cpu")
    killed(1)
    with pytest.raises(MemoryError):
        train(recipe, tmp_path / "parts", accelerator="cpu")
    torch.rand(7)
    parts = train(recipe, tmp_path / "parts", accelerator="cpu", resume=True)
    mine, theirs = weights(whole), weights(parts)
    assert mine.keys() == theirs.keys()
    assert all(value.equal(theirs[name]) for name, value in mine.items())


@pytest.mark.parametrize("words", ["inverse", "sampler"])
def test_weights_of_classes_mean_nothing_here(words: str, table: Path) -> None:
    with pytest.raises(BadInput, match=f"training.class_weights = '{words}' is refused"):
        make_recipe(table, class_weights=words)
