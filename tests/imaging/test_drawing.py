"""Pictures keep what they show: values, places and the order of weights."""

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from saccade.core.errors import BadInput
from saccade.core.results import Sites
from saccade.imaging.drawing import (
    COLOURS,
    WeightScale,
    as_picture,
    dimmed,
    encode_png,
    enlarged,
    overlay,
    picture_key,
    value_span,
)


def sites_of(boxes: list[list[float]], weights: list[float]) -> Sites:
    """Sites of one image, with one row of padding that must not be drawn."""
    valid = [True] * len(boxes) + [False]
    return Sites(torch.tensor([[*boxes, [0.0, 0, 99, 99]]]), torch.tensor([[*weights, 5.0]]), torch.tensor([valid]))


def test_eight_bit_colours_stay_as_they_are() -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    assert (as_picture(image) == image).all()
    assert (as_picture(image[..., :1]) == image[..., :1]).all()


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_any_image_becomes_a_picture(channels: int, dtype: type) -> None:
    image = (np.random.default_rng(0).random((6, 4, channels)) * 200).astype(dtype)
    picture = as_picture(image)
    assert picture.shape == (6, 4, 3)
    assert picture.dtype == np.uint8


def test_sixteen_bit_values_are_stretched_and_constant_ones_do_no_harm() -> None:
    ramp = np.linspace(1000, 3000, 1000).astype(np.uint16).reshape(10, 100, 1)
    picture = as_picture(ramp)
    assert (picture.min(), picture.max()) == (0, 255)
    assert as_picture(np.full((3, 3, 1), 7.0, np.float32)).max() == 0
    assert as_picture(np.full((3, 3, 3), 0.5, np.float32)).tolist() == [[[128] * 3] * 3] * 3


def test_each_pixel_has_the_colour_of_its_weight() -> None:
    image = np.full((8, 8, 3), 200, np.uint8)
    picture = overlay(image, sites_of([[1, 2, 2, 3], [5, 6, 6, 7]], [0.9, 0.1]))
    heavy, light = WeightScale().colours(np.array([1.8, 0.2]))
    assert picture[2, 1].tolist() == heavy.tolist()
    assert picture[6, 5].tolist() == light.tolist()
    rest = np.ones((8, 8), bool)
    rest[2, 1] = rest[6, 5] = False
    assert (picture[rest] == dimmed(image)[rest]).all()


def test_the_heavier_site_lies_on_top_and_boxes_are_cut_at_the_edge() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    picture = overlay(image, sites_of([[0, 0, 2, 2], [1, 1, 3, 3], [7, 7, 12, 12]], [0.6, 0.3, 0.1]))
    heavy, *_ = WeightScale().colours(np.array([1.8]))
    assert picture[1, 1].tolist() == heavy.tolist()
    assert picture[7, 7].any()


def test_a_box_smaller_than_a_pixel_is_seen() -> None:
    picture = overlay(np.zeros((4, 4, 3), np.uint8), sites_of([[2.1, 1.2, 2.3, 1.4]], [1.0]))
    assert picture[1, 2].any()
    assert picture.any(axis=2).sum() == 1


def test_a_box_over_the_whole_image_is_outlined() -> None:
    image = np.full((64, 64, 3), 100, np.uint8)
    picture = overlay(image, sites_of([[0, 0, 64, 64]], [1.0]))
    assert (picture[10:50, 10:50] == image[10:50, 10:50]).all()
    assert (picture[0, 5] != image[0, 5]).any()


def test_sites_of_several_images_are_refused() -> None:
    both = Sites(torch.zeros(2, 1, 4), torch.ones(2, 1), torch.ones(2, 1, dtype=torch.bool))
    with pytest.raises(BadInput, match="Slice them"):
        overlay(np.zeros((4, 4, 3), np.uint8), both)


def test_the_scale_covers_its_ends() -> None:
    scale = WeightScale(0.25, 16.0)
    assert scale.ticks == (0.25, 1.0, 4.0, 16.0)
    assert scale.colours(np.array([0.25, 16.0])).tolist() == [COLOURS[0].tolist(), COLOURS[-1].tolist()]


def test_enlarging_repeats_pixels_and_png_keeps_them() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    large = enlarged(picture, 40)
    assert large.shape == (40, 60, 3)
    assert (large[::10, ::10] == picture).all()
    assert (np.asarray(Image.open(BytesIO(encode_png(picture)))) == picture).all()


def test_images_in_one_contrast_and_what_it_means() -> None:
    dim, light = np.full((4, 4, 1), 0, np.float32), np.full((3, 5, 1), 50, np.float32)
    span = value_span([dim, light] * 9)
    assert span == (0.0, 50.0)
    assert (as_picture(dim, span).max(), as_picture(light, span).min()) == (0, 255)
    assert "black 0, white 50, as in the files" in picture_key(dim, span)
    events = np.zeros((4, 4, 2), np.float32)
    events[0, 0], events[1, 1] = (3, 0), (0, 3)
    picture = as_picture(events, (0.0, 3.0))
    assert picture[0, 0].tolist() == [230, 159, 0] and picture[1, 1].tolist() == [86, 180, 233], "orange OFF, blue ON"
    assert picture_key(events, (0.0, 3.0)).startswith("events: OFF (darker) orange, ON (brighter) blue")
    assert picture_key(events - 0.5, (0.0, 3.0)).startswith("first channel orange")
    assert value_span([np.zeros((4, 4, 3), np.uint8)]) is value_span([np.ones((4, 4, 3), np.float32)]) is None
