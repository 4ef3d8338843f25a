"""Conditional draws against the enumeration of every sequence, in float64."""

from itertools import permutations, product

import pytest
import torch
from torch import Tensor

from saccade.models.conditional_sampling import Judged, against_others, returns, sequence_loss
from saccade.models.parts.conditional_selection import ConditionalSites, IndependentSites, Seen
from saccade.models.parts.field_look import log_probabilities

FEATURE, WIDTH = 3, 2


def seen(rows: int = 2, columns: int = 3, batch: int = 1) -> Seen:
    dice = torch.Generator().manual_seed(0)
    scores = torch.randn(batch, rows, columns, generator=dice, dtype=torch.float64)
    features = torch.randn(batch, WIDTH, rows, columns, generator=dice, dtype=torch.float64)
    return Seen(scores.requires_grad_(), features.requires_grad_(), torch.ones(batch, rows, columns, dtype=torch.bool))


class Pages:
    """What is written in each cell; reading is a look-up, with a gradient."""

    def __init__(self, cells: int = 6) -> None:
        dice = torch.Generator().manual_seed(1)
        self.values = torch.randn(cells, FEATURE, generator=dice, dtype=torch.float64, requires_grad=True)

    def __call__(self, index: Tensor) -> Tensor:
        return self.values[index]


def selector(budget: int, reach: int = 1, stride: int = 1) -> ConditionalSites:
    torch.manual_seed(0)
    select = ConditionalSites(budget, feature=FEATURE, seen=WIDTH, state=4, reach=reach, stride=stride).double()
    for parameter in select.parameters():  # what is zero at first would hide mistakes
        torch.nn.init.normal_(parameter, std=0.7)
    return select


@pytest.mark.parametrize(("budget", "reach", "stride"), [(1, 1, 1), (2, 1, 1), (3, 1, 1), (3, 0, 1), (3, 2, 2)])
def test_the_probabilities_of_all_sequences_sum_to_one(budget: int, reach: int, stride: int) -> None:
    select, glance, pages, total = selector(budget, reach, stride), seen(), Pages(), 0.0
    for order in permutations(range(6), budget):
        total += select.along(glance, pages, torch.tensor([order])).log_probabilities.sum().exp().item()
    assert total == pytest.approx(1, abs=1e-12)


def test_a_cell_comes_twice_only_when_none_is_left() -> None:
    select, glance, pages, total = selector(4), seen(1, 3), Pages(3), 0.0
    assert float(select.along(glance, pages, torch.tensor([[0, 0, 1, 2]])).log_probabilities[0, 1]) == -torch.inf
    for order in product(range(3), repeat=4):
        chosen = select.along(glance, pages, torch.tensor([order]))
        total += float(chosen.log_probabilities.sum().exp())
    assert total == pytest.approx(1, abs=1e-12)
    for _ in range(10):
        assert sorted(select.train()(glance, pages).index[0, :3].tolist()) == [0, 1, 2]


def after_each(features: Tensor, weights: Tensor) -> Tensor:
    """Rewards that depend on all that was read, in order: of a made-up classifier."""
    so_far = features.detach().cumsum(-2)
    return (so_far @ weights).sin()


@pytest.mark.parametrize("judged", ["prediction", "increments"])
def test_reinforce_has_the_gradient_of_the_expected_reward(judged: Judged) -> None:
    """One sequence, all 120 of them, each with its probability."""
    select, glance, pages, weights = selector(3), seen(), Pages(), torch.randn(FEATURE, dtype=torch.float64)
    learned = [glance.scores, glance.features, pages.values, *select.parameters()]
    expected, total = torch.zeros((), dtype=torch.float64), [torch.zeros_like(each) for each in learned]
    for order in permutations(range(6), 3):
        chosen = select.along(glance, pages, torch.tensor([order]))
        rewards = after_each(chosen.features, weights)
        chance = chosen.log_probabilities.sum().exp()
        expected = expected + chance * rewards[0, -1]
        earned = returns(rewards[:, None], judged, nothing=0.3)
        loss = sequence_loss(chosen.log_probabilities[:, None], earned)
        found = torch.autograd.grad(loss, learned, allow_unused=True, retain_graph=True)
        total = [a + float(chance) * (0 if b is None else b) for a, b in zip(total, found, strict=True)]
    wanted = torch.autograd.grad(expected, learned, allow_unused=True)
    for mean, exact in zip(total, wanted, strict=True):
        assert (mean + (0 if exact is None else exact)).abs().max() < 1e-10
    assert any(exact is not None and exact.abs().max() > 1e-3 for exact in wanted)


@pytest.mark.parametrize("judged", ["prediction", "increments"])
def test_judging_sequences_by_each_other_keeps_the_gradient(judged: Judged) -> None:
    """Two sequences of two draws on four cells: all 144 pairs."""
    select, glance, pages, weights = selector(2), seen(2, 2), Pages(4), torch.randn(FEATURE, dtype=torch.float64)
    learned = [glance.scores, pages.values, *select.parameters()]
    orders = list(permutations(range(4), 2))
    chosen = [select.along(glance, pages, torch.tensor([order])) for order in orders]
    logs = torch.cat([each.log_probabilities for each in chosen])
    rewards = torch.cat([after_each(each.features, weights) for each in chosen])
    chances = logs.sum(1).exp()
    wanted = torch.autograd.grad((chances * rewards[:, -1]).sum(), learned, allow_unused=True, retain_graph=True)
    surrogate = torch.zeros((), dtype=torch.float64)
    for i, j in product(range(len(orders)), repeat=2):
        earned = against_others(returns(rewards[[i, j]][None], judged, nothing=0.25))
        surrogate = surrogate + float(chances[i] * chances[j]) * sequence_loss(logs[[i, j]][None], earned)
    found = torch.autograd.grad(surrogate, learned, allow_unused=True)
    for mean, exact in zip(found, wanted, strict=True):
        assert (mean is None) == (exact is None)
        assert mean is None or (mean + exact).abs().max() < 1e-10


