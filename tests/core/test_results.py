"""Results: joined, cut and read without losing a row."""

import pytest
import torch

from saccade.core.results import Cost, Losses, Prediction, Segmentation, Sites, SurvivalPrediction


def prediction(images: int, sites: int) -> Prediction:
    weights = torch.rand(images, sites)
    return Prediction(
        torch.randn(images, 4),
        Sites(
            torch.rand(images, sites, 4),
            weights / weights.sum(1, keepdim=True),
            torch.ones(images, sites, dtype=torch.bool),
        ),
        Cost(*(torch.full((images,), float(i)) for i in (100, 50, 15, 100, sites))),
    )


def test_joining_then_cutting_gives_the_parts_back() -> None:
    first, second = prediction(2, 3), prediction(1, 3)
    joined = Prediction.concatenate([first, second])
    assert joined.logits[:2].equal(first.logits)
    assert joined[2].sites.boxes.equal(second.sites.boxes)
    assert joined[2].cost.reads.equal(second.cost.reads)
    assert joined[-1].logits.equal(second.logits)


def test_joining_ragged_sites_pads_and_says_so() -> None:
    joined = Prediction.concatenate([prediction(1, 2), prediction(1, 5)])
    assert joined.sites.valid.tolist() == [[True, True, False, False, False], [True] * 5]
    assert torch.allclose(joined.sites.weights.sum(1), torch.ones(2))


def test_fractions_are_of_the_total() -> None:
    cost = prediction(1, 3).cost
    assert cost.pixels_read_fraction.item() == 0.15000000596046448
    assert cost.pixels_looked_fraction.item() == 0.5


def test_the_trained_loss_is_the_sum_of_its_terms() -> None:
    losses = Losses({"a": torch.tensor(1.0), "b": torch.tensor(2.5)}, prediction(1, 1))
    assert losses.total.item() == 3.5


def test_probabilities_sum_to_one() -> None:
    assert torch.allclose(prediction(3, 1).probabilities.sum(1), torch.ones(3))


def test_a_prediction_without_a_site_is_marked_empty() -> None:
    assert Prediction.concatenate([prediction(1, 0), prediction(1, 2)]).empty.tolist() == [True, False]
    assert prediction(1, 0).empty.tolist() == [True]


def test_detaching_cuts_the_graph() -> None:
    made = prediction(1, 1)
    grown = Prediction(made.logits.requires_grad_(), made.sites, made.cost)
    assert not grown.detach().to("cpu").logits.requires_grad


def test_hazards_become_the_probabilities_of_all_that_can_happen() -> None:
    plain = prediction(5, 1)
    made = SurvivalPrediction(plain.logits.double(), plain.sites, plain.cost)
    hazards = torch.sigmoid(made.logits).tolist()
    for row, own in enumerate(hazards):
        alive, bins, survived = 1.0, [], []
        for hazard in own:
            bins.append(alive * hazard)
            alive *= 1 - hazard
            survived.append(alive)
        assert made.probabilities[row].tolist() == pytest.approx(bins)
        assert made.survival[row].tolist() == pytest.approx(survived)
        assert sum(bins) + alive == pytest.approx(1)
        assert float(made.risk[row]) == pytest.approx(-sum(survived))
    assert type(SurvivalPrediction.concatenate([made, made])) is SurvivalPrediction
    assert type(made[0].detach()) is SurvivalPrediction


def test_who_meets_the_event_earlier_has_the_higher_risk() -> None:
    plain = prediction(2, 1)
    logits = torch.tensor([[3.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 3.0]])
    early, late = SurvivalPrediction(logits, plain.sites, plain.cost).risk.tolist()
    assert early > late


def test_segmentations_are_joined_and_their_classes_stay_apart() -> None:
    parts = [
        Segmentation(torch.randn(1, sites, 3), prediction(1, sites).sites, prediction(1, sites).cost)
        for sites in (2, 5, 0)
    ]
    joined = Segmentation.concatenate(parts)
    assert joined.logits.shape == (3, 5, 3)
    assert joined.logits[0, :2].equal(parts[0].logits[0])
    assert joined.sites.valid.sum(1).tolist() == [2, 5, 0]
    assert joined.empty.tolist() == [False, False, True]
    assert torch.allclose(joined.probabilities.sum(-1), torch.ones(3, 5))
    assert Losses({"a": torch.tensor(2.0)}, joined).total.item() == 2
