"""Maps against areas counted by hand and, for any boxes, on a fine grid."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from saccade.core.results import Sites
from saccade.explanation.maps import class_maps, coverage_map, weight_map


def one_image(boxes: list[list[float]], weights: list[float], valid: list[bool] | None = None) -> Sites:
    flags = torch.tensor([valid]) if valid else torch.ones(1, len(boxes), dtype=torch.bool)
    return Sites(torch.tensor([boxes]).float(), torch.tensor([weights]), flags)


def test_single_pixels_keep_their_weight() -> None:
    sites = one_image([[1, 0, 2, 1], [0, 1, 1, 2]], [0.75, 0.25])
    assert weight_map(sites, 2, 3).tolist() == [[[0, 0.75, 0], [0.25, 0, 0]]]
    assert coverage_map(sites, 2, 3).tolist() == [[[0, 1, 0], [1, 0, 0]]]


def test_a_box_counts_for_the_part_it_covers() -> None:
    sites = one_image([[0.5, 0.0, 2.0, 1.0]], [0.6])
    assert weight_map(sites, 1, 3)[0, 0].tolist() == pytest.approx([0.2, 0.4, 0])
    assert coverage_map(sites, 1, 3)[0, 0].tolist() == pytest.approx([0.5, 1, 0])


def test_overlap_adds_weight_but_a_pixel_is_covered_once() -> None:
    sites = one_image([[0, 0, 1, 1], [0, 0, 1, 1]], [0.5, 0.5])
    assert weight_map(sites, 1, 1).item() == 1
    assert coverage_map(sites, 1, 1).item() == 1


def test_padding_empty_boxes_and_what_lies_outside_are_left_out() -> None:
    boxes = [[0.0, 0, 1, 1], [1, 1, 2, 2], [0, 1, 0, 1], [-1, -1, 1, 1]]
    sites = one_image(boxes, [0.2, 9.0, 0.4, 0.4], [True, False, True, True])
    assert weight_map(sites, 2, 2).flatten().tolist() == pytest.approx([0.3, 0, 0, 0])


edges = st.lists(st.integers(0, 40), min_size=2, max_size=2, unique=True).map(sorted)
weighted_boxes = st.builds(lambda x, y, weight: (x[0], y[0], x[1], y[1], weight), edges, edges, st.floats(0.01, 1))


@given(st.lists(weighted_boxes, min_size=1, max_size=5))
def test_any_boxes_agree_with_a_fine_grid(rows: list[tuple[int, int, int, int, float]]) -> None:
    fine = torch.zeros(40, 40)  # tenths of a pixel of a 4 × 4 image
    for x0, y0, x1, y1, weight in rows:
        fine[y0:y1, x0:x1] += weight / ((x1 - x0) * (y1 - y0))
    expected = fine.view(4, 10, 4, 10).sum((1, 3))
    sites = one_image([[edge / 10 for edge in row[:4]] for row in rows], [row[4] for row in rows])
    torch.testing.assert_close(weight_map(sites, 4, 4)[0], expected, atol=1e-5, rtol=1e-4)


def test_class_maps_average_over_the_images_of_a_class() -> None:
    boxes = torch.tensor([[[0.0, 0, 1, 1]], [[1, 0, 2, 1]], [[1, 0, 2, 1]]])
    sites = Sites(boxes, torch.ones(3, 1), torch.ones(3, 1, dtype=torch.bool))
    maps = class_maps(sites, torch.tensor([0, 0, 2]), ("a", "b", "c"), 1, 2)
    assert maps.counts == (2, 0, 1)
    assert maps.read[[0, 2], 0].tolist() == [[0.5, 0.5], [0, 1]]
    assert maps.weight[[0, 2], 0].tolist() == [[1, 1], [0, 2]]  # 1 is an even spread
    assert maps.read[1].isnan().all() and maps.weight[1].isnan().all()


def test_many_images_are_mapped_in_parts() -> None:
    boxes = 4 * torch.rand(130, 3, 4).sort(-1).values
    sites = Sites(boxes, torch.rand(130, 3), torch.ones(130, 3, dtype=torch.bool))
    together = weight_map(sites, 4, 4)
    alone = torch.cat([weight_map(sites[i], 4, 4) for i in range(130)])
    torch.testing.assert_close(together, alone)
    assert weight_map(sites[:0], 4, 4).shape == (0, 4, 4)
