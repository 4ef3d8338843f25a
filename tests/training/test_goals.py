"""Goals: sums over batches of any length are the figures of one pass over all."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import f1_score
from torch.nn.utils.rnn import pad_sequence

from saccade.core.contract import PatchTargets
from saccade.core.results import Cost, Prediction, Sites, SurvivalPrediction
from saccade.core.results import Segmentation as Segmented
from saccade.datasets.slides import open_slide_data
from saccade.models.parts.patch_loss import patch_losses
from saccade.training.goals import Classification, Goal, Segmentation, Survival, Validation, balancing_weights, goal_of
from tests.miniature_slides import make_bags
from tests.training.miniature_cells import make_cells

DICE = torch.Generator().manual_seed(0)


def cost(slides: int) -> Cost:
    return Cost(*(torch.ones(slides) for _ in range(5)))


def sites(slides: int) -> Sites:
    return Sites(torch.zeros(slides, 1, 4), torch.ones(slides, 1), torch.ones(slides, 1, dtype=torch.bool))


def summed(goal: Goal, predictions: list, labels: list[torch.Tensor]) -> Validation:
    sums: dict[str, torch.Tensor] = {}
    for prediction, own in zip(predictions, labels, strict=True):
        for name, value in goal.counts(prediction, own).items():
            sums[name] = sums.get(name, torch.zeros_like(value)) + value
    return goal.found(sums)


def test_balancing_weights() -> None:
    counts = [10, 30, 0, 60]
    weights = balancing_weights(counts)
    assert weights[2] == 0
    assert sum(weight * count for weight, count in zip(weights.tolist(), counts, strict=True)) == pytest.approx(100)
    assert weights[0] * 10 == pytest.approx(weights[3] * 60)


@pytest.mark.parametrize("cuts", [(7,), (1, 6), (3, 2, 2)])
def test_classification(cuts: tuple[int, ...]) -> None:
    logits, labels = torch.randn(7, 3, generator=DICE), torch.tensor([0, 1, 1, 0, 1, 1, 1])
    goal = Classification(torch.tensor([2.0, 0.5, 1.0]), weigh=True)
    parts = [Prediction(own, sites(len(own)), cost(len(own))) for own in logits.split(cuts)]
    found = summed(goal, parts, list(labels.split(cuts)))
    right = logits.argmax(1) == labels
    assert found.loss == pytest.approx(float(F.cross_entropy(logits, labels, goal.balance)), rel=1e-5)
    assert found.accuracy == pytest.approx(float(right.float().mean()))
    assert found.recalls[:2] == pytest.approx([float(right[labels == c].float().mean()) for c in range(2)])
    assert math.isnan(found.recalls[2])
    assert goal.targets(labels).class_weights is goal.balance
    assert Classification(goal.balance, weigh=False).targets(labels).class_weights is None


@pytest.mark.parametrize("cuts", [(5,), (1, 4), (2, 2, 1)])
def test_survival(cuts: tuple[int, ...]) -> None:
    """Against the likelihood written out slide by slide."""
    logits, bins = torch.randn(5, 3, generator=DICE), torch.tensor([0, 2, 1, 2, 0])
    events = torch.tensor([1, 0, 1, 1, 0])
    hazards = logits.double().sigmoid()
    terms = []
    for hazard, number, event in zip(hazards, bins.tolist(), events.tolist(), strict=True):
        before = math.prod(float(1 - each) for each in hazard[:number])
        terms.append(-math.log(before * float(hazard[number] if event else 1 - hazard[number])))
    parts = [SurvivalPrediction(own, sites(len(own)), cost(len(own))) for own in logits.split(cuts)]
    found = summed(Survival(), parts, list(torch.stack([bins, events], 1).split(cuts)))
    assert found.loss == pytest.approx(sum(terms) / 5, rel=1e-5)
    assert math.isnan(found.accuracy) and found.recalls == ()


@pytest.mark.parametrize("cuts", [(4,), (1, 3), (2, 1, 1)])
def test_segmentation(cuts: tuple[int, ...]) -> None:
    """Slides of three, none, two and four patches; of the last nobody said anything."""
    lengths, labels = (3, 0, 2, 4), torch.tensor([0, 1, 1, 2, -1, -1, -1, -1, -1])
    logits, goal = torch.randn(9, 3, generator=DICE), Segmentation(("a", "b", "c"), torch.tensor([1.0, 2.0, 0.5]))
    predictions, truths, slide = [], [], 0
    for count in cuts:
        first, own = sum(lengths[:slide]), lengths[slide : slide + count]
        rows = slice(first, first + sum(own))
        padded = pad_sequence(list(logits[rows].split(own)), batch_first=True)
        valid = torch.arange(padded.shape[1]) < torch.tensor(own)[:, None]
        where = Sites(torch.zeros(*valid.shape, 4), torch.zeros(valid.shape), valid)
        predictions.append(Segmented(padded, where, cost(count)))
        truths.append(labels[rows])
        slide += count
    found = summed(goal, predictions, truths)
    expected = [
        sum(patch_losses(logits[rows], PatchTargets(labels[rows], goal.balance), (rows.stop - rows.start,)).values())
        for rows in (slice(0, 3), slice(3, 5))
    ]
    assert found.loss == pytest.approx(float(sum(expected)) / 2, rel=1e-5)
    known, guess = labels[labels >= 0], logits[labels >= 0].argmax(1)
    assert found.accuracy == pytest.approx(float((known == guess).float().mean()))
    dice = f1_score(known, guess, average=None, labels=[0, 1, 2], zero_division=np.nan)
    assert found.further["val_dice"] == pytest.approx(np.nanmean(dice[1:]))
    assert found.recalls == pytest.approx([float((guess == c)[known == c].float().mean()) for c in range(3)])


@pytest.mark.parametrize(
    ("words", "weigh", "balance"),
    [("none", False, [1, 1, 1]), ("inverse", True, [2, 1, 2 / 3]), ("sampler", False, [2, 1, 2 / 3])],
)
def test_classes_are_weighed_by_the_training_part(words: str, weigh: bool, balance: list[float]) -> None:
    data = make_cells({"train": 3, "val": 2, "test": 1})
    places = {"blue": 1, "green": 2, "red": 3}
    data = data.take(
        [i for i, row in enumerate(data.rows) if row.split != "train" or int(row.name[-5]) < places[row.label]]
    )
    goal = goal_of(data, words)
    assert isinstance(goal, Classification)
    assert goal.balance.tolist() == pytest.approx(balance) and goal.weigh == weigh
    assert not goal.state_dict(), "weights of classes are no part of a checkpoint"


def test_what_is_counted_goes_by_its_name(tmp_path: Path) -> None:
    cells = make_cells({"train": 3, "val": 2, "test": 1})
    slides = open_slide_data(make_bags(tmp_path), tmp_path / "job")
    assert (goal_of(cells, "none").noun, goal_of(slides, "none").noun) == ("image", "slide")
