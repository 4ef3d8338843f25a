import math
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saccade.models import create_model
from saccade.training.budget_schedule import BudgetRule, BudgetSchedule, BudgetState
from saccade.training.task import ClassifierTask, Validation

Losses = st.lists(st.floats(-10, 10) | st.just(math.nan) | st.just(math.inf), min_size=1, max_size=40)


def shares(rule: BudgetRule, losses: list[float]) -> list[float]:
    """The budget of each epoch, and of the one that would follow."""
    states = [rule.initial()]
    for loss in losses:
        states.append(rule.after(states[-1], loss))
    return [state.share for state in states]


def test_by_hand_without_smoothing() -> None:
    rule = BudgetRule(epochs=100, smoothing=0.0)
    # best: 1.0, 0.9, 0.9, 0.9, 0.9; the losses lie 0, 0, 0.9 %, 2 % and 4 % above it
    losses = [1.0, 0.9, 0.908, 0.918, 0.936]
    assert shares(rule, losses) == pytest.approx([0.4, 0.36, 0.324, 0.2916, 0.2916, 0.32076])


def test_by_hand_with_smoothing() -> None:
    rule = BudgetRule(epochs=100, smoothing=0.5)
    states = [rule.initial()]
    for loss in (1.0, 1.04, 1.2):  # smoothed 1.0, 1.02, 1.11
        states.append(rule.after(states[-1], loss))
    assert [state.smoothed for state in states[1:]] == pytest.approx([1.0, 1.02, 1.11])
    assert [state.share for state in states] == pytest.approx([0.4, 0.36, 0.36, 0.396])


@pytest.mark.parametrize(("epochs", "first"), [(1, 0), (2, 1), (4, 3), (5, 4), (10, 8), (15, 12), (120, 96)])
def test_frozen_for_the_last_fifth(epochs: int, first: int) -> None:
    rule = BudgetRule(epochs=epochs)
    assert rule.first_frozen == first
    budgets = shares(rule, [1.0] * epochs)
    assert len(set(budgets[first:])) == 1
    assert budgets[: first + 1] == pytest.approx([max(0.4 * 0.9**epoch, 0.02) for epoch in range(first + 1)])


@given(st.integers(1, 40), Losses)
def test_stays_within_bounds_and_frozen(epochs: int, losses: list[float]) -> None:
    rule = BudgetRule(epochs=epochs, shrink=0.5, grow=3.0)
    budgets = shares(rule, losses[:epochs])
    assert all(0.02 <= share <= 0.5 for share in budgets)
    assert len(set(budgets[rule.first_frozen :])) <= 1


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_changes_nothing(loss: float) -> None:
    rule = BudgetRule(epochs=10)
    before = rule.after(rule.initial(), 0.8)
    after = rule.after(before, loss)
    assert after == BudgetState(before.share, before.epoch + 1, before.smoothed, before.best)
    assert rule.after(after, 0.8).share == pytest.approx(before.share * 0.9)


def test_one_site_at_least() -> None:
    rule = BudgetRule(epochs=10)
    assert rule.sites(BudgetState(0.02), pixels=1) == 1
    assert rule.sites(rule.initial(), pixels=4096) == 1638


def test_small_budgets_do_not_get_stuck_on_whole_numbers() -> None:
    """Ten pixels: 0.9 of the rounded 4 would be 4 again."""
    rule = BudgetRule(epochs=100)
    state = rule.initial()
    for _ in range(5):
        state = rule.after(state, 1.0)
    assert rule.sites(state, pixels=10) == 2


def test_callback_moves_the_model_and_keeps_its_state() -> None:
    model = create_model("sparse-attn-net", ("a", "b"), budget=7)
    task = cast(Any, ClassifierTask.__new__(ClassifierTask))
    object.__setattr__(task, "_modules", {"model": model})
    object.__setattr__(task, "validation", Validation(loss=0.5))
    trainer = cast(Any, SimpleNamespace())

    schedule = BudgetSchedule(BudgetRule(epochs=10), pixels=100)
    schedule.on_train_epoch_start(trainer, task)
    assert model.budget == 40
    schedule.on_train_epoch_end(trainer, task)
    assert model.budget == 40, "the weights keep the budget they were validated with"

    resumed = BudgetSchedule(BudgetRule(epochs=10), pixels=100)
    resumed.load_state_dict(schedule.state_dict())
    assert resumed.state == schedule.state
    resumed.on_train_epoch_start(trainer, task)
    assert model.budget == 36
