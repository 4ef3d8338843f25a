"""Each place once, heaviest first, with exactly the pixels that were read."""

import numpy as np
import pytest
import torch

from saccade.core.errors import BadInput
from saccade.core.results import Sites
from saccade.imaging.distinct_sites import are_patches, cut_patches, distinct_sites
from saccade.imaging.pixel_store import PixelStore
from saccade.imaging.rasters import Rasters


def sites_of(boxes: list[list[float]], weights: list[float]) -> Sites:
    """Sites of one image, with one row of padding that must not count."""
    valid = [True] * len(boxes) + [False]
    return Sites(torch.tensor([[*boxes, [0.0, 0, 99, 99]]]), torch.tensor([[*weights, 5.0]]), torch.tensor([valid]))


def test_weights_of_a_place_are_added() -> None:
    a, b, c = [0.0, 0, 4, 4], [2.0, 2, 6, 6], [9.0, 1, 13, 5]
    found = distinct_sites(sites_of([a, b, a, c, b, a], [0.1, 0.2, 0.1, 0.15, 0.35, 0.1]))
    assert found.boxes[0].tolist() == [b, a, c]
    assert found.weights[0].tolist() == pytest.approx([0.55, 0.3, 0.15])
    assert found.valid.all()


def test_places_of_equal_weight_keep_their_order() -> None:
    a, b, c = [500.0, 0, 504, 4], [300.0, 2, 304, 6], [20.0, 1, 24, 5]
    assert distinct_sites(sites_of([a, b, c], [0.2, 0.2, 0.2])).boxes[0].tolist() == [a, b, c]
    assert distinct_sites(sites_of([b, a, c, a, b], [0.25, 0.125, 0.5, 0.25, 0.125])).boxes[0].tolist() == [c, b, a]


def test_one_image_at_a_time() -> None:
    with pytest.raises(BadInput, match="Slice them"):
        distinct_sites(Sites(torch.zeros(2, 1, 4), torch.ones(2, 1), torch.ones(2, 1, dtype=torch.bool)))


def test_patches_are_squares_smaller_than_the_image() -> None:
    assert are_patches(sites_of([[-4.0, 0, 4, 8], [2, 2, 10, 10]], [0.5, 0.5]), (20, 30))
    assert not are_patches(sites_of([[0.0, 0, 30, 20]], [1.0]), (20, 30))
    assert not are_patches(sites_of([[3.0, 3, 4, 4]], [1.0]), (20, 30))
    assert not are_patches(sites_of([], []), (20, 30))


def test_patches_are_what_a_model_reads_beyond_the_edge_too() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    boxes = torch.tensor([[3.0, 4, 11, 12], [-4, -2, 4, 6], [25, 16, 33, 24]])
    found = cut_patches(image, boxes)
    assert (found[0] == image[4:12, 3:11]).all()
    read = Rasters(PixelStore.of([image]), lambda values: values.float()).read(boxes.long()[None], 8)[0]
    np.testing.assert_array_equal(found, read.permute(0, 2, 3, 1).numpy())
    assert cut_patches(image, boxes[:0]).shape[0] == 0
    with pytest.raises(BadInput, match="not 8 × 8"):
        cut_patches(image, torch.tensor([[0.0, 0, 8, 8], [0, 0, 6, 6]]))
