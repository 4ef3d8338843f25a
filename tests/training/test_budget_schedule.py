import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from saccade.datasets.cells import CellData
from saccade.training.budget_schedule import BudgetRule, BudgetSchedule, BudgetState, sites_of_share
from saccade.training.data_module import ImageDataModule
from saccade.training.engine import make_trainer
from saccade.training.recipe_sections import LearnedBudget
from tests.training.miniature_cells import make_cells, make_recipe, make_task


def trained(rule: BudgetRule, loss: Callable[[int, float], float]) -> list[float]:
    """The budget of each epoch, where the loss of an epoch with a share is made up."""
    states = [rule.initial()]
    for epoch in range(rule.epochs):
        losses = [loss(epoch, share) for share in rule.shares] if rule.measures(states[-1]) else []
        states.append(rule.after(states[-1], losses))
    return [state.share for state in states[:-1]]


def found(rule: BudgetRule, losses: Sequence[float]) -> float:
    """What the rule takes where every epoch has these losses."""
    return trained(rule, lambda epoch, share: losses[rule.shares.index(share)])[-1]


def test_the_ladder() -> None:
    assert BudgetRule(9, floor=0.1, ceiling=0.25).shares == pytest.approx([0.25, 0.2, 0.16, 0.128, 0.1024])
    assert BudgetRule(9, floor=0.16, ceiling=0.25).shares == pytest.approx([0.25, 0.2, 0.16]), "to the floor itself"
    assert BudgetRule(9, floor=0.1, ceiling=0.1).shares == (0.1,)
    assert 0.02 <= BudgetRule(9).shares[-1] < 0.025


@pytest.mark.parametrize(
    ("losses", "rung"),
    [
        ((1.0, 1.0, 1.0, 1.0), 3),
        ((1.0, 1.09, 1.2, 1.3), 1),
        ((1.2, 1.0, 1.09, 1.3), 2),
        ((1.0, 1.2, 1.0, 1.2), 0),  # the first of equals; below what is not enough, nothing is tried
        ((1.0, 1.2, 0.9, 1.2), 2),
        ((0.1, 0.119, 0.121, 0.1), 1),  # a loss below 0.2 counts as 0.2: a tenth of that is 0.02
        ((0.0, 0.0, 0.019, 0.021), 2),
    ],
)
def test_by_hand(losses: tuple[float, ...], rung: int) -> None:
    rule = BudgetRule(10, floor=0.1, ceiling=0.2, tolerance=0.1)
    assert found(rule, losses) == rule.shares[rung]


TRAININGS = {
    "level": lambda epoch: 1.0,
    "ever better": lambda epoch: 10 * 0.97**epoch,
    "ever worse": lambda epoch: 1.1**epoch,
    "better, then overfitted": lambda epoch: 1 + abs(epoch - 30) / 20,
    "now and then": lambda epoch: 1.0 + epoch % 7,
}


@pytest.mark.parametrize("knee", [0.03, 0.08, 0.15, 0.28])
@pytest.mark.parametrize("progress", TRAININGS.values(), ids=TRAININGS)
def test_it_ends_where_less_begins_to_cost(progress: Callable[[int], float], knee: float) -> None:
    """Made up: beyond the knee nothing is won, below it the loss rises as less is read, whatever training does."""
    rule = BudgetRule(100)
    share = trained(rule, lambda epoch, share: progress(epoch) * max(1, knee / share))[-1]
    assert knee / 1.05 <= share * (1 + 1e-9) and share * 0.8 < knee / 1.05


def test_weights_that_have_learned_nothing_say_nothing() -> None:
    """All shares are equal to them; the smallest would be no finding."""
    rule = BudgetRule(20, guessing=math.log(8))
    assert found(rule, [math.log(8)] * len(rule.shares)) == 0.3
    assert found(rule, [0.91 * math.log(8)] * len(rule.shares)) == 0.3
    assert found(rule, [0.89 * math.log(8)] * len(rule.shares)) == rule.shares[-1]


