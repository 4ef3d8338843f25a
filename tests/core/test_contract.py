"""The contract itself: targets, and what a model without a budget says."""

import pytest
import torch

from saccade.core.bags import Bags
from saccade.core.contract import ClassTargets, PatchTargets, SparseSegmenter, SurvivalTargets
from saccade.core.results import Losses, Segmentation
from saccade.models import create_model


def test_class_weights_scale_each_image_by_its_class() -> None:
    logits, labels = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 1])
    weights = torch.tensor([3.0, 1.0])
    each = -logits.log_softmax(1)[torch.arange(2), labels]
    assert torch.allclose(ClassTargets(labels, weights).cross_entropy(logits), (each * weights[labels]).mean())
    alone = [ClassTargets(labels[i : i + 1], weights).cross_entropy(logits[i : i + 1]) for i in range(2)]
    together = ClassTargets(labels, weights).cross_entropy(logits)
    assert torch.allclose(torch.stack(alone).mean(), together), "a batch of one is weighted as any other"


def test_a_model_without_budget_says_so() -> None:
    model = create_model("tiny-cnn", classes=("a", "b"))
    assert model.budget is None
    with pytest.raises(AttributeError, match="no budget"):
        model.budget = 3


def test_a_model_without_preparation_leaves_bags_as_they_are() -> None:
    bags = Bags(torch.rand(1, 2), torch.tensor([[0, 0]]), (1,))
    assert create_model("tiny-cnn", classes=("a", "b")).preparation()(bags) is bags


def test_survival_is_the_likelihood_of_what_was_seen() -> None:
    logits = torch.randn(8, 4, dtype=torch.float64, requires_grad=True)
    bins, events = torch.tensor([0, 1, 2, 3] * 2), torch.tensor([True] * 4 + [False] * 4)
    wanted = []
    for row, number, event in zip(logits.sigmoid(), bins.tolist(), events.tolist(), strict=True):
        likelihood = row.new_ones(())
        for hazard in row[:number]:
            likelihood = likelihood * (1 - hazard)
        wanted.append(-(likelihood * (row[number] if event else 1 - row[number])).log())
    loss = SurvivalTargets(bins, events).nll(logits)
    assert torch.allclose(loss, torch.stack(wanted).mean(), atol=1e-12)
    (ours,), (theirs,) = (torch.autograd.grad(each, logits) for each in (loss, torch.stack(wanted).mean()))
    assert torch.allclose(ours, theirs, atol=1e-12)
    assert torch.autograd.gradcheck(SurvivalTargets(bins, events).nll, (logits,))


def test_the_likelihoods_of_all_that_can_happen_sum_to_one() -> None:
    logits = torch.randn(1, 5, dtype=torch.float64)
    outcomes = [(number, True) for number in range(5)] + [(4, False)]
    each = [SurvivalTargets(torch.tensor([number]), torch.tensor([event])).nll(logits) for number, event in outcomes]
    assert float(torch.stack(each).neg().exp().sum()) == pytest.approx(1, abs=1e-12)


def test_sure_hazards_keep_the_loss_finite() -> None:
    loss = SurvivalTargets(torch.tensor([2, 0]), torch.tensor([True, False])).nll(torch.full((2, 3), 200.0))
    assert loss.isfinite()


def test_a_segmenter_needs_no_preparation_unless_it_says_so() -> None:
    class Plain(SparseSegmenter):
        def forward(self, images: object) -> Segmentation:
            raise NotImplementedError

        def losses(self, images: object, targets: PatchTargets) -> Losses[Segmentation]:
            raise NotImplementedError

    bags = Bags(torch.rand(1, 4), torch.zeros(1, 2, dtype=torch.long), (1,))
    assert Plain().preparation()(bags) is bags
