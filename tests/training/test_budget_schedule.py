import math
from dataclasses import replace
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

Pairs = st.lists(st.tuples(*[st.floats(-1, 10) | st.just(math.nan) | st.just(math.inf)] * 2), min_size=1, max_size=40)


def shares(rule: BudgetRule, pairs: list[tuple[float, float]]) -> list[float]:
    """The budget of each epoch, and of the one that would follow."""
    states = [rule.initial()]
    for loss, with_less in pairs:
        states.append(rule.after(states[-1], loss, with_less))
    return [state.share for state in states]


def plain(epochs: int = 100, smoothing: float = 0.0) -> BudgetRule:
    """Margins of 1 and 3 %, steps of a tenth, the last fifth frozen: easy to follow by hand."""
    margins = {"tolerance": 0.01, "alarm": 0.03, "frozen": 0.2}
    return BudgetRule(epochs, start=0.4, floor=0.02, shrink=0.9, smoothing=smoothing, **margins)


def test_by_hand_without_smoothing() -> None:
    # with less, the losses are 20 % smaller, equal, 0.9 %, 2 % and 4 % larger
    pairs = [(1.0, 0.8), (1.0, 1.0), (1.0, 1.009), (0.5, 0.51), (2.0, 2.08)]
    expected = [0.4, 0.36, 0.324, 0.2916, 0.2916, 0.324]
    assert shares(plain(), pairs) == pytest.approx(expected)


def test_by_hand_with_smoothing() -> None:
    rule = plain(smoothing=0.5)
    states = [rule.initial()]
    for with_less in (1.0, 1.04, 1.2):
        states.append(rule.after(states[-1], 1.0, with_less))
    prices = [0.0, 0.04 / 2, 0.04 / 4 + 0.2 / 2]
    assert [state.price for state in states[1:]] == pytest.approx(prices)
    assert [state.share for state in states] == pytest.approx([0.4, 0.36, 0.36, 0.4])


def made_up(rule: BudgetRule, steepness: float, progress: list[float]) -> list[float]:
    """Budgets where a loss falls by ``share ** -steepness`` with what is read, times the training's own progress."""
    state = rule.initial()
    found = [state.share]
    for level in progress:
        losses = (level * share**-steepness for share in (state.share, rule.less * state.share))
        state = rule.after(state, *losses)
        found.append(state.share)
    return found


TRAININGS = {
    "level": [1.0] * 200,
    "ever better": [10 * 0.97**epoch for epoch in range(200)],
    "ever worse": [1.1**epoch for epoch in range(200)],
    "better, then overfitted": [1 + abs(epoch - 60) / 20 for epoch in range(200)],
    "now and then": [1 + epoch % 7 for epoch in range(200)],
}


@pytest.mark.parametrize("progress", TRAININGS.values(), ids=TRAININGS)
def test_only_what_the_pixels_are_worth_moves_it(progress: list[float]) -> None:
    """A loss that falls as fast as it likes while training must not look like pixels that nobody needs."""
    for steepness in (0.05, 0.15, 0.5):
        assert made_up(BudgetRule(200), steepness, progress) == pytest.approx(
            made_up(BudgetRule(200), steepness, TRAININGS["level"])
        )


@pytest.mark.parametrize("start", [0.02, 0.05, 0.12, 0.3, 0.5])
@pytest.mark.parametrize("progress", TRAININGS.values(), ids=TRAININGS)
def test_it_ends_where_less_begins_to_cost(start: float, progress: list[float]) -> None:
    """Made up: beyond 15 % of the pixels nothing is won, below, the loss rises in proportion to what lacks."""
    rule = BudgetRule(200, start=start)
    state = rule.initial()
    for level in progress:
        losses = (level * max(1, 0.15 / share) for share in (state.share, rule.less * state.share))
        state = rule.after(state, *losses)
    # where 0.15 / 0.8 share is 1.02, and 1.05, less what a smoothed price overshoots, and a step
    assert 0.15 / 0.8 / 1.05 * rule.shrink**5 <= state.share <= 0.15 / 0.8 / 1.02 / rule.shrink


