"""Cross-entropy and soft Dice, by loops over patches."""

import math

import pytest
import torch

from saccade.core.contract import PatchTargets
from saccade.models.parts.patch_loss import patch_losses, soft_dice


def test_dice_is_what_is_shared_over_what_there_is() -> None:
    assert float(soft_dice(torch.tensor([1.0, 0.0, 1.0]), torch.tensor([1.0, 0.0, 1.0]))) == pytest.approx(0, abs=1e-6)
    assert float(soft_dice(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]))) == pytest.approx(1, abs=1e-6)
    assert float(soft_dice(torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.0]))) == pytest.approx(0.5, abs=1e-6)


def published(logits: list[float], labels: list[int]) -> tuple[float, float]:
    """Binary cross-entropy and Dice of one slide, weighted; cross-entropy alone where no patch is positive."""
    chances = [1 / (1 + math.exp(-each)) for each in logits]
    entropy = -sum(math.log(p if t else 1 - p) for p, t in zip(chances, labels, strict=True)) / len(labels)
    if not any(labels):
        return entropy, 0.0
    shared = sum(p * t for p, t in zip(chances, labels, strict=True))
    dice = 1 - (2 * shared + 1e-6) / (sum(chances) + sum(labels) + 1e-6)
    return 0.25 * entropy, 0.75 * dice


def test_for_two_classes_it_is_the_published_loss_mean_over_slides() -> None:
    logits = torch.randn(9, dtype=torch.float64)
    labels = torch.tensor([0, 1, 1, 0, 0, 0, 0, 1, 0])
    lengths = (4, 0, 3, 2)  # the third slide has no positive patch
    two = torch.stack([torch.zeros_like(logits), logits], dim=1)
    terms = patch_losses(two, PatchTargets(labels), lengths)
    slides = [(0, 4), (4, 7), (7, 9)]
    wanted = [published(logits[a:b].tolist(), labels[a:b].tolist()) for a, b in slides]
    assert float(terms["cross_entropy"]) == pytest.approx(sum(each[0] for each in wanted) / 3)
    assert float(terms["dice"]) == pytest.approx(sum(each[1] for each in wanted) / 3)


def test_unlabelled_patches_count_nowhere() -> None:
    logits, labels = torch.randn(6, 3), torch.tensor([0, -1, 2, -1, 1, -1])
    known = labels >= 0
    terms = patch_losses(logits, PatchTargets(labels), (4, 2))
    same = patch_losses(logits[known], PatchTargets(labels[known]), (2, 1))
    assert all(torch.allclose(terms[name], same[name]) for name in terms)
    other = logits.clone()
    other[~known] = 100.0
    again = patch_losses(other, PatchTargets(labels), (4, 2))
    assert all(torch.allclose(terms[name], again[name]) for name in terms)


def test_for_more_classes_dice_is_the_mean_over_those_that_are_there() -> None:
    logits, labels = torch.randn(5, 4), torch.tensor([0, 1, 1, 3, 0])
    chances = logits.softmax(1)
    wanted = [soft_dice(chances[:, each], (labels == each).float()) for each in (1, 3)]
    terms = patch_losses(logits, PatchTargets(labels), (5,))
    assert torch.allclose(terms["dice"], 0.75 * torch.stack(wanted).mean())
    assert torch.allclose(terms["cross_entropy"], 0.25 * torch.nn.functional.cross_entropy(logits, labels))


def test_class_weights_are_those_of_the_cross_entropy() -> None:
    logits, labels, weights = torch.randn(5, 2), torch.tensor([0, 1, 1, 0, 0]), torch.tensor([1.0, 9.0])
    plain, weighted = (patch_losses(logits, PatchTargets(labels, each), (5,)) for each in (None, weights))
    wanted = 0.25 * torch.nn.functional.cross_entropy(logits, labels, weight=weights)
    assert torch.allclose(weighted["cross_entropy"], wanted)
    assert weighted["dice"].equal(plain["dice"])


def test_without_a_label_there_is_nothing_to_learn() -> None:
    logits = torch.randn(3, 2, requires_grad=True)
    terms = patch_losses(logits, PatchTargets(torch.full((3,), -1)), (3,))
    sum(terms.values()).backward()
    assert logits.grad is not None
    assert logits.grad.abs().sum() == 0
