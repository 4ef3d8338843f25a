"""Trainings on slides: every model, what a run keeps, and that a resumed training equals an uninterrupted one."""

import shutil
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
from saccade.models.parts.span_pyramid import Pyramid
from saccade.models.span import Span
from saccade.training.checkpoints import load_checkpoint
from saccade.training.recipe import Recipe
from saccade.training.train import build_model, open_parts, train
from tests.miniature_slides import make_bags, write_bag

SMALL = {"width": 8, "heads": 1}

UNTRAINED = {
    # No token asks for the last stage's cells, so nothing asks for their windows.
    *(f"aggregate.refine.2.{part}.{kind}" for part in ("query", "key", "value") for kind in ("weight", "bias")),
    "aggregate.refine.2.table",
    # The bias of the token's keys is the same for every key of its query: it is not even computed.
    *(f"aggregate.refine.{stage}.global_key.bias" for stage in range(3)),
}
"""SPAN's parameters that never get a gradient."""

IMMATERIAL = {f"aggregate.refine.{stage}.key.bias" for stage in range(2)}
"""Those whose gradient is zero but for rounding: they add the same to every score of a query. AdamW makes a step of any
gradient, so in float32 they wander, and change nothing."""


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


def left_alone(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> set[str]:
    """The weights that a training has not changed by a single bit."""
    return {name for name, value in before.items() if value.equal(after[name])}


@pytest.mark.parametrize(
    ("precision", "tolerance"), [("64-true", 1e-10), pytest.param("32-true", 1e-6, marks=pytest.mark.slow)]
)
def test_two_processes_with_a_slide_each_equal_one_with_two(
    precision: str, tolerance: float, table: Path, tmp_path: Path
) -> None:
    """Eight steps of two slides, by one process or shared by two: the same weights but for rounding.

    What processes draw for themselves is switched off: dropout, and the augmentation of the grid.

    Sums of float32 differ in their last digits with the order they are taken in: weights of up to 1 by some 1e-7.
    AdamW, which divides each gradient by its own size, makes more of it where one is a difference of larger numbers.
    """
    recipe = make_recipe(table, batch_size=2, learning_rate=1e-3, class_weights="inverse")
    recipe = recipe.with_overrides(["data.augmentation=null", "model.dropout=0.0"])
    hardware: Any = {"precision": precision, "accelerator": "cpu"}
    start = build_model(recipe, open_parts(recipe.data, ("train", "val"))).to(torch.float64).state_dict()
    alone, shared = (
        {name.removeprefix("model."): value.double() for name, value in weights(run).items()}
        for run in (train(recipe, tmp_path / str(count), devices=count, **hardware) for count in (1, 2))
    )
    assert left_alone(start, alone) == left_alone(start, shared) == UNTRAINED
    assert all((alone[name] - start[name]).abs().max() > 1e-4 for name in alone.keys() - UNTRAINED - IMMATERIAL)
    compared = alone.keys() - (IMMATERIAL if precision == "32-true" else set())
    apart = {name: float((shared[name] - alone[name]).abs().max()) for name in compared}
    assert max(apart.values()) < tolerance, {name: value for name, value in apart.items() if value >= tolerance}


@pytest.mark.slow
def test_processes_whose_parameters_all_have_gradients_say_nothing_of_it(
    table: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """And one of whose slides has no patch, so that nothing of it reaches what embeds patches."""
    empty = tmp_path / "data"
    shutil.copytree(table.parent, empty)
    write_bag(empty / "job" / "features_made-up" / "train_1.h5", "train_1.svs", "normal", seed=0, side=0)
    recipe = make_recipe(empty / "labels.csv", "gated-abmil", epochs=1)
    train(recipe, tmp_path / "run", devices=2, accelerator="cpu")
    assert "find_unused_parameters" not in capfd.readouterr().err


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


def test_no_training_step_looks_for_places(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patches are moved in the default recipe; still each batch comes with its index."""
    asked: list[bool] = []
    plain = Span.pyramid

    def watched(self: Span, bags: Bags) -> Pyramid:
        asked.append(bags.index is None)
        return plain(self, bags)

    monkeypatch.setattr(Span, "pyramid", watched)
    recipe = make_recipe(table, epochs=1)
    assert recipe.data.augmentation.probability > 0
    train(recipe, tmp_path / "run")
    assert asked and not any(asked)
