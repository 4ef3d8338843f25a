"""Curves of slides against the closed form, and how often the model is asked."""

import numpy as np
import pytest
import torch

from saccade.core.bags import Bags
from saccade.core.errors import BadInput
from saccade.explanation.slide_faithfulness import packed, slide_faithfulness, step_counts
from saccade.explanation.slide_orders import BAG_ORDERS, HeaviestPatches, RandomOrder
from saccade.models.span import span
from tests.explanation.bag_models import LinearMean, linear_mean, slide


def probability(model: LinearMean, features: torch.Tensor, target: int) -> float:
    mean = features.sum(0) / max(1, len(features))
    return float((model.head @ mean).softmax(0)[target].detach())


def test_curves_are_those_of_the_closed_form() -> None:
    model, bags = linear_mean(3), slide(30)
    measured = slide_faithfulness(model, bags, steps=6)
    target = int((model.head @ bags.features.mean(0)).argmax())
    weights = bags.features[:, 0].softmax(0)
    order = weights.argsort(descending=True)
    curve = measured.curves["heaviest first"]
    counts = step_counts(30, 6)
    np.testing.assert_allclose(curve.fractions, counts / 30)
    deleted = [probability(model, bags.features[order[count:]], target) for count in counts]
    inserted = [probability(model, bags.features[order[:count]], target) for count in counts]
    np.testing.assert_allclose(curve.deletion[0], deleted, rtol=1e-12)
    np.testing.assert_allclose(curve.insertion[0], inserted, rtol=1e-12)
    assert (measured.unit, len(measured.curves)) == ("patches", 4)


def test_another_class_is_followed() -> None:
    model, bags = linear_mean(2), slide(12)
    one, other = (slide_faithfulness(model, bags, target=target).curves["random patches"] for target in (0, 1))
    np.testing.assert_allclose(one.deletion + other.deletion, 1.0)


def test_the_lightest_first_is_the_heaviest_backwards() -> None:
    measured = slide_faithfulness(linear_mean(), slide(101), steps=8)
    heavy, light = measured.curves["heaviest first"], measured.curves["lightest first"]
    np.testing.assert_allclose(heavy.deletion, light.insertion[:, ::-1])
    np.testing.assert_allclose(heavy.insertion, light.deletion[:, ::-1])


def test_several_orders_of_a_name_are_averaged() -> None:
    model, bags = linear_mean(), slide(40)
    orders = {"both": [RandomOrder(0), RandomOrder(1)], "one": [RandomOrder(0)], "other": [RandomOrder(1)]}
    curves = slide_faithfulness(model, bags, orders=orders).curves
    np.testing.assert_allclose(curves["both"].deletion, (curves["one"].deletion + curves["other"].deletion) / 2)


def test_asked_together_or_one_at_a_time_it_is_the_same() -> None:
    model = span(("a", "b"), in_features=16, width=16).double().eval()
    bags = slide(24, dim=16, side=5)
    together = slide_faithfulness(model, bags, steps=4)
    alone = slide_faithfulness(model, bags, steps=4, at_once=1, passes=100)
    for name, curve in together.curves.items():
        np.testing.assert_allclose(curve.deletion, alone.curves[name].deletion, atol=1e-10)
        np.testing.assert_allclose(curve.insertion, alone.curves[name].insertion, atol=1e-10)


def test_small_slides_take_two_passes_and_no_part_is_asked_about_twice() -> None:
    model = linear_mean()
    slide_faithfulness(model, slide(60))
    assert len(model.asked) == 2
    pairs = 2 * (len(step_counts(60, 20)) - 2)  # what is left and what was put back
    assert len(model.asked[1]) == 3 * pairs + 1, "heaviest and lightest share all, and all orders the empty slide"


@pytest.mark.parametrize("passes", [24, 12, 6])
def test_large_slides_keep_to_their_passes_and_their_memory(passes: int) -> None:
    model, bags = linear_mean(), slide(2000, side=50)
    measured = slide_faithfulness(model, bags, passes=passes, at_once=100)
    assert len(model.asked) <= passes
    assert all(sum(lengths) <= 2000 for lengths in model.asked)
    steps = len(measured.curves["heaviest first"].fractions) - 1
    assert steps >= {24: 7, 12: 3, 6: 1}[passes]


@pytest.mark.parametrize("patches", [1, 2, 3])
def test_slides_of_few_patches(patches: int) -> None:
    model = span(("a", "b"), in_features=16, width=16).double().eval()
    curve = slide_faithfulness(model, slide(patches, dim=16)).curves["heaviest first"]
    np.testing.assert_allclose(curve.fractions, np.arange(patches + 1) / patches)
    assert np.isfinite(curve.deletion).all() and curve.deletion[0, 0] == pytest.approx(curve.insertion[0, -1])


@pytest.mark.parametrize("patches", [1, 5, 20, 21, 999, 1000])
@pytest.mark.parametrize("steps", [1, 2, 7, 20])
def test_steps_are_the_same_from_either_end(patches: int, steps: int) -> None:
    counts = step_counts(patches, steps)
    assert counts[0] == 0 and counts[-1] == patches and (np.diff(counts) > 0).all()
    np.testing.assert_array_equal(counts, (patches - counts)[::-1])
    assert len(counts) <= max(steps, min(patches, steps)) + 2


def test_packing_loses_nothing_and_overfills_nothing() -> None:
    sizes = np.random.default_rng(0).integers(0, 50, 80).tolist()
    calls = packed(sizes, most=60)
    assert sorted(part for call in calls for part in call) == list(range(80))
    assert all(sum(sizes[part] for part in call) <= 60 for call in calls)
    assert len(calls) <= 2 * np.ceil(sum(sizes) / 60)


def test_refused() -> None:
    with pytest.raises(BadInput, match="no patches"):
        slide_faithfulness(linear_mean(), slide(0))
    with pytest.raises(BadInput, match="2 slides"):
        slide_faithfulness(linear_mean(), Bags.concatenate([slide(2), slide(2)]))
    with pytest.raises(BadInput, match="training mode"):
        slide_faithfulness(linear_mean().train(), slide(2))
    with pytest.raises(BadInput, match="1 passes are too few"):
        slide_faithfulness(linear_mean(), slide(9), orders={"a": [HeaviestPatches()]}, passes=1)


def test_the_models_own_order_leads() -> None:
    assert next(iter(BAG_ORDERS)) == "heaviest first"
