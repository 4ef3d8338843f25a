"""Bags as models of slides open them, and their patches as sites."""

import pytest
import torch

from saccade.core.bags import Bags
from saccade.core.errors import BadInput
from saccade.models.parts.slide_bags import bag_sites, opened_bags

CELLS = torch.tensor([[0, 0], [3, 1], [5, 5]])


def test_bags_of_the_models_width_are_themselves() -> None:
    bags = Bags(torch.rand(3, 8), CELLS, (2, 1))
    assert opened_bags(bags, 8) is bags


def test_images_and_another_encoders_features_are_refused() -> None:
    with pytest.raises(BadInput, match="wants bags, not Tensor"):
        opened_bags(torch.zeros(1, 3, 4, 4), 8)
    with pytest.raises(BadInput, match="features of 8 numbers were given to a model of 9"):
        opened_bags(Bags(torch.rand(3, 8), CELLS, (2, 1)), 9)


def test_sites_are_the_patches_of_each_slide_and_an_empty_one_has_none() -> None:
    bags = Bags(torch.rand(3, 8), CELLS, (2, 0, 1))
    sites = bag_sites(bags, torch.tensor([0.25, 0.75, 1.0]))
    assert sites.valid.tolist() == [[True, True], [False, False], [True, False]]
    assert sites.boxes[sites.valid].equal(bags.boxes)
    assert sites.weights.tolist() == [[0.25, 0.75], [0, 0], [1, 0]]
