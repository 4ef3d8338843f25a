"""Signed evidence against what really happens when a patch is moved or taken away."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from saccade.core.bags import Bags
from saccade.core.contract import SparseClassifier
from saccade.core.errors import BadInput
from saccade.explanation.signed_evidence import EIGHT_PLACES, FIRST_ORDER, signed_evidence
from saccade.models.span import span
from tests.explanation.bag_models import Deaf, linear_mean, slide


def log_odds(model: SparseClassifier, bags: Bags, target: int) -> float:
    with torch.no_grad():
        probability = model(bags).probabilities[0, target]
    return float(probability.log() - (1 - probability).log())


def moved(bags: Bags, patch: int, share: float) -> Bags:
    """The slide with a patch moved towards the mean feature."""
    features = bags.features.clone()
    features[patch] += share * (features.mean(0) - features[patch])
    return replace(bags, features=features)


def without(bags: Bags, patch: int) -> Bags:
    kept = torch.arange(len(bags.features)) != patch
    return Bags(bags.features[kept], bags.cells[kept], (int(kept.sum()),), bags.boxes[kept])


@pytest.mark.parametrize("places", [FIRST_ORDER, EIGHT_PLACES, (0.0, 0.3)])
def test_exact_under_a_linear_mean(places: tuple[float, ...]) -> None:
    model, bags = linear_mean(), slide(7)
    found = signed_evidence(model, bags, places=places)
    whole = log_odds(model, bags, found.target)
    assert found.log_odds == pytest.approx(whole)
    for patch, value in enumerate(found.values.tolist()):
        assert value == pytest.approx(whole - log_odds(model, moved(bags, patch, 1.0), found.target))
        assert value == pytest.approx((whole - log_odds(model, without(bags, patch), found.target)) * 6 / 7)
    assert found.pro + found.contra == pytest.approx(0.0, abs=1e-12)
    assert found.pro == pytest.approx(sum(value for value in found.values.tolist() if value > 0))


def test_first_order_is_the_slope_of_spans_log_odds() -> None:
    model = span(("a", "b", "c"), in_features=16, width=16).double().eval()
    bags = slide(9, dim=16, side=4)
    found = signed_evidence(model, bags, target=1, places=FIRST_ORDER)
    step = 1e-5
    for patch in range(9):
        fall = log_odds(model, moved(bags, patch, -step), 1) - log_odds(model, moved(bags, patch, step), 1)
        assert float(found.values[patch]) == pytest.approx(fall / (2 * step), rel=1e-4, abs=1e-8)


def test_many_places_add_up_to_what_lies_beyond_the_mean_slide() -> None:
    torch.manual_seed(3)
    model = span(("a", "b", "c"), in_features=16, width=16).double().eval()
    bags = slide(9, dim=16, side=4)
    bags = replace(bags, features=4 * bags.features)
    mean = replace(bags, features=bags.features.mean(0).expand_as(bags.features))
    places = tuple((place + 0.5) / 40 for place in range(40))
    found = signed_evidence(model, bags, target=2, places=places)
    gap = log_odds(model, bags, 2) - log_odds(model, mean, 2)
    first = signed_evidence(model, bags, target=2, places=FIRST_ORDER)
    assert abs(gap) > 0.01
    assert abs(float(found.values.sum()) - gap) < 0.02 * abs(gap)
    assert abs(float(first.values.sum()) - gap) > 0.2 * abs(gap), "one place is not enough"


def test_the_other_of_two_classes_has_the_opposite() -> None:
    model, bags = span(("a", "b"), in_features=16, width=16).double().eval(), slide(5, dim=16)
    one, other = (signed_evidence(model, bags, target) for target in (0, 1))
    torch.testing.assert_close(one.values, -other.values)
    predicted = int(model(bags).logits[0].argmax())
    assert signed_evidence(model, bags).target == predicted


def test_nothing_is_left_behind() -> None:
    model, bags = linear_mean(), slide(4)
    with torch.no_grad():
        found = signed_evidence(model, bags)
    assert not found.values.requires_grad and not bags.features.requires_grad
    assert model.head.grad is None


def test_a_slide_of_one_patch_and_of_none() -> None:
    model = linear_mean()
    assert signed_evidence(model, slide(1)).values.tolist() == [0.0]
    empty = signed_evidence(model, slide(0))
    assert empty.values.shape == (0,) and empty.pro == empty.contra == 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda model, bags: (model.train(), bags, 0, FIRST_ORDER), "training mode"),
        (lambda model, bags: (model, Bags.concatenate([bags, bags]), 0, FIRST_ORDER), "2 slides were given as one"),
        (lambda model, bags: (model, bags, 2, FIRST_ORDER), "no class 2"),
        (lambda model, bags: (model, bags, -1, FIRST_ORDER), "no class -1"),
        (lambda model, bags: (model, bags, 0, ()), "at no place"),
        (lambda model, bags: (Deaf(model.head.detach()).eval(), bags, 0, FIRST_ORDER), "no gradient"),
    ],
)
def test_refused(change: object, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        signed_evidence(*change(linear_mean(), slide(3)))  # type: ignore[operator]


def test_the_sign_is_that_of_the_class_spoken_for() -> None:
    """A patch of pure class b speaks for b, and those that lack it against: the mean slide has some of it."""
    model = linear_mean()
    features: Tensor = torch.zeros(4, 5, dtype=torch.float64)
    features[2] = (model.head[1] - model.head[0]).detach()
    found = signed_evidence(model, replace(slide(4), features=features), target=1)
    assert found.values[2] > 0 and (found.values[[0, 1, 3]] < 0).all()