def test_nothing_is_bought_where_hardly_any_loss_is_left() -> None:
    """Pixels that are dear by proportion, when all that can be won is a thousandth of a nat."""
    small, large = (made_up(BudgetRule(200), 0.5, [level] * 200)[-1] for level in (0.001, 1.0))
    assert small < 0.03 and large == 0.5
    assert shares(plain(), [(0.0, 0.0), (0.0, 0.004), (0.0, 0.0064)]) == pytest.approx([0.4, 0.36, 0.36, 0.4])


def test_free_pixels_are_given_up_and_dear_ones_taken() -> None:
    assert made_up(BudgetRule(200), 0.01, [1.0] * 200)[-1] == 0.02
    assert made_up(BudgetRule(200), 1.0, [1.0] * 200)[-1] == 0.5


@pytest.mark.parametrize(("epochs", "first"), [(1, 0), (2, 1), (4, 3), (5, 4), (10, 8), (15, 12), (120, 96)])
def test_frozen_for_the_last_fifth(epochs: int, first: int) -> None:
    rule = plain(epochs)
    assert rule.first_frozen == first
    budgets = shares(rule, [(1.0, 1.0)] * epochs)
    assert len(set(budgets[first:])) == 1
    assert budgets[: first + 1] == pytest.approx([max(0.4 * 0.9**epoch, 0.02) for epoch in range(first + 1)])


def test_the_recipe_has_the_rule_s_defaults() -> None:
    numbers = LearnedBudget().model_dump(exclude={"learn"})
    assert BudgetRule(epochs=7, **numbers) == BudgetRule(epochs=7)


@given(st.integers(1, 40), Pairs)
def test_stays_within_bounds_and_frozen(epochs: int, pairs: list[tuple[float, float]]) -> None:
    rule = BudgetRule(epochs=epochs, floor=0.02, ceiling=0.5, shrink=0.4, smoothing=0.0)
    budgets = shares(rule, pairs[:epochs])
    assert all(0.02 <= share <= 0.5 for share in budgets)
    assert len(set(budgets[rule.first_frozen :])) <= 1


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_says_nothing_changes_nothing(loss: float) -> None:
    rule = plain()
    before = rule.after(rule.initial(), 0.8, 0.8)
    for pair in ((loss, 0.8), (0.8, loss)):
        after = rule.after(before, *pair)
        assert after == replace(before, epoch=before.epoch + 1)
        assert rule.after(after, 0.8, 0.8).share == pytest.approx(before.share * 0.9)


def test_steps_are_drawn_evenly_on_a_logarithmic_scale_until_the_budget_is_frozen() -> None:
    rule = BudgetRule(epochs=10, frozen=0.2)
    drawn = torch.tensor([rule.share_of_step(BudgetState(0.3), seed) for seed in range(4000)])
    places = torch.log(drawn / 0.3) / math.log(0.64)
    assert places.min() >= 0 and places.max() <= 1
    counts = torch.histc(places, 4, 0, 1)
    assert (counts - 1000).abs().max() < 120  # four standard deviations
    assert rule.share_of_step(BudgetState(0.3, epoch=8), 5) == 0.3


def test_one_site_at_least() -> None:
    assert sites_of_share(0.02, candidates=1) == 1
    assert sites_of_share(0.4, candidates=4096) == 1638


def test_small_budgets_do_not_get_stuck_on_whole_numbers() -> None:
    """Ten pixels: nine tenths of a rounded 4 would be 4 again."""
    rule = plain()
    state = rule.initial()
    for _ in range(5):
        state = rule.after(state, 1.0, 1.0)
    assert sites_of_share(state.share, candidates=10) == 2


class Watched(BudgetSchedule):
    """Notes the budget of every pass of the model."""

    def setup_watch(self, model: torch.nn.Module) -> "Watched":
        self.seen: list[tuple[bool, int]] = []
        model.look.register_forward_hook(lambda *_: self.seen.append((model.training, model.budget)))
        return self


