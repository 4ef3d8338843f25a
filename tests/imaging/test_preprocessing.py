"""Preprocessing: the same numbers by another way, an exact way back, and nothing converted in silence."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.imaging.preprocessing import Preprocessing, to_tensor

DICE = np.random.default_rng(0)


def images(kind: str, channels: int, sizes: list[tuple[int, int]]) -> list[np.ndarray]:
    top = {"uint8": 255, "uint16": 65535, "float32": 3}[kind]
    return [(DICE.random((*size, channels)) * top).astype(kind) for size in sizes]


@pytest.mark.parametrize("interpolation", ["area", "linear"])
@pytest.mark.parametrize("channels", [1, 2, 3, 7])
@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
def test_fitted_images_have_mean_0_and_deviation_1(kind: str, channels: int, interpolation: str) -> None:
    training = images(kind, channels, [(16, 16), (40, 10), (5, 60), (1, 1), (16, 16)])
    preprocessing = Preprocessing.fit(training, 16, interpolation=interpolation)
    assert (preprocessing.kind, preprocessing.channels) == (kind, channels)
    batch = torch.stack([preprocessing(image) for image in training])
    assert batch.shape == (5, channels, 16, 16) and batch.dtype == torch.float32
    torch.testing.assert_close(batch.mean((0, 2, 3)), torch.zeros(channels), atol=1e-4, rtol=0)
    torch.testing.assert_close(batch.std((0, 2, 3), correction=0), torch.ones(channels), atol=1e-4, rtol=0)


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
def test_the_formula(kind: str) -> None:
    """(value / scale - mean) / std, in float64, for an image of the right size."""
    (image,) = images(kind, 2, [(8, 8)])
    scale = {"uint8": 255.0, "uint16": 65535.0, "float32": 2.5}[kind]
    preprocessing = Preprocessing(8, 2, mean=(0.3, -1.0), std=(0.2, 4.0), scale=scale, kind=kind)  # type: ignore[arg-type]
    expected = (image.astype(np.float64) / scale - (0.3, -1.0)) / (0.2, 4.0)
    torch.testing.assert_close(preprocessing(image), torch.from_numpy(expected).permute(2, 0, 1).float())


def test_statistics_do_not_depend_on_batches() -> None:
    values = torch.randint(0, 256, (50, 3, 4, 4), dtype=torch.uint8)
    plain = Preprocessing.like(np.zeros((4, 4, 3), np.uint8), 4)
    whole, parts = plain.fitted([values]), plain.fitted(values.split(7))
    assert whole.mean == pytest.approx(parts.mean, abs=1e-12) and whole.std == pytest.approx(parts.std, abs=1e-12)
    assert whole.mean == pytest.approx((values.double() / 255).mean((0, 2, 3)).tolist())
    assert whole.std == pytest.approx((values.double() / 255).std((0, 2, 3), correction=0).tolist())


def test_tiny_and_huge_units() -> None:
    """Optical path differences in metres: 1e-7, with a large offset."""
    training = [(1 + 1e-6 * DICE.random((8, 8, 1))).astype(np.float32) for _ in range(4)]
    preprocessing = Preprocessing.fit(training, 8)
    batch = torch.stack([preprocessing(image) for image in training])
    assert 0.5 < batch.std() < 2


def test_a_constant_channel_is_left_alone() -> None:
    preprocessing = Preprocessing.fit([np.full((4, 4, 1), 51, np.uint8)], 4)
    assert preprocessing.mean == pytest.approx((0.2,)) and preprocessing.std == (1.0,)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_the_way_back_is_exact(height: int, width: int, size: int) -> None:
    """The square's edges and centre are the image's, and pixel edges go where the stretch brought them from."""
    preprocessing = Preprocessing(size, 1, (0.0,), (1.0,))
    s = float(size)
    boxes = torch.tensor([[0, 0, s, s], [s / 2, s / 2, s / 2, s / 2], [0, 1, 1, s]])
    base = preprocessing.to_base(boxes, torch.tensor([height, width]))
    assert base[0].tolist() == [0, 0, width, height]
    assert base[1].tolist() == [width / 2, height / 2] * 2
    torch.testing.assert_close(base[2].double(), torch.tensor([0, height / s, width / s, height], dtype=torch.float64))


def test_the_way_back_finds_the_pixel() -> None:
    """A dot drawn into the file is found where its pixel in the square points to."""
    preprocessing = Preprocessing(10, 1, (0.0,), (1.0,))
    for y, x in ((0, 0), (3, 17), (39, 59), (20, 30)):
        image = np.zeros((40, 60, 1), np.uint8)
        image[y, x] = 255
        row, column = divmod(int(preprocessing(image).argmax()), 10)
        box = torch.tensor([[column, row, column + 1, row + 1]], dtype=torch.float32)
        x0, y0, x1, y1 = preprocessing.to_base(box, torch.tensor([40, 60]))[0].tolist()
        assert x0 <= x < x1 and y0 <= y < y1


def test_the_way_back_in_batches() -> None:
    preprocessing = Preprocessing(8, 1, (0.0,), (1.0,))
    boxes, extents = torch.rand(3, 5, 4) * 8, torch.tensor([[8, 8], [80, 40], [7, 9]])
    together = preprocessing.to_base(boxes, extents)
    apart = [preprocessing.to_base(box, extent) for box, extent in zip(boxes, extents, strict=True)]
    assert torch.equal(together, torch.stack(apart))
    assert torch.equal(together[0], boxes[0])


def test_area_means_are_exact_for_whole_factors() -> None:
    (image,) = images("float32", 3, [(12, 24)])
    expected = image.reshape(4, 3, 4, 6, 3).mean((1, 3))
    np.testing.assert_allclose(Preprocessing.like(image, 4).resize(image), expected, rtol=1e-5)


def test_each_axis_by_its_own_filter() -> None:
    """One axis shrinks by area while the other grows: as done one after the other."""
    (image,) = images("float32", 1, [(12, 2)])
    shrunk = image.reshape(4, 3, 2, 1).mean(1)
    np.testing.assert_allclose(
        Preprocessing.like(image, 4).resize(image), Preprocessing.like(shrunk, 4).resize(shrunk), rtol=1e-5
    )


def test_many_channels_as_if_one_by_one() -> None:
    (image,) = images("uint16", 6, [(30, 21)])
    together = Preprocessing.like(image, 8).resize(image)
    for channel in range(6):
        single = image[..., channel : channel + 1]
        np.testing.assert_array_equal(together[..., channel], Preprocessing.like(single, 8).resize(single)[..., 0])


def test_grey_is_repeated_and_nothing_else_converted() -> None:
    colour, grey = images("uint8", 3, [(4, 4)])[0], images("uint8", 1, [(6, 5)])[0]
    wants_colour = Preprocessing.like(colour, 4)
    repeated = wants_colour(grey)
    assert torch.equal(repeated[0], repeated[2])
    with pytest.raises(BadInput, match=r"a\.png: has 3 channels, the model wants 1\. Convert"):
        Preprocessing.like(grey, 4)(colour, "a.png")
    with pytest.raises(BadInput, match=r"a\.png: has 1 channel, the model wants 2"):
        Preprocessing.like(colour[..., :2], 4)(grey, "a.png")
    with pytest.raises(BadInput, match=r"a\.png: holds uint16 values, the model wants uint8\. Save it as uint8"):
        wants_colour(colour.astype(np.uint16), "a.png")
    with pytest.raises(BadInput, match="the array: holds float32 values"):
        wants_colour(colour.astype(np.float64))


def test_plain_values() -> None:
    preprocessing = Preprocessing.fit(images("uint8", 3, [(9, 9)] * 2), 8, mpp=0.25)
    text = json.dumps(preprocessing.as_dict())
    assert Preprocessing.from_dict(json.loads(text)) == preprocessing
    assert pickle.loads(pickle.dumps(preprocessing)) == preprocessing
    with pytest.raises(BadInput, match=r"config\.json: unknown or missing key 'sise'"):
        Preprocessing.from_dict({**preprocessing.as_dict(), "sise": 3}, "config.json")
    with pytest.raises(BadInput, match="missing key 'channels'"):
        Preprocessing.from_dict({"size": 3})


@pytest.mark.parametrize(
    "change",
    [{"size": 0}, {"channels": 2}, {"std": (0.0,)}, {"scale": 0.0}, {"mpp": 40.0}, {"mean": ()}],
    ids=lambda change: next(iter(change)),
)
def test_values_that_make_no_sense(change: dict) -> None:
    with pytest.raises(BadInput):
        Preprocessing(**{"size": 4, "channels": 1, "mean": (0.0,), "std": (1.0,), **change})


def test_nothing_to_measure() -> None:
    with pytest.raises(BadInput, match="no images to measure"):
        Preprocessing.fit([], 8)


def test_batches_as_single_images() -> None:
    training = images("uint8", 3, [(8, 8)] * 5)
    preprocessing = Preprocessing.fit(training, 8)
    batch = to_tensor(np.stack(training))
    before = batch.clone()
    assert torch.equal(preprocessing.normalise(batch), torch.stack([preprocessing(image) for image in training]))
    assert torch.equal(batch, before), "the stored values must survive"


@pytest.mark.parametrize("stated", [0.5, 0.41, 0.62, None])
def test_resolutions_that_are_alike(stated: float | None) -> None:
    known = Preprocessing(None, 3, (0.0,) * 3, (1.0,) * 3, mpp=0.5)
    assert known.mpp_doubt(stated) == replace(known, mpp=None).mpp_doubt(stated) == ""


@pytest.mark.parametrize("stated", [0.25, 0.4, 0.625, 2.0])
def test_another_resolution_is_told(stated: float) -> None:
    known = Preprocessing(None, 3, (0.0,) * 3, (1.0,) * 3, mpp=0.5)
    assert known.mpp_doubt(stated) == f"states {stated:g} micrometres per pixel, the model was trained at 0.5"
    assert replace(known, mpp=None).mpp_doubt(stated) == ""
