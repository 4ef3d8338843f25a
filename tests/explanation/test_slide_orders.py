"""Orders of patches are permutations with the right one in front."""

import pytest
import torch

from saccade.core.bags import Bags
from saccade.explanation.slide_orders import (
    BAG_ORDERS,
    BagOrder,
    ByEvidence,
    HeaviestPatches,
    LargestFeatures,
    LightestPatches,
    RandomOrder,
)

FEATURES = torch.tensor([[3.0, 4], [0, 1], [6, 8], [2, 0]])
BAGS = Bags(FEATURES, torch.tensor([[0, 0], [1, 0], [2, 0], [3, 0]]), (4,))
WEIGHTS = torch.tensor([0.1, 0.4, 0.2, 0.3])


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (HeaviestPatches(), [1, 3, 2, 0]),
        (LightestPatches(), [0, 2, 3, 1]),
        (LargestFeatures(), [2, 0, 3, 1]),
        (ByEvidence(torch.tensor([-1.0, 0.5, 2.0, -3.0])), [2, 1, 0, 3]),
    ],
)
def test_the_most_important_first(order: BagOrder, expected: list[int]) -> None:
    assert order(BAGS, WEIGHTS).tolist() == expected


def test_ties_are_broken_at_random_and_the_same_every_time() -> None:
    weights = torch.full((50,), 0.02)
    bags = Bags(torch.ones(50, 2), torch.stack([torch.arange(50), torch.zeros(50, dtype=torch.long)], 1), (50,))
    orders = [order for each in BAG_ORDERS.values() for order in each]
    for order in orders:
        found = order(bags, weights)
        assert sorted(found.tolist()) == list(range(50)) and found.tolist() != list(range(50))
        assert found.equal(order(bags, weights))
    assert not RandomOrder(0)(bags, weights).equal(RandomOrder(1)(bags, weights))
    assert HeaviestPatches()(bags, weights).flip(0).equal(LightestPatches()(bags, weights))
