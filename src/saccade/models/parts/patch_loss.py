"""What a segmentation of patches is trained on: cross-entropy and soft Dice, slide by slide."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from saccade.core.contract import PatchTargets

DICE_SHARE = 0.75
"""As published; the rest is cross-entropy's."""

_SMOOTH = 1e-6  # as published


def soft_dice(probabilities: Float[Tensor, " patch"], truth: Float[Tensor, " patch"]) -> Float[Tensor, ""]:
    """``1 − 2 Σ p t / (Σ p + Σ t)`` of one class.

    >>> round(soft_dice(torch.tensor([1.0, 0.0]), torch.tensor([1.0, 1.0])).item(), 4)
    0.3333
    """
    both = (probabilities * truth).sum()
    return 1 - (2 * both + _SMOOTH) / (probabilities.sum() + truth.sum() + _SMOOTH)


def patch_losses(
    logits: Float[Tensor, "patch class"], targets: PatchTargets, lengths: tuple[int, ...]
) -> dict[str, Float[Tensor, ""]]:
    """0.25 cross-entropy + 0.75 soft Dice, mean over slides; patches that nobody labelled count nowhere.

    For two classes it is the published loss: with a first logit of 0 cross-entropy is the binary one, and Dice is that
    of the second class. For more, Dice is the mean over the slide's classes but the first, our choice. A slide that has
    none of them has cross-entropy alone, whole.

    Args:
        logits: Of each patch, slide by slide.
        targets: Its class.
        lengths: Patches of each slide.
    """
    entropies, dices = [], []
    for own, labels in zip(logits.split(lengths), targets.labels.split(lengths), strict=True):
        own, labels = own[labels >= 0], labels[labels >= 0]
        if not len(labels):
            continue
        entropy = F.cross_entropy(own, labels, weight=targets.class_weights)
        present = _present(labels)
        share = DICE_SHARE if present else 0.0
        chances = own.softmax(1)
        dice = [soft_dice(chances[:, each], (labels == each).to(chances)) for each in present]
        entropies.append((1 - share) * entropy)
        dices.append(share * torch.stack(dice).mean() if dice else 0 * entropy)
    if not entropies:
        entropies = dices = [0 * logits.sum()]
    return {"cross_entropy": torch.stack(entropies).mean(), "dice": torch.stack(dices).mean()}


def _present(labels: Int[Tensor, " patch"]) -> list[int]:
    """Classes but the first that a slide has."""
    return [each for each in labels.unique().tolist() if each > 0]
