"""Pointing by enumeration, pixel by pixel."""

import itertools

import pytest
import torch

from saccade.core.errors import BadInput
from saccade.core.results import Sites
from saccade.explanation.pointing import pointing


def test_every_mask_of_a_small_image_by_enumeration() -> None:
    weights = [0.5, 0.3, 0.2]
    pixels = [(0, 0), (1, 0), (1, 1)]  # x, y
    boxes = torch.tensor([[[x, y, x + 1, y + 1] for x, y in pixels]]).float()
    sites = Sites(boxes, torch.tensor([weights]), torch.ones(1, 3, dtype=torch.bool))
    for bits in itertools.product([False, True], repeat=4):
        mask = torch.tensor(bits).view(1, 2, 2)
        measured = pointing(sites, mask)
        inside = [bool(mask[0, y, x]) for x, y in pixels]
        assert measured.weight.item() == pytest.approx(sum(w for w, i in zip(weights, inside, strict=True) if i))
        assert measured.read.item() == pytest.approx(sum(inside) / 3)
        assert measured.area.item() == pytest.approx(sum(bits) / 4)
        assert measured.hit.item() == inside[0]


def test_a_box_partly_inside_counts_by_area() -> None:
    boxes = torch.tensor([[[0.0, 0.0, 2.0, 1.0], [2.25, 0.0, 3.25, 1.0]]])
    sites = Sites(boxes, torch.tensor([[0.8, 0.2]]), torch.ones(1, 2, dtype=torch.bool))
    mask = torch.tensor([[[False, True, True, False]]])
    measured = pointing(sites, mask)
    assert measured.weight.item() == pytest.approx(0.8 / 2 + 0.2 * 0.75)
    assert measured.read.item() == pytest.approx((1 + 0.75) / 3)
    assert measured.hit.item()  # the centre of the heavier box, (1, 0.5), lies in pixel 1


def test_a_uniform_choice_gives_the_share_of_the_area() -> None:
    index = torch.arange(36)
    boxes = torch.stack([index % 6, index // 6, index % 6 + 1, index // 6 + 1], dim=1).float()[None]
    sites = Sites(boxes, torch.full((1, 36), 1 / 36), torch.ones(1, 36, dtype=torch.bool))
    mask = torch.rand(1, 6, 6) < 0.3
    measured = pointing(sites, mask)
    assert measured.weight.item() == pytest.approx(measured.area.item(), abs=1e-6)


def test_padding_does_not_point() -> None:
    boxes = torch.tensor([[[0.0, 0, 1, 1], [1, 0, 2, 1]]])
    sites = Sites(boxes, torch.tensor([[1.0, 5.0]]), torch.tensor([[True, False]]))
    measured = pointing(sites, torch.tensor([[[True, False]]]))
    assert measured.weight.item() == 1 and measured.hit.item()


def test_one_mask_for_each_image() -> None:
    sites = Sites(torch.zeros(2, 1, 4), torch.ones(2, 1), torch.ones(2, 1, dtype=torch.bool))
    with pytest.raises(BadInput, match="1 masks were given for 2 images"):
        pointing(sites, torch.zeros(1, 4, 4, dtype=torch.bool))