def test_epochs_that_are_not_measured_do_not_count() -> None:
    rule = BudgetRule(20, measured=3)
    assert [rule.measures(BudgetState(0.3, epoch)) for epoch in range(20)] == [False] * 7 + [True] * 3 + [False] * 10
    assert trained(rule, lambda epoch, share: 1.0)[-1] == rule.shares[-1]


def test_the_mean_of_the_measured_epochs_counts() -> None:
    rule = BudgetRule(8, floor=0.1, ceiling=0.125, measured=4)
    up_and_down = {0: (1.0, 1.2), 1: (1.0, 0.9), 2: (1.0, 1.0), 3: (1.0, 1.08)}
    assert trained(rule, lambda epoch, share: up_and_down[epoch][rule.shares.index(share)])[-1] == rule.shares[1]
    worse = {**up_and_down, 1: (1.0, 1.0)}
    assert trained(rule, lambda epoch, share: worse[epoch][rule.shares.index(share)])[-1] == rule.shares[0]


@pytest.mark.parametrize(("epochs", "first"), [(1, 0), (2, 1), (3, 1), (10, 5), (120, 60)])
def test_what_was_found_is_kept_to_the_end(epochs: int, first: int) -> None:
    rule = BudgetRule(epochs)
    assert rule.first_settled == first
    assert trained(rule, lambda epoch, share: 1.0) == [0.3] * first + [rule.shares[-1] if first else 0.3] * (
        epochs - first
    )
    assert BudgetRule(7, searched=1.0).first_settled == 6, "one epoch at least reads what was found"


def test_the_recipe_has_the_rule_s_defaults() -> None:
    numbers = LearnedBudget().model_dump(exclude={"learn"})
    assert BudgetRule(epochs=7, **numbers) == BudgetRule(epochs=7)


@given(st.integers(1, 30), st.lists(st.floats(0, 10) | st.just(math.nan) | st.just(math.inf), min_size=13, max_size=13))
def test_stays_within_bounds(epochs: int, losses: list[float]) -> None:
    rule = BudgetRule(epochs)
    assert 0.02 <= found(rule, losses) <= 0.3


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_losses_that_say_nothing_change_nothing(loss: float) -> None:
    rule = BudgetRule(20, measured=2)
    never = trained(rule, lambda epoch, share: loss)
    assert set(never) == {0.3}
    once = trained(rule, lambda epoch, share: loss if epoch == 9 and share < 0.1 else max(1, 0.15 / share))
    assert once == trained(rule, lambda epoch, share: max(1, 0.15 / share))


def test_steps_are_drawn_evenly_on_a_logarithmic_scale_while_searching() -> None:
    rule = BudgetRule(epochs=10, floor=0.03, ceiling=0.3)
    drawn = torch.tensor([rule.share_of_step(rule.initial(), seed) for seed in range(4000)])
    places = torch.log10(drawn / 0.03)
    assert places.min() >= 0 and places.max() <= 1
    counts = torch.histc(places, 4, 0, 1)
    assert (counts - 1000).abs().max() < 120  # four standard deviations
    assert rule.share_of_step(BudgetState(0.12, epoch=5), 5) == 0.12


def test_one_site_at_least() -> None:
    assert sites_of_share(0.02, candidates=1) == 1
    assert sites_of_share(0.4, candidates=4096) == 1638


@dataclass(frozen=True)
class Told(BudgetRule):
    """Notes the losses that it is told."""

    told: list[tuple[float, ...]] = field(default_factory=list)

    def after(self, state: BudgetState, losses: Sequence[float] = ()) -> BudgetState:
        self.told.append(tuple(losses))
        return super().after(state, losses)


