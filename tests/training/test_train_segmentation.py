"""Trainings on the classes of patches: learnt above the majority, labels made once, resuming changes nothing."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from saccade.core.bags import Bags
from saccade.core.errors import BadInput
from saccade.datasets import patch_truth
from saccade.datasets.grid_augmentation import GridAugmentation
from saccade.datasets.slide_segmentation import SegmentationData
from saccade.features.loading import load_bags
from saccade.features.store import open_bag
from saccade.inference import load
from saccade.inference.segmentation_predictor import SegmentationPredictor
from saccade.training.checkpoints import load_checkpoint
from saccade.training.data_module import ImageDataModule
from saccade.training.goals import Segmentation, goal_of
from saccade.training.recipe import Recipe, SegmentationRecipe
from saccade.training.train import open_parts, train
from tests.miniature_annotated import SIDE, make_annotated

SMALL = {"width": 8, "heads": 1}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_annotated(tmp_path_factory.mktemp("annotated"))


def make_recipe(table: Path, data: dict[str, Any] | None = None, **training: Any) -> Recipe:
    own = {"patch_classes": ["normal", "tumour"], "ignored_outlines": ["tissue"]}
    values = {"path": str(table), "features": str(table.parent / "job"), **own, **(data or {})}
    model = {"name": "span-unet", **SMALL}
    return Recipe.parse({"data": values, "model": model, "training": {"epochs": 2, "batch_size": 4, **training}})


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(run / "checkpoints" / "last.ckpt")["state_dict"]


@pytest.fixture(scope="module")
def learned(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe = make_recipe(table, epochs=15, learning_rate=1e-2, patience=None)
    return train(recipe, tmp_path_factory.mktemp("learned") / "run", accelerator="cpu")


def test_patches_are_told_apart(learned: Path, table: Path) -> None:
    data = open_parts(make_recipe(table).data, ("test",))
    assert isinstance(data, SegmentationData)
    predictor = load(learned, "cpu")
    assert isinstance(predictor, SegmentationPredictor)
    found = np.concatenate([result.labels for result in predictor.predict(data.bags.paths)])
    truth = data.labels.joined.numpy()
    majority = np.bincount(truth).max() / len(truth)
    accuracy = (found == truth).mean()
    assert majority < 0.85 and accuracy > 0.95


def test_the_order_of_the_patches_plays_no_part(learned: Path, table: Path) -> None:
    predictor = load(learned, "cpu")
    assert isinstance(predictor, SegmentationPredictor)
    bags = load_bags([open_bag(table.parent / "job" / "features_made-up" / "test_0.h5")])
    order = torch.randperm(SIDE**2, generator=torch.Generator().manual_seed(0))
    other = Bags(bags.features[order], bags.cells[order], bags.lengths, bags.boxes[order])
    one, two = predictor.predict([bags, other])
    np.testing.assert_allclose(one.probabilities[order.numpy()], two.probabilities, atol=1e-5)
    assert (one.boxes[order.numpy()] == two.boxes).all()


def test_a_run_describes_itself(learned: Path) -> None:
    config = json.loads((learned / "config.json").read_text())
    assert config["classes"] == ["normal", "tumour"]
    assert config["extra"]["patch_rules"] == {"ignored": ["tissue"], "overlap": 0.2}
    assert isinstance(Recipe.load(learned / "recipe.yaml"), SegmentationRecipe)
    rows = list(csv.DictReader((learned / "history.csv").open()))
    assert float(rows[-1]["val_dice"]) > 0.9 > float(rows[0]["val_dice"])
    assert float(rows[-1]["val_accuracy"]) > 0.9 and float(rows[-1]["val_recall_tumour"]) > 0.9
    assert float(rows[-1]["train_dice"]) < float(rows[0]["train_dice"])


def test_labels_are_made_once_and_go_with_their_patches(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The grid is turned and sheared; no patch is dropped or merged, and each keeps its label."""
    made: list[str] = []
    plain, augmented = patch_truth.PatchRules.labels, GridAugmentation.__call__
    batches: list[tuple[Bags, Bags]] = []

    def counted(self: patch_truth.PatchRules, row: Any, *rest: Any) -> Any:
        made.append(row.name)
        return plain(self, row, *rest)

    def watched(self: GridAugmentation, bags: Bags, dice: torch.Generator, progress: float) -> Bags:
        batches.append((bags, augmented(self, bags, dice, progress)))
        return batches[-1][1]

    monkeypatch.setattr(patch_truth.PatchRules, "labels", counted)
    monkeypatch.setattr(GridAugmentation, "__call__", watched)
    train(make_recipe(table, epochs=3), tmp_path / "run", accelerator="cpu")
    assert len(made) == len(set(made)) == 16, "of the slides of training and validation, once each"
    assert len(batches) == 9
    moved = 0
    for before, after in batches:
        assert after.features is before.features and after.lengths == before.lengths
        for cells in after.cells.split(after.lengths):
            assert len(cells.unique(dim=0)) == SIDE**2, "no two patches meet"
        moved += not after.cells.equal(before.cells)
    assert moved


def test_batches_carry_the_labels_of_their_slides(table: Path) -> None:
    data = open_parts(make_recipe(table).data, ("train", "val"))
    assert isinstance(data, SegmentationData)
    module = ImageDataModule.of(data, make_recipe(table).training)
    for bags, labels in module.train_dataloader():
        for features, own in zip(bags.features.split(bags.lengths), labels.split(bags.lengths), strict=True):
            if (own >= 0).all():
                marked = features[:, 0] > (features[:, 0].min() + features[:, 0].max()) / 2
                assert own.bool().equal(marked)
            else:
                assert (own == -1).all()


def test_classes_are_weighed_by_the_patches_of_training(table: Path) -> None:
    data = open_parts(make_recipe(table).data, ("train", "val"))
    assert isinstance(data, SegmentationData)
    labels = data.part("train").labels.joined
    normal, tumour = int((labels == 0).sum()), int((labels == 1).sum())
    goal = goal_of(data, "inverse")
    assert isinstance(goal, Segmentation)
    assert goal.balance.tolist() == pytest.approx([(normal + tumour) / 2 / each for each in (normal, tumour)])
    plain = goal_of(data, "none")
    assert isinstance(plain, Segmentation) and plain.balance.tolist() == [1, 1]


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


def test_classes_have_to_be_named_and_slides_are_not_balanced(table: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="data.patch_classes does not say which classes patches have"):
        train(make_recipe(table, {"patch_classes": []}), tmp_path / "run", accelerator="cpu")
    with pytest.raises(BadInput, match="cannot be told apart"):
        train(make_recipe(table, {"patch_classes": ["tumour"]}), tmp_path / "run", accelerator="cpu")
    with pytest.raises(BadInput, match="training.class_weights = 'sampler' is refused"):
        make_recipe(table, class_weights="sampler")
    assert not (tmp_path / "run").exists()
