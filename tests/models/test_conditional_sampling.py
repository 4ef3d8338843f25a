"""Conditional sampling as a whole."""

import pytest
import torch

from saccade.core.contract import ClassTargets
from saccade.core.errors import BadInput
from saccade.imaging.stack import Stack
from saccade.models.conditional_sampling import ConditionalSampling, conditional_sampling, returns

CLASSES = ("a", "b", "c")
IMAGES = torch.randn(3, 3, 40, 48, generator=torch.Generator().manual_seed(0))
TARGETS = ClassTargets(torch.tensor([0, 1, 2]))


def build(**options: object) -> ConditionalSampling:
    torch.manual_seed(0)
    return conditional_sampling(CLASSES, budget=3, patch=12, factor=4, **options)


def test_the_answer_is_the_mean_of_what_was_read() -> None:
    model = build().eval()
    prediction = model(IMAGES)
    patches = Stack(IMAGES).read(prediction.sites.boxes.long(), 12)
    features = model.read(patches.flatten(0, 1)).unflatten(0, (3, 3))
    assert torch.allclose(prediction.logits, 3.0 * model.classify(features.mean(1)), atol=1e-5)


def test_sets_of_an_image_are_read_from_that_image() -> None:
    """Sequences follow each other in the batch; each must meet the pixels of its own image."""
    model = build().train()
    images = Stack(IMAGES)
    seen = model._seen(images)
    index = torch.randint(0, 120, (6, 2))
    found = model._reading(images, seen, 2)(index)
    for row in range(6):
        alone = Stack(IMAGES[row // 2 : row // 2 + 1])
        wanted = model._reading(alone, model._seen(alone), 1)(index[row : row + 1])
        assert torch.allclose(found[row], wanted[0], atol=1e-5)


def test_the_prediction_of_the_losses_is_of_the_first_sequence() -> None:
    model = build(repeats=3).train()
    losses = model.losses(IMAGES, TARGETS)
    assert losses.prediction.logits.shape == (3, 3)
    assert losses.prediction.sites.boxes.shape == (3, 3, 4)
    assert losses.prediction.cost.reads.tolist() == [9.0] * 3  # all sequences are paid for
    assert set(losses.terms) == {"cross_entropy", "reinforce", "entropy"}


@pytest.mark.parametrize("judged", ["prediction", "increments"])
@pytest.mark.parametrize("repeats", [1, 2])
def test_every_parameter_learns(judged: str, repeats: int) -> None:
    model = build(judged=judged, repeats=repeats).train()
    model.losses(IMAGES, TARGETS).total.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    for part in (model.look, model.select, model.read, model.classify):
        assert any(float(p.grad.abs().sum()) > 0 for p in part.parameters())


def test_random_draws_can_be_asked_for_in_evaluation() -> None:
    model = build().eval()
    several = model.draws(IMAGES, 4)
    assert len({tuple(each.sites.boxes.flatten().tolist()) for each in several}) > 1


def test_returns() -> None:
    rewards = torch.tensor([[[0.4, 0.6, 0.9]]])
    assert returns(rewards, "prediction", 0.25)[0, 0].tolist() == pytest.approx([0.9, 0.9, 0.9])
    assert returns(rewards, "increments", 0.25)[0, 0].tolist() == pytest.approx([0.65, 0.5, 0.3])


def test_patches_must_leave_no_gaps() -> None:
    with pytest.raises(BadInput, match="gaps"):
        conditional_sampling(CLASSES, patch=5, factor=5)
