"""Selections: budgets are kept, saved, and left to chance only while training."""

import pytest
import torch

from saccade.core.errors import BadInput
from saccade.models.parts.pixel_select import AllPixels, RandomPixels, TopPixels


def test_the_budget_is_part_of_the_state() -> None:
    first, second = TopPixels(10), TopPixels(3)
    first.budget = 7
    second.load_state_dict(first.state_dict())
    assert second.budget == 7


def test_random_pixels_are_fresh_in_training_and_fixed_in_evaluation() -> None:
    select, scores = RandomPixels(20), torch.zeros(2, 100)
    assert not select.train()(scores).equal(select(scores))
    assert not select(scores)[0].equal(select(scores)[1])
    select.eval()
    assert select(scores).equal(select(scores))
    assert select(scores)[0].equal(select(scores)[1])
    assert not RandomPixels(20, seed=1).eval()(scores).equal(select(scores))


@pytest.mark.parametrize("training", [True, False])
def test_top_pixels_leave_the_stated_share_to_chance(training: bool) -> None:
    """The lowest-scored pixels only come in by chance: 20 of 100, in training and in evaluation."""
    scores = torch.arange(1000.0).expand(3, -1)
    chosen = TopPixels(100, random_share=0.2).train(training)(scores)
    assert all(len(set(row)) == 100 for row in chosen.tolist())
    assert ((chosen >= 880).sum(1) >= 80).all()
    assert ((chosen < 880).sum(1) > 5).all()
    assert chosen[0].equal(chosen[1]) != training


def test_without_chance_the_best_are_kept() -> None:
    scores = torch.randn(1, 50)
    chosen = TopPixels(10, random_share=0.0).train()(scores)
    assert set(chosen[0].tolist()) == set(scores[0].topk(10).indices.tolist())


def test_one_pixel_is_the_best() -> None:
    assert TopPixels(1, random_share=1.0)(torch.tensor([[0.1, 0.9]])).tolist() == [[1]]


def test_all_pixels_are_all_pixels() -> None:
    assert AllPixels()(torch.zeros(2, 5)).tolist() == [[0, 1, 2, 3, 4]] * 2


def test_no_budget_is_no_model() -> None:
    with pytest.raises(BadInput, match="at least 1"):
        TopPixels(0)