def test_the_first_draw_is_the_map_s_own() -> None:
    glance, pages = seen(batch=2), Pages()
    log_map = log_probabilities(glance.scores)
    for cell in range(6):
        index = torch.full((2, 1), cell)
        chosen = selector(1).along(glance, pages, index)
        assert torch.allclose(chosen.log_probabilities[:, 0], log_map[:, cell], atol=1e-6)


def test_evaluation_takes_the_likeliest_cell_given_those_before_it() -> None:
    select, glance, pages = selector(3).eval(), seen(batch=3), Pages()
    chosen = select(glance, pages)
    assert chosen.index.equal(select(glance, pages).index)
    assert all(len(set(order)) == 3 for order in chosen.index.tolist())
    for step in range(3):
        for cell in range(6):
            other = chosen.index.clone()
            other[:, step] = cell
            found = select.along(glance, pages, other).log_probabilities[:, step]
            assert (found <= chosen.log_probabilities[:, step] + 1e-12).all()


def test_draws_come_as_often_as_their_probability_says() -> None:
    select, pages = selector(2).train(), Pages(4)
    once = seen(2, 2)
    many = once.repeated(4000)
    found = select(many, pages)
    for order in permutations(range(4), 2):
        chance = float(select.along(once, pages, torch.tensor([order])).log_probabilities.sum().exp())
        share = float((found.index == torch.tensor(order)).all(1).float().mean())
        assert abs(share - chance) < 5 * (chance * (1 - chance) / 4000) ** 0.5


def test_following_up_stays_within_reach_of_the_last_site() -> None:
    select, glance = selector(2, reach=1, stride=2).eval(), seen(9, 9)
    pages = Pages(81)
    torch.nn.init.constant_(select.follow.bias, 50.0)
    for first in (0, 40, 80):
        logs = [
            float(select.along(glance, pages, torch.tensor([[first, cell]])).log_probabilities[0, 1])
            for cell in range(81)
        ]
        near = {cell for cell in range(81) if logs[cell] > -10}
        offsets = {(cell // 9 - first // 9, cell % 9 - first % 9) for cell in near}
        limits = set(product(range(-2, 3), repeat=2))
        inside = {(r, c) for r, c in limits if 0 <= first // 9 + r < 9 and 0 <= first % 9 + c < 9}
        assert offsets == inside - {(0, 0)}


def test_logits_beside_the_last_site_are_straight_lines_between_knots() -> None:
    select, glance = selector(2, reach=1, stride=2), seen(9, 9)
    state = torch.randn(1, 4, dtype=torch.float64)
    logits, window = select._window(glance, state, torch.tensor([4 * 9 + 3]))
    logits, knots = logits.detach().view(9, 9), select.beside(state).detach().view(3, 3)
    for down, right in product(range(3), repeat=2):
        assert float(logits[4 + 2 * (down - 1), 3 + 2 * (right - 1)]) == pytest.approx(float(knots[down, right]))
    assert logits[5, 3] == pytest.approx(float((knots[1, 1] + knots[2, 1]) / 2))
    assert logits[5, 4] == pytest.approx(float(knots[1:, 1:].mean()))
    assert window.view(9, 9).nonzero().tolist() == [[r, c] for r in range(2, 7) for c in range(1, 6)]


def test_what_was_read_changes_where_to_go() -> None:
    select, glance = selector(2), seen(3, 3)
    pages, others = Pages(9), Pages(9)
    others.values = others.values.detach() + 3
    orders = torch.tensor([[4, 1]])
    first, second = (select.along(glance, each, orders).log_probabilities[0, 1] for each in (pages, others))
    assert abs(float(first - second)) > 1e-3


def test_cells_outside_are_never_drawn_and_change_nothing() -> None:
    alone = seen(2, 3)
    scores, features = (
        torch.nn.functional.pad(each, (0, 2, 0, 1), value=9.0) for each in (alone.scores, alone.features)
    )
    inside = torch.nn.functional.pad(alone.inside, (0, 2, 0, 1), value=False)
    select = selector(3).eval()
    small = select(alone, Pages())
    pages = Pages(15)
    where = torch.tensor([0, 1, 2, 5, 6, 7])
    pages.values = torch.zeros(15, FEATURE, dtype=torch.float64).index_copy(0, where, Pages().values)
    large = select(Seen(scores, features, inside), pages)
    assert large.index.equal(where[small.index])
    assert torch.allclose(large.log_probabilities, small.log_probabilities)


def test_independent_sites_are_attention_samplings() -> None:
    select, glance, pages = IndependentSites(3), seen(batch=2), Pages()
    chosen = select.eval()(glance, pages)
    log_map = log_probabilities(glance.scores)
    assert torch.allclose(chosen.log_probabilities, log_map.gather(1, chosen.index), atol=1e-6)
    assert chosen.features.equal(pages.values[chosen.index])
    assert chosen.index.equal(select(glance, pages).index)
    assert select.train()(glance, pages).index.shape == (2, 3)
