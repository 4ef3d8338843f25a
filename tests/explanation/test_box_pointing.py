"""Pointing at boxes against brute force: every site, every cell, every pixel."""

import math
from dataclasses import fields

import numpy as np
import pytest
import torch

from saccade.core.errors import BadInput
from saccade.core.results import Sites
from saccade.explanation.box_pointing import BoxPointing, box_pointing, covered_share, points_inside
from saccade.explanation.field_maps import FieldMap

HEIGHT, WIDTH, FACTOR = 37, 53, 5


def random_case(seed: int) -> tuple[Sites, torch.Tensor, FieldMap]:
    """Sites with padding and repeated places, boxes that overlap and leave the image, and a map."""
    generator = torch.Generator().manual_seed(seed)
    corners = torch.randint(-4, 50, (1, 6, 2), generator=generator).float()
    corners[0, 1] = corners[0, 0]
    boxes = torch.cat([corners, corners + 9], dim=2)
    weights = torch.rand(1, 6, generator=generator)
    valid = torch.tensor([[True] * 5 + [False]])
    weights = torch.where(valid, weights, 0) / weights[valid].sum()
    low = torch.randint(-5, 40, (3, 2), generator=generator).float()
    truth = torch.cat([low, low + torch.randint(1, 30, (3, 2), generator=generator)], dim=1)
    cells = torch.rand(math.ceil(HEIGHT / FACTOR), math.ceil(WIDTH / FACTOR), generator=generator).double()
    return Sites(boxes, weights, valid), truth, FieldMap(cells / cells.sum(), FACTOR, (HEIGHT, WIDTH))


def inside(x: float, y: float, truth: torch.Tensor) -> bool:
    return any(x0 <= x < x1 and y0 <= y < y1 for x0, y0, x1, y1 in truth.tolist())


@pytest.mark.parametrize("seed", range(12))
def test_against_brute_force(seed: int) -> None:
    sites, truth, look = random_case(seed)
    measured = box_pointing(sites, truth, (HEIGHT, WIDTH), look)
    boxes, weights = sites.boxes[0, :5].tolist(), sites.weights[0, :5].tolist()
    hits = [inside((x0 + x1) / 2, (y0 + y1) / 2, truth) for x0, y0, x1, y1 in boxes]
    by_place: dict[tuple[float, ...], float] = {}
    for box, weight in zip(boxes, weights, strict=True):
        by_place[tuple(box)] = by_place.get(tuple(box), 0) + weight
    heaviest = list(max(by_place, key=lambda box: by_place[box]))
    mass = 0.0
    for (r, c), p in np.ndenumerate(look.probabilities.numpy()):
        x, y = (FACTOR * c + min(FACTOR * c + FACTOR, WIDTH)) / 2, (FACTOR * r + min(FACTOR * r + FACTOR, HEIGHT)) / 2
        mass += p if inside(x, y, truth) else 0
    area = np.mean([[inside(x + 0.5, y + 0.5, truth) for x in range(WIDTH)] for y in range(HEIGHT)])
    assert measured.heaviest.item() == hits[boxes.index(heaviest)]
    assert measured.weight.item() == pytest.approx(sum(w for w, hit in zip(weights, hits, strict=True) if hit))
    assert measured.hits.item() == pytest.approx(np.mean(hits))
    assert measured.found.item() == any(hits)
    assert measured.looked.item() == pytest.approx(mass)
    assert measured.area.item() == pytest.approx(area)
    assert measured.found_by_chance.item() == pytest.approx(1 - (1 - area) ** 5)


def test_without_a_box_nothing_is_known() -> None:
    sites, _, look = random_case(0)
    measured = box_pointing(sites, torch.empty(0, 4), (HEIGHT, WIDTH), look)
    assert all(math.isnan(getattr(measured, field.name).item()) for field in fields(BoxPointing))


def test_without_a_map_its_mass_is_not_known() -> None:
    sites, truth, _ = random_case(0)
    measured = box_pointing(sites, truth, (HEIGHT, WIDTH))
    assert math.isnan(measured.looked.item()) and not math.isnan(measured.weight.item())


def test_several_images_and_only_one_at_a_time() -> None:
    parts = []
    for seed in range(3):
        sites, truth, look = random_case(seed)
        parts.append(box_pointing(sites, truth, (HEIGHT, WIDTH), look))
    joined = BoxPointing.concatenate(parts)
    assert joined.weight.tolist() == [part.weight.item() for part in parts]
    with pytest.raises(BadInput, match="Slice them"):
        box_pointing(Sites(torch.zeros(2, 1, 4), torch.ones(2, 1), torch.ones(2, 1) > 0), truth, (HEIGHT, WIDTH))


def test_edges_and_areas() -> None:
    box = torch.tensor([[2.0, 3, 4, 5]])
    assert points_inside(torch.tensor([[2.0, 3], [4, 3], [2, 5], [3.999, 4.999]]), box).tolist() == [
        True,
        False,
        False,
        True,
    ]
    assert covered_share(torch.tensor([[-5.0, -5, 100, 100]]), (10, 20)) == 1
    assert covered_share(torch.tensor([[50.0, 50, 60, 60]]), (10, 20)) == 0


def test_where_several_are_heaviest_their_share_counts() -> None:
    boxes = torch.tensor([[[0.0, 0, 4, 4], [20, 0, 24, 4], [20, 20, 24, 24], [40, 0, 44, 4]]])
    truth = torch.tensor([[18.0, 0, 30, 30]])
    cases = (([0.25] * 4, 0.5, 4), ([0.3, 0.3, 0.3, 0.1], 2 / 3, 3), ([0.1, 0.6, 0.2, 0.1], 1.0, 1))
    for weights, share, alike in cases:
        sites = Sites(boxes, torch.tensor([weights]), torch.ones(1, 4, dtype=torch.bool))
        found = box_pointing(sites, truth, (30, 50))
        assert found.heaviest.item() == pytest.approx(share)
        assert found.alike.item() == alike
