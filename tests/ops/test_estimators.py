"""Estimators against the enumeration of every possible draw, in float64."""

from collections.abc import Callable, Iterator
from itertools import permutations, product

import pytest
import torch
from torch import Tensor

from saccade.ops.estimators import advantages, centred_sum, distinct_draw_weights, negative_entropy, reinforce_loss

CELLS, FEATURES = 5, 3


def scores_and_values() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(CELLS, generator=generator, dtype=torch.float64, requires_grad=True)
    values = torch.randn(CELLS, FEATURES, generator=generator, dtype=torch.float64, requires_grad=True)
    return scores, values


def outcome(estimate: Tensor) -> Tensor:
    """Something that is linear in the estimate: only then may its mean be compared."""
    return (estimate * torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)).sum()


def ordered_draws(a: Tensor, draws: int) -> Iterator[tuple[list[int], float]]:
    """Every way to draw so many different cells one after the other, with its probability."""
    for order in permutations(range(len(a)), draws):
        chance, left = 1.0, 1.0
        for probability in a[list(order)].tolist():
            chance, left = chance * probability / left, left - probability
        yield list(order), chance


def plain_sum(weights: Tensor, values: Tensor) -> Tensor:
    return (weights[:, None] * values).sum(0)


@pytest.mark.parametrize("draws", [1, 2, 3, 5])
def test_the_estimate_without_replacement_and_both_gradients_are_unbiased(draws: int) -> None:
    scores, values = scores_and_values()
    a = scores.softmax(0)
    exact = outcome((a[:, None] * values).sum(0))
    wanted = torch.autograd.grad(exact, (scores, values), retain_graph=True)

    mean, gradients = torch.zeros((), dtype=torch.float64), [torch.zeros_like(each) for each in (scores, values)]
    chances = 0.0
    for order, chance in ordered_draws(a, draws):
        estimate = outcome(plain_sum(distinct_draw_weights(a[order]), values[order]))
        found = torch.autograd.grad(estimate, (scores, values), retain_graph=True)
        chances += chance
        mean = mean + chance * estimate.detach()
        gradients = [total + chance * each for total, each in zip(gradients, found, strict=True)]
    assert chances == pytest.approx(1)
    assert float(mean) == pytest.approx(float(exact.detach()), abs=1e-10)
    for total, expected in zip(gradients, wanted, strict=True):
        assert (total - expected).abs().max() < 1e-10


def bias_and_variance(total: Callable[[Tensor, Tensor], Tensor], draws: int, shared: float) -> tuple[float, float]:
    """Of the gradient of the scores: length of the bias over that of the exact gradient, and the variance.

    ``shared`` is added to all values, which changes no gradient that is exact.
    """
    scores, values = scores_and_values()
    a, values = scores.softmax(0), values + shared
    exact = torch.autograd.grad(outcome(plain_sum(a, values)), scores, retain_graph=True)[0]
    mean, squares = torch.zeros_like(exact), 0.0
    for order, chance in ordered_draws(a, draws):
        estimate = outcome(total(distinct_draw_weights(a[order]), values[order]))
        found = torch.autograd.grad(estimate, scores, retain_graph=True)[0]
        mean, squares = mean + chance * found, squares + chance * float(found.square().sum())
    return float((mean - exact).norm() / exact.norm()), squares - float(mean.square().sum())


@pytest.mark.parametrize(("draws", "missed", "spared"), [(2, 0.33, 0.5), (3, 0.1, 0.3), (4, 0.02, 0.2)])
def test_a_centred_sum_trades_a_little_bias_for_variance(draws: int, missed: float, spared: float) -> None:
    """And however much the values share, its gradient does not notice, while the plain one's variance grows with it."""
    plain, centred = (bias_and_variance(total, draws, shared=0.0) for total in (plain_sum, centred_sum))
    assert plain[0] < 1e-10
    assert centred[0] == pytest.approx(missed, abs=0.01) and centred[0] > 1e-3
    assert 1 - centred[1] / plain[1] == pytest.approx(spared, abs=0.05)
    alike = [bias_and_variance(total, draws, shared=3.0) for total in (plain_sum, centred_sum)]
    assert alike[0][0] < 1e-10 and alike[0][1] > 3 * plain[1]
    assert alike[1] == pytest.approx(centred)


def test_of_a_single_draw_a_centred_sum_teaches_nothing() -> None:
    assert bias_and_variance(centred_sum, 1, shared=0.0) == pytest.approx((1.0, 0.0))


