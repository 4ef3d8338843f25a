"""The contract itself: targets, and what a model without a budget says."""

import pytest
import torch

from saccade.core.bags import Bags
from saccade.core.contract import ClassTargets
from saccade.models import create_model


def test_class_weights_scale_each_image_by_its_class() -> None:
    logits, labels = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 1])
    weights = torch.tensor([3.0, 1.0])
    each = -logits.log_softmax(1)[torch.arange(2), labels]
    expected = (each * weights[labels]).sum() / weights[labels].sum()
    assert torch.allclose(ClassTargets(labels, weights).cross_entropy(logits), expected)


def test_a_model_without_budget_says_so() -> None:
    model = create_model("tiny-cnn", classes=("a", "b"))
    assert model.budget is None
    with pytest.raises(AttributeError, match="no budget"):
        model.budget = 3


def test_a_model_without_preparation_leaves_bags_as_they_are() -> None:
    bags = Bags(torch.rand(1, 2), torch.tensor([[0, 0]]), (1,))
    assert create_model("tiny-cnn", classes=("a", "b")).preparation()(bags) is bags
