import math
from itertools import pairwise
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from saccade.core.contract import ClassTargets
from saccade.core.results import Losses
from saccade.datasets.cells import CellData
from saccade.models import MODELS
from saccade.training.budget_schedule import BudgetRule, BudgetSchedule
from saccade.training.data_module import ImageDataModule
from saccade.training.engine import make_trainer, run_trainer
from saccade.training.goals import Classification
from saccade.training.task import TrainingTask, schedule_factor
from tests.training.miniature_cells import make_cells, make_recipe, make_task


def fit(task: TrainingTask, data: CellData, folder: Any, epochs: int = 1) -> TrainingTask:
    trainer = make_trainer([], epochs, folder, accelerator="cpu")
    run_trainer(trainer, task, ImageDataModule.of(data, task.recipe))
    return task


def test_schedule_climbs_then_falls_to_zero() -> None:
    factors = [schedule_factor(step, 100, 15) for step in range(101)]
    assert all(a < b for a, b in pairwise(factors[:16]))
    assert factors[15] == 1.0
    assert all(a > b for a, b in pairwise(factors[15:]))
    assert 0 < factors[99] < 0.001
    assert factors[100] == pytest.approx(0)


def test_schedule_stays_level_before_it_falls() -> None:
    factors = [schedule_factor(step, 100, 10, 70) for step in range(101)]
    assert factors[9] < 1 and set(factors[10:71]) == {1.0}
    assert factors[85] == pytest.approx(0.5) and factors[100] == pytest.approx(0)
    assert {schedule_factor(step, 100, 0, 100) for step in range(100)} == {1.0}


@pytest.mark.parametrize(("steps", "warm_up"), [(1, 0), (1, 1), (2, 1)])
def test_schedule_of_a_short_training(steps: int, warm_up: int) -> None:
    assert all(0 < schedule_factor(step, steps, warm_up) <= 1 for step in range(steps))


def test_validation_figures(cells: CellData, tmp_path: Any) -> None:
    """Against the same figures from one pass over the part."""
    task = fit(make_task(cells, make_recipe("tiny-cnn")), cells, tmp_path)
    part = cells.part("val")
    with torch.no_grad():
        logits = task.model.eval()(cells.preprocessing.normalise(part.images)).logits
    right = logits.argmax(-1) == part.labels
    assert task.validation.loss == pytest.approx(float(F.cross_entropy(logits, part.labels)), rel=1e-5)
    assert task.validation.accuracy == pytest.approx(float(right.float().mean()))
    assert task.validation.recalls == pytest.approx([float(right[part.labels == c].float().mean()) for c in range(3)])
    assert task.validation.pixels_read_fraction == 1.0


def test_a_class_without_validation_images(tmp_path: Any) -> None:
    data = make_cells()
    kept = [i for i, row in enumerate(data.rows) if not (row.split == "val" and row.label == "green")]
    task = fit(make_task(data), data.take(kept), tmp_path)
    assert [math.isnan(recall) for recall in task.validation.recalls] == [False, True, False]
    assert math.isfinite(task.validation.loss)


@pytest.mark.parametrize("words", ["none", "inverse", "sampler"])
def test_class_weights(words: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight of one class, two of another: both ways make their terms in the loss alike."""
    data = make_cells({"train": 8, "val": 2})
    data = data.take([i for i, row in enumerate(data.rows) if not (row.label == "red" and int(row.name[-5]) >= 2)])
    task = make_task(data, make_recipe(class_weights=words, batch_size=32))
    seen: list[ClassTargets] = []
    losses = task.model.losses

    def watched(images: torch.Tensor, targets: ClassTargets) -> Losses:
        seen.append(targets)
        return losses(images, targets)

    monkeypatch.setattr(task.model, "losses", watched)
    fit(task, data, tmp_path, epochs=8)
    assert all((targets.class_weights is not None) == (words == "inverse") for targets in seen)
    labels = torch.cat([targets.labels for targets in seen])
    share = float((labels == 2).float().mean())
    if words == "sampler":
        assert 0.2 < share < 0.47
    else:
        assert share == pytest.approx(2 / 18)
    if words == "inverse":
        assert seen[0].class_weights is not None
        assert seen[0].class_weights.tolist() == pytest.approx([0.75, 0.75, 3.0])
    assert isinstance(task.goal, Classification)
    assert (task.goal.balance == 1).all() == (words == "none"), "validation counts classes as training does"


def test_an_epoch_s_randomness_follows_seed_epoch_and_step(cells: CellData, tmp_path: Any) -> None:
    """Whatever was drawn before, random pixels, augmentation and order come out the same."""

    def weights(seed: int, disturbance: int) -> torch.Tensor:
        recipe = make_recipe("sparse-attn-net", "model.random_share=0.5", seed=seed)
        torch.manual_seed(disturbance)
        task = make_task(cells, recipe)
        fit(task, cells, tmp_path, epochs=2)
        return torch.cat([parameter.detach().flatten() for parameter in task.parameters()])

    first = weights(0, disturbance=1)
    assert torch.equal(first, weights(0, disturbance=2))
    assert not torch.equal(first, weights(1, disturbance=1))


@pytest.mark.parametrize("model", MODELS.names("cell"))
def test_every_parameter_is_trained(model: str) -> None:
    """Several processes wait for the gradient of each; and a weight without one is dead."""
    data = make_cells({"train": 2, "val": 1})
    task = make_task(data, make_recipe(model))
    images = data.preprocessing.normalise(data.part("train").images)
    task.model.train().losses(images, ClassTargets(data.part("train").labels)).total.backward()
    assert not [name for name, each in task.named_parameters() if each.grad is None]


def test_the_loss_is_that_of_the_model(cells: CellData, tmp_path: Any) -> None:
    task = fit(make_task(cells), cells, tmp_path)
    terms = dict(task.training_losses)
    assert terms.pop("loss") == pytest.approx(sum(terms.values()), rel=1e-5)
    assert set(terms) == {"cross_entropy", "distillation"}


@pytest.mark.parametrize("precision", ["32-true", "64-true", "bf16-mixed"])
def test_precisions(precision: Any, cells: CellData, tmp_path: Any) -> None:
    task, budget = make_task(cells), BudgetSchedule(BudgetRule(epochs=2), pixels=256)
    trainer = make_trainer([budget], 1, tmp_path, precision=precision, accelerator="cpu")
    run_trainer(trainer, task, ImageDataModule.of(cells, task.recipe))
    assert math.isfinite(task.validation.loss)
    losses = torch.tensor(budget.state.losses)  # with 30 % of the pixels, and fewer
    assert losses[0] == pytest.approx(task.validation.loss, rel=1e-6)
    assert torch.isfinite(losses).all() and len(set(losses.tolist())) > 1
