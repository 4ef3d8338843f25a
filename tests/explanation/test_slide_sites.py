"""Shares, ranks and percentiles of a slide's patches."""

import numpy as np
import pytest
import torch

from saccade.core.errors import BadInput
from saccade.core.results import Sites
from saccade.explanation.slide_sites import SlideSites, slide_sites


def made(weights: list[float], evidence: list[float] | None = None) -> SlideSites:
    corners = 10.0 * np.arange(len(weights))
    boxes = np.stack([corners, corners, corners + 10, corners + 10], axis=1)
    return SlideSites(boxes, np.array(weights, float), np.array(evidence or [0.0] * len(weights), float))


def test_ranks_and_percentiles_against_counting() -> None:
    weights = np.random.default_rng(0).choice([0.1, 0.2, 0.3, 0.4], 50)
    sites = made((weights / weights.sum()).tolist())
    for patch, weight in enumerate(sites.weights):
        ahead = (sites.weights > weight).sum() + (sites.weights[:patch] == weight).sum()
        assert sites.ranks[patch] == ahead + 1
        assert sites.percentiles[patch] == pytest.approx(100 * np.mean(sites.weights <= weight))
    assert sites.order[sites.ranks - 1].tolist() == list(range(50))


def test_shares_and_loudness_are_one_where_all_are_alike() -> None:
    sites = made([0.25] * 4, [2.0, -2.0, 2.0, 2.0])
    assert sites.shares.tolist() == [1.0] * 4
    assert sites.loudness.tolist() == [1.0, -1.0, 1.0, 1.0]
    assert made([1.0], [0.0]).loudness.tolist() == [0.0]


@pytest.mark.parametrize(("weights", "half"), [([0.6, 0.4], 1), ([0.25] * 4, 2), ([0.1] * 10, 5), ([1.0], 1), ([], 0)])
def test_half_of_the_weight(weights: list[float], half: int) -> None:
    assert made(weights).half == half


def test_padding_is_left_out() -> None:
    boxes = torch.arange(12.0).view(1, 3, 4)
    sites = Sites(boxes, torch.tensor([[0.25, 0.75, 0.0]]), torch.tensor([[True, True, False]]))
    found = slide_sites(sites, torch.tensor([1.0, -1.0]))
    assert found.weights.tolist() == [0.25, 0.75] and found.boxes.tolist() == boxes[0, :2].tolist()
    with pytest.raises(BadInput, match="3 pieces of evidence were given for 2 patches"):
        slide_sites(sites, torch.zeros(3))
    with pytest.raises(BadInput, match="2 slides"):
        slide_sites(Sites.concatenate([sites, sites]), torch.zeros(4))
