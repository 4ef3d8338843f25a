"""Orders are permutations, and put first what they say."""

import pytest
import torch

from saccade.core.results import Sites
from saccade.explanation.orders import STANDARD_ORDERS, AtRandom, ByIntensity, ByWeight, Order, ShuffledSites, ranks
from saccade.ops.positions import site_boxes

INDEX = torch.tensor([[7, 2, 12], [0, 19, 5]])
WEIGHTS = torch.tensor([[0.2, 0.5, 0.3], [0.0, 0.9, 0.1]])
SITES = Sites(site_boxes(INDEX, 1, 4, 5), WEIGHTS, torch.ones(2, 3, dtype=torch.bool))
IMAGES = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(1))
ORDERS = [order for several in STANDARD_ORDERS.values() for order in several]


@pytest.mark.parametrize("order", ORDERS, ids=repr)
def test_every_order_is_a_permutation_and_repeats(order: Order) -> None:
    first = order(IMAGES, SITES)
    assert first.sort(1).values.tolist() == [list(range(20))] * 2
    assert torch.equal(first, order(IMAGES, SITES))


def test_by_weight_has_the_heaviest_first_and_a_site_without_weight_before_pixels_not_read() -> None:
    order = ByWeight()(IMAGES, SITES)
    assert order[:, :3].tolist() == [[2, 12, 7], [19, 5, 0]]


def test_shuffled_sites_come_before_pixels_not_read_in_another_order_for_another_seed() -> None:
    seen = set()
    for seed in range(20):
        first = ShuffledSites(seed)(IMAGES, SITES)[:, :3]
        assert torch.equal(first.sort(1).values, INDEX.sort(1).values)
        seen.add(tuple(first[0].tolist()))
    assert len(seen) > 3


def test_by_intensity_follows_the_mean_of_the_channels() -> None:
    darkest = ByIntensity()(IMAGES, SITES)
    assert torch.equal(darkest, IMAGES.mean(1).flatten(1).argsort(1))
    assert torch.equal(ByIntensity(brightest=True)(IMAGES, SITES), darkest.flip(1))


def test_random_orders_differ_between_images_and_seeds() -> None:
    order = AtRandom(0)(IMAGES, SITES)
    assert not torch.equal(order[0], order[1])
    assert not torch.equal(order, AtRandom(1)(IMAGES, SITES))


def test_the_whole_image_as_one_site_is_ordered_at_random() -> None:
    whole = Sites(torch.tensor([[[0.0, 0, 5, 4]]]), torch.ones(1, 1), torch.ones(1, 1, dtype=torch.bool))
    assert torch.equal(ByWeight(3)(IMAGES[:1], whole), AtRandom(3)(IMAGES[:1], whole))


def test_ranks_undo_an_order() -> None:
    order = torch.stack([torch.randperm(30) for _ in range(4)])
    assert torch.equal(order.gather(1, ranks(order)), torch.arange(30).expand(4, -1))