def passes(cells: CellData, rule: BudgetRule, folder: Path) -> list[tuple[bool, int]]:
    """A short training: of each pass of the model, whether it was one of training, and its budget."""
    recipe = make_recipe("sparse-attn-net", epochs=rule.epochs)
    task, seen = make_task(cells, recipe), []
    task.model.look.register_forward_hook(lambda *_: seen.append((task.model.training, task.model.budget)))
    schedule = BudgetSchedule(rule, pixels=16 * 16)
    trainer = make_trainer([schedule], rule.epochs, folder, accelerator="cpu")
    trainer.fit(task, ImageDataModule.of(cells, recipe.training))
    assert task.model.budget == sites_of_share(schedule.state.share, 64)
    return seen


def test_a_training_reads_as_the_rule_says(tmp_path: Path) -> None:
    rule = Told(epochs=4, floor=0.3, ceiling=0.5, tolerance=1000.0, measured=1)
    seen = passes(make_cells(), rule, tmp_path)
    training = [budget for train, budget in seen if train]
    half = len(training) // 2
    assert all(19 <= budget <= 32 for budget in training[:half]), "30 to 50 % of 64 sites"
    assert len(set(training[:half])) > 2
    assert set(training[half:]) == {20}, "what was found: the weights settle on it"
    judging = [budget for train, budget in seen if not train]
    assert judging == [32, 32, 32, 25, 20, 20, 20], "the second epoch is measured with 50, 40 and 32 %"
    assert [len(losses) for losses in rule.told] == [0, 3, 0, 0]


def test_measured_losses_are_those_of_a_model_with_that_budget(tmp_path: Path) -> None:
    """By the weights of the epoch, without a step of training in between."""
    cells = make_cells()
    recipe = make_recipe("sparse-attn-net", epochs=1)
    task, rule = make_task(cells, recipe), Told(epochs=2, floor=0.1, ceiling=0.5, measured=1)
    trainer = make_trainer([BudgetSchedule(rule, pixels=256)], 1, tmp_path, accelerator="cpu")
    trainer.fit(task, ImageDataModule.of(cells, recipe.training))
    held = cells.part("val")
    images = cells.preprocessing.normalise(held.images)
    task.model.eval()
    expected = []
    for share in rule.shares:
        task.model.budget = sites_of_share(share, 64)
        with torch.no_grad():
            counts = task.goal.counts(task.model(images), held.labels)
        expected.append(float(counts["loss"] / counts["weight"]))
    assert rule.told[0] == pytest.approx(expected, abs=1e-6)
    assert len(set(expected)) == len(expected)
    assert task.validation.loss == pytest.approx(expected[0], abs=1e-6)


def test_callback_keeps_its_state(tmp_path: Path) -> None:
    cells = make_cells()
    task, trainer = make_task(cells), make_trainer([], 10, tmp_path, accelerator="cpu")
    schedule = BudgetSchedule(BudgetRule(epochs=10), pixels=256)
    schedule.state = replace(schedule.state, share=0.25, epoch=4, losses=(0.1, 0.2), measured=3)
    resumed = BudgetSchedule(schedule.rule, pixels=256)
    resumed.load_state_dict({**schedule.state_dict(), "losses": [0.1, 0.2]})
    assert resumed.state == schedule.state
    resumed.on_validation_epoch_start(trainer, task)
    assert task.model.budget == 16


def test_steps_have_the_same_budgets_when_a_training_is_resumed(tmp_path: Path) -> None:
    task, trainer = make_task(make_cells()), make_trainer([], 10, tmp_path, accelerator="cpu")

    def drawn(seed: int, epoch: int) -> list[int]:
        schedule = BudgetSchedule(BudgetRule(epochs=10), pixels=100_000, seed=seed)
        schedule.load_state_dict({"share": 0.3, "epoch": epoch, "losses": (), "measured": 0})
        budgets = []
        for step in range(6):
            schedule.on_train_batch_start(trainer, task, None, step)
            budgets.append(task.model.budget)
        return budgets

    assert drawn(0, 2) == drawn(0, 2)
    assert drawn(0, 2) != drawn(0, 3) and drawn(0, 2) != drawn(1, 2)
