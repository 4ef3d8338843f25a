"""Learning where to draw: estimates of an expectation over cells, and of its gradient, from a few draws.

The expectation is E = Σ_cells a f, with a the probability of a cell and f whatever was read there.
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

Baseline = Literal["batch", "standardised", "leave-one-out", "running"]


def distinct_draw_weights(probabilities: Float[Tensor, "*batch draw"]) -> Float[Tensor, "*batch draw"]:
    """Weights w with E[Σ_j w_j f_j] = Σ_cells a f, for draws without replacement, and whose gradient is unbiased too.

    With a_j the probability of the draw number j = 0 … n − 1 and m_j = 1 − Σ_{i<j} a_i what was left before it, each
    prefix of the draws gives an unbiased estimate Σ_{i<j} a_i f_i + m_j f_j; their mean is taken. The factor a_j of
    the second term stands as a_j / stop(a_j), which changes no value and makes ∂/∂a right: automatic differentiation
    then needs no further correction.

    Source: Katharopoulos & Fleuret, ICML 2019, the estimator; the form of its gradient is derived anew, since the
    published programs are biased (tests/ops/test_estimators.py enumerates all draws of a small map).

    >>> distinct_draw_weights(torch.tensor([0.5, 0.25])).tolist()
    [0.75, 0.25]

    Args:
        probabilities: Of the cells drawn, in the order they were drawn.
    """
    draws = probabilities.shape[-1]
    fixed = probabilities.detach()
    left = (1 - fixed.cumsum(-1) + fixed).clamp_min(0)
    later = torch.arange(draws - 1, -1, -1, device=probabilities.device, dtype=probabilities.dtype)
    ratio = probabilities / fixed.clamp_min(torch.finfo(fixed.dtype).tiny)
    return (later * probabilities + left * ratio) / draws


def centred_sum(
    weights: Float[Tensor, "*batch draw"], values: Float[Tensor, "*batch draw feature"]
) -> Float[Tensor, "*batch feature"]:
    """Σ_j w_j f_j, where only differences among the values teach the weights.

    The mean of the values over the draws is taken away in the gradient of the weights. The value stays as it is, to the
    last draw, and so does the gradient of the values. That of the weights varies less, much less where the values have
    something in common, but that mean comes from the very draws, so it is no longer exactly unbiased: for five cells
    of unlike values, two draws miss a third of its length and three a tenth, with half and two thirds of the variance.
    Of a single draw nothing is left. (Our choice, after METHODS §2; tests/ops/test_estimators.py enumerates it.)
    """
    fixed = values.detach()
    steer = (weights - weights.detach())[..., None] * (fixed - fixed.mean(-2, keepdim=True))
    return (weights.detach()[..., None] * values + steer).sum(-2)


def reinforce_loss(
    log_probabilities: Float[Tensor, "*draws"], advantages: Float[Tensor, "*draws"]
) -> Float[Tensor, ""]:
    """Mean over the draws of −log a · advantage; its gradient is that of the expected reward, turned round.

    Source: Williams, Machine Learning 8, 1992.
    """
    return -(log_probabilities * advantages.detach()).mean()


def advantages(
    rewards: Float[Tensor, "image group draw"], baseline: Baseline, mean: Float[Tensor, ""] | None = None
) -> Float[Tensor, "image group draw"]:
    """Rewards minus what was to be expected.

    >>> advantages(torch.tensor([[[1.0, 0.0, 0.5]]]), "leave-one-out").tolist()
    [[[0.75, -0.75, 0.0]]]

    Args:
        rewards: Of each draw; draws of one image (repeats and patches) along the last two axes.
        baseline: ``batch``: the mean of all. ``standardised``: that, over their standard deviation. ``leave-one-out``:
            the mean of the image's other draws, which is independent of the draw it judges; where there is no other,
            the batch's mean. ``running``: ``mean``.
        mean: The mean of earlier rewards; the batch's own where there were none.
    """
    centre = mean if baseline == "running" and mean is not None else rewards.mean()
    if baseline == "leave-one-out":
        count = rewards.shape[1] * rewards.shape[2]
        if count > 1:
            others = (rewards.sum((1, 2), keepdim=True) - rewards) / (count - 1)
            return rewards - others
        return rewards - centre
    if baseline == "standardised":
        return (rewards - centre) / rewards.std(correction=0).clamp_min(1e-6)
    return rewards - centre


def negative_entropy(log_probabilities: Float[Tensor, "batch cell"]) -> Float[Tensor, ""]:
    """Mean over the maps of Σ a log a: least where a map is uniform."""
    logs = log_probabilities.masked_fill(log_probabilities == -torch.inf, 0.0)  # before the product, for its gradient
    return (log_probabilities.exp() * logs).sum(1).mean()