@pytest.mark.parametrize("draws", [1, 2, 3, 5])
def test_a_centred_sum_is_the_plain_one_whatever_is_drawn(draws: int) -> None:
    scores, values = scores_and_values()
    a = scores.softmax(0)
    for order, _ in ordered_draws(a, draws):
        weights = distinct_draw_weights(a[order])
        assert (centred_sum(weights, values[order]) - plain_sum(weights, values[order])).abs().max() < 1e-14


def test_all_cells_drawn_leave_noise_whose_mean_is_exact() -> None:
    """With no cell left over the weights still depend on the order; their sum is 1, and their mean over orders a."""
    a = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    mean = torch.zeros_like(a)
    for order, chance in ordered_draws(a, len(a)):
        weights = distinct_draw_weights(a[order])
        assert float(weights.sum()) == pytest.approx(1) and (weights - a[order]).abs().max() > 0.01
        mean[order] += chance * weights
    assert mean.tolist() == pytest.approx(a.tolist(), abs=1e-14)
    last = torch.tensor([0.7, 0.3], dtype=torch.float64)
    assert distinct_draw_weights(last).tolist() == pytest.approx([(0.7 + 1) / 2, 0.3 / 2])


@pytest.mark.parametrize("baseline", ["none", "leave-one-out"])
def test_reinforce_has_the_gradient_of_the_expected_reward(baseline: str) -> None:
    """Two draws with replacement: all 25 outcomes, each with its probability."""
    scores, values = scores_and_values()
    rewards = values.detach()[:, 0]
    log_a = scores.log_softmax(0)
    wanted = torch.autograd.grad((log_a.exp() * rewards).sum(), scores, retain_graph=True)[0]
    total = torch.zeros_like(scores)
    for pair in product(range(CELLS), repeat=2):
        chance = float(log_a.detach()[list(pair)].sum().exp())
        drawn, reward = log_a[list(pair)][None, None], rewards[list(pair)][None, None]
        judged = reward if baseline == "none" else advantages(reward, "leave-one-out")
        total = total + chance * torch.autograd.grad(reinforce_loss(drawn, judged), scores, retain_graph=True)[0]
    assert (total + wanted).abs().max() < 1e-10


def test_a_centred_sum_has_the_value_and_ignores_what_all_draws_share() -> None:
    weights = torch.tensor([0.7, 0.2], dtype=torch.float64, requires_grad=True)
    values = torch.tensor([[1.0, 5.0], [3.0, 5.0]], dtype=torch.float64, requires_grad=True)
    found = centred_sum(weights, values)
    assert found.tolist() == pytest.approx([0.7 + 0.6, 4.5])
    by_weight, by_value = torch.autograd.grad(found.sum(), (weights, values))
    assert by_weight.tolist() == pytest.approx([-1.0, 1.0])  # of the second feature nothing is left
    assert by_value.tolist() == [pytest.approx([0.7, 0.7]), pytest.approx([0.2, 0.2])]


def test_baselines() -> None:
    rewards = torch.tensor([[[1.0, 0.0]], [[0.5, 0.5]]])
    assert advantages(rewards, "batch").flatten().tolist() == pytest.approx([0.5, -0.5, 0.0, 0.0])
    assert advantages(rewards, "running", torch.tensor(0.2)).flatten().tolist() == pytest.approx([0.8, -0.2, 0.3, 0.3])
    assert advantages(rewards, "running").flatten().tolist() == pytest.approx([0.5, -0.5, 0.0, 0.0])
    assert advantages(rewards, "batch", torch.tensor(0.2)).flatten().tolist() == pytest.approx([0.5, -0.5, 0.0, 0.0])
    standard = advantages(rewards, "standardised")
    assert float(standard.mean()) == pytest.approx(0, abs=1e-6)
    assert float(standard.std(correction=0)) == pytest.approx(1)
    assert advantages(rewards, "leave-one-out").flatten().tolist() == pytest.approx([1.0, -1.0, 0.0, 0.0])
    lonely = torch.tensor([[[1.0]], [[0.0]]])
    assert advantages(lonely, "leave-one-out").flatten().tolist() == pytest.approx([0.5, -0.5])
    assert advantages(torch.ones(2, 1, 3), "standardised").abs().sum() == 0


def test_entropy() -> None:
    uniform = torch.full((2, 4), 0.25).log()
    assert float(negative_entropy(uniform)) == pytest.approx(float(torch.tensor(0.25).log()))
    assert float(negative_entropy(torch.tensor([[0.0, -torch.inf]]))) == 0
