import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saccade.datasets.cells import CellData
from saccade.training.budget_schedule import BudgetRule, BudgetSchedule, BudgetState
from saccade.training.engine import make_trainer
from saccade.training.goals import Validation
from saccade.training.recipe_sections import LearnedBudget
from tests.training.miniature_cells import make_task

Losses = st.lists(st.floats(-10, 10) | st.just(math.nan) | st.just(math.inf), min_size=1, max_size=40)


def shares(rule: BudgetRule, losses: list[float]) -> list[float]:
    """The budget of each epoch, and of the one that would follow."""
    states = [rule.initial()]
    for loss in losses:
        states.append(rule.after(states[-1], loss))
    return [state.share for state in states]


def tight(smoothing: float) -> BudgetRule:
    """Margins of 1 and 3 %, steps of a tenth: easy to follow by hand."""
    steps = {"shrink": 0.9, "grow": 1.1, "tolerance": 0.01, "alarm": 0.03}
    return BudgetRule(epochs=100, start=0.4, floor=0.02, smoothing=smoothing, **steps)


def test_by_hand_without_smoothing() -> None:
    rule = tight(smoothing=0.0)
    # best: 1.0, 0.9, 0.9, 0.9, 0.9; the losses lie 0, 0, 0.9 %, 2 % and 4 % above it
    losses = [1.0, 0.9, 0.908, 0.918, 0.936]
    assert shares(rule, losses) == pytest.approx([0.4, 0.36, 0.324, 0.2916, 0.2916, 0.32076])


def test_it_grows_back_no_further_than_where_the_loss_was_best() -> None:
    rule = tight(smoothing=0.0)
    # the best loss comes with the second budget, 0.36; then the loss rises for good
    losses = [1.0, 0.8, 0.81, 1.0, 1.0, 1.0]
    assert shares(rule, losses) == pytest.approx([0.4, 0.36, 0.324, 0.324, 0.3564, 0.36, 0.36])


def test_by_hand_with_smoothing() -> None:
    rule = tight(smoothing=0.5)
    states = [rule.initial()]
    for loss in (1.0, 1.04, 1.2):  # smoothed 1.0, 1.02, 1.11
        states.append(rule.after(states[-1], loss))
    assert [state.smoothed for state in states[1:]] == pytest.approx([1.0, 1.02, 1.11])
    assert [state.share for state in states] == pytest.approx([0.4, 0.36, 0.36, 0.396])


@pytest.mark.parametrize(("epochs", "first"), [(1, 0), (2, 1), (4, 3), (5, 4), (10, 8), (15, 12), (120, 96)])
def test_frozen_for_the_last_fifth(epochs: int, first: int) -> None:
    rule = BudgetRule(epochs=epochs, start=0.4, floor=0.02, shrink=0.9)
    assert rule.first_frozen == first
    budgets = shares(rule, [1.0] * epochs)
    assert len(set(budgets[first:])) == 1
    assert budgets[: first + 1] == pytest.approx([max(0.4 * 0.9**epoch, 0.02) for epoch in range(first + 1)])


def test_the_recipe_has_the_rule_s_defaults() -> None:
    numbers = LearnedBudget().model_dump(exclude={"learn"})
    assert BudgetRule(epochs=7, **numbers) == BudgetRule(epochs=7)


@given(st.integers(1, 40), Losses)
def test_stays_within_bounds_and_frozen(epochs: int, losses: list[float]) -> None:
    rule = BudgetRule(epochs=epochs, floor=0.02, ceiling=0.5, shrink=0.5, grow=3.0)
    budgets = shares(rule, losses[:epochs])
    assert all(0.02 <= share <= 0.5 for share in budgets)
    assert len(set(budgets[rule.first_frozen :])) <= 1


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_changes_nothing(loss: float) -> None:
    rule = BudgetRule(epochs=10, shrink=0.9)
    before = rule.after(rule.initial(), 0.8)
    after = rule.after(before, loss)
    assert after == replace(before, epoch=before.epoch + 1)
    assert rule.after(after, 0.8).share == pytest.approx(before.share * 0.9)


def test_one_site_at_least() -> None:
    rule = BudgetRule(epochs=10)
    assert rule.sites(BudgetState(0.02), candidates=1) == 1
    assert rule.sites(BudgetState(0.4), candidates=4096) == 1638


def test_small_budgets_do_not_get_stuck_on_whole_numbers() -> None:
    """Ten pixels: nine tenths of a rounded 4 would be 4 again."""
    rule = BudgetRule(epochs=100, start=0.4, shrink=0.9)
    state = rule.initial()
    for _ in range(5):
        state = rule.after(state, 1.0)
    assert rule.sites(state, candidates=10) == 2


def test_callback_moves_the_model_and_keeps_its_state(cells: CellData, tmp_path: Path) -> None:
    task, trainer = make_task(cells), make_trainer([], 10, tmp_path, accelerator="cpu")
    task.validation = Validation(loss=0.5)
    rule = BudgetRule(epochs=10, start=0.4, shrink=0.9)

    schedule = BudgetSchedule(rule, pixels=400)
    schedule.on_train_epoch_start(trainer, task)
    assert task.model.budget == 40
    schedule.on_train_epoch_end(trainer, task)
    assert task.model.budget == 40, "the weights keep the budget they were validated with"

    resumed = BudgetSchedule(rule, pixels=400)
    resumed.load_state_dict(schedule.state_dict())
    assert resumed.state == schedule.state
    resumed.on_train_epoch_start(trainer, task)
    assert task.model.budget == 36