def trained(cells: CellData, rule: BudgetRule, folder: Path) -> tuple[Watched, list[float]]:
    """A short training under a rule; the losses with less as the rule was told them."""
    recipe = make_recipe("sparse-attn-net", epochs=rule.epochs)
    task = make_task(cells, recipe)
    schedule = Watched(rule, pixels=16 * 16).setup_watch(task.model)
    told: list[float] = []

    class Asked(BudgetRule):
        def after(self, state: BudgetState, loss: float, with_less: float) -> BudgetState:
            told.append(with_less)
            return super().after(state, loss, with_less)

    schedule.rule = Asked(**vars(rule))
    trainer = make_trainer([schedule], rule.epochs, folder, accelerator="cpu")
    trainer.fit(task, ImageDataModule.of(cells, recipe.training))
    if rule.first_frozen < rule.epochs:  # what the weights as they are now lose with less
        before = task.model.budget
        assert before == sites_of_share(schedule.state.share, 64)
    return schedule, told


def test_a_training_reads_as_the_rule_says(tmp_path: Path) -> None:
    cells = make_cells()
    rule = BudgetRule(epochs=3, start=0.5, floor=0.5, ceiling=0.5, frozen=0.3)
    schedule, told = trained(cells, rule, tmp_path)
    training = [budget for train, budget in schedule.seen if train]
    judging = [budget for train, budget in schedule.seen if not train]
    moving = 2 * len(training) // 3
    assert all(20 <= budget <= 32 for budget in training[:moving]), "0.64 of 32 sites, to all of them"
    assert len(set(training[:moving])) > 1
    assert set(training[moving:]) == {32}, "frozen: the weights settle on the budget"
    assert judging == [32, 25, 32, 25, 32], "each batch twice, with four fifths of 32 the second time, until frozen"
    assert [math.isfinite(loss) for loss in told] == [True, True, False]


def test_what_less_costs_is_the_validation_loss_of_a_model_with_that_budget(tmp_path: Path) -> None:
    cells = make_cells()
    recipe = make_recipe("sparse-attn-net", epochs=1)
    task = make_task(cells, recipe)
    schedule = BudgetSchedule(BudgetRule(epochs=5), pixels=256)
    trainer = make_trainer([schedule], 1, tmp_path, accelerator="cpu")
    trainer.fit(task, ImageDataModule.of(cells, recipe.training))
    loss, share = task.validation.loss, 0.3
    task.model.eval()
    task.model.budget = sites_of_share(0.8 * share, 64)
    held = cells.part("val")
    with torch.no_grad():
        counts = task.goal.counts(task.model(cells.preprocessing.normalise(held.images)), held.labels)
    with_less = float(counts["loss"] / counts["weight"])
    assert schedule.state.price == pytest.approx(with_less / loss - 1, abs=1e-5)
    assert with_less != loss


def test_callback_moves_the_model_and_keeps_its_state(tmp_path: Path) -> None:
    cells = make_cells()
    task, trainer = make_task(cells), make_trainer([], 10, tmp_path, accelerator="cpu")
    schedule = BudgetSchedule(BudgetRule(epochs=10, start=0.4, shrink=0.9), pixels=256)
    schedule.state = replace(schedule.state, share=0.25, epoch=3, price=0.01)
    resumed = BudgetSchedule(schedule.rule, pixels=256)
    resumed.load_state_dict(schedule.state_dict())
    assert resumed.state == schedule.state
    resumed.on_validation_epoch_start(trainer, task)
    assert task.model.budget == 16


def test_steps_have_the_same_budgets_when_a_training_is_resumed(tmp_path: Path) -> None:
    task, trainer = make_task(make_cells()), make_trainer([], 10, tmp_path, accelerator="cpu")

    def drawn(seed: int, epoch: int) -> list[int]:
        schedule = BudgetSchedule(BudgetRule(epochs=10), pixels=100_000, seed=seed)
        schedule.load_state_dict({"share": 0.3, "epoch": epoch, "price": None})
        budgets = []
        for step in range(6):
            schedule.on_train_batch_start(trainer, task, None, step)
            budgets.append(task.model.budget)
        return budgets

    assert drawn(0, 2) == drawn(0, 2)
    assert drawn(0, 2) != drawn(0, 3) and drawn(0, 2) != drawn(1, 2)
