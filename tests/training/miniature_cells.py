"""Miniature cells in memory and a recipe for them: three classes, told apart by their brightest channel."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from saccade.core.manifest import Manifest, Row
from saccade.datasets.cells import CellData
from saccade.imaging.preprocessing import Preprocessing
from saccade.training.goals import goal_of
from saccade.training.recipe import Recipe
from saccade.training.task import TrainingTask
from saccade.training.train import build_model

CLASSES = ("blue", "green", "red")
EACH = {"train": 8, "val": 2, "test": 2}
SIZE = 16


def make_cells(each: dict[str, int] = EACH, size: int = SIZE, seed: int = 0) -> CellData:
    """Noise with one channel lit; ``each`` images of every class in every part."""
    rows, values = [], []
    dice = np.random.default_rng(seed)
    for label, name in enumerate(CLASSES):
        for part, count in each.items():
            for number in range(count):
                image = dice.integers(0, 200, (3, size, size), dtype=np.uint8)
                image[2 - label] += 55
                values.append(image)
                path = Path(f"{name}/{part}_{number}.png")
                rows.append(Row(path, name, name=path.as_posix(), split=part))
    storage = torch.from_numpy(np.stack(values))
    manifest = Manifest(tuple(rows), CLASSES, Path("cells"))
    data = CellData(
        manifest=manifest,
        split=manifest,
        classes=CLASSES,
        labels=torch.tensor([CLASSES.index(row.label) for row in rows]),
        extents=torch.full((len(rows), 2), size),
        preprocessing=Preprocessing(size=size, channels=3, mean=(0.0,) * 3, std=(1.0,) * 3),
        storage=storage,
        positions=torch.arange(len(rows)),
    )
    return data.fitted()


def make_recipe(model: str = "sparse-attn-net", *changes: str, **training: Any) -> Recipe:
    """A recipe for those cells: four epochs of three steps."""
    values = {
        "data": {"path": "cells", "size": SIZE},
        "model": {"name": model},
        "training": {"epochs": 4, "batch_size": 8, **training},
    }
    return Recipe.parse(values).with_overrides(changes)


def make_task(data: CellData, recipe: Recipe | None = None) -> TrainingTask:
    """The task of a recipe, as ``train`` builds it."""
    recipe = recipe or make_recipe()
    goal = goal_of(data, recipe.training.class_weights)
    model = build_model(recipe, data)
    return TrainingTask(model, data.preprocessing, recipe.data.augmentation, recipe.training, goal)
