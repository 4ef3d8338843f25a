"""The full-image CNN: bands against one pass, values and gradients."""

import pytest
import torch

from saccade.imaging.stack import Stack
from saccade.models.baselines.full_image_cnn import FullImageCnn, banded_peaks, full_image_cnn
from tests.models.miniature_fields import SIZES, fields


def build(band: int, layers: int = 4) -> FullImageCnn:
    torch.manual_seed(0)
    model = full_image_cnn(("a", "b", "c"), channels=2, width=5, layers=layers, band=band)
    return model.double()


@pytest.mark.parametrize("band", [1, 2, 7, 16, 100])
@pytest.mark.parametrize(("height", "width", "layers"), [(33, 21, 4), (5, 40, 3), (1, 1, 4), (16, 16, 1)])
def test_bands_have_the_values_and_gradients_of_one_pass(band: int, height: int, width: int, layers: int) -> None:
    model, values = build(band, layers), torch.randn(3, 2, height, width, dtype=torch.float64)
    model.read.lean = False
    plain = model.temperature * model.read(values)
    banded = model(values)
    with torch.no_grad():
        assert torch.allclose(model(values).logits, plain, atol=1e-10)
    assert torch.allclose(banded.logits, plain, atol=1e-10)
    wanted = torch.randn(3, 3, dtype=torch.float64)
    parameters = list(model.parameters())
    for found, expected in zip(
        torch.autograd.grad((banded.logits * wanted).sum(), parameters),
        torch.autograd.grad((plain * wanted).sum(), parameters),
        strict=True,
    ):
        assert torch.allclose(found, expected, atol=1e-10)


def test_peaks_are_where_they_are_said_to_be() -> None:
    model, values = build(band=3), torch.randn(2, 2, 20, 30, dtype=torch.float64)
    peaks, places = banded_peaks(model.read, lambda first, end: values[:, :, first:end], 20, 3)
    whole = model.read.everywhere(values).detach()
    for image in range(2):
        for channel in range(5):
            row, column = places[image, channel].tolist()
            assert float(whole[image, channel, row, column]) == pytest.approx(float(peaks[image, channel]), abs=1e-10)
    assert torch.allclose(peaks, whole.amax((2, 3)), atol=1e-10)


def test_no_more_than_a_band_is_asked_for_in_evaluation() -> None:
    model, asked = build(band=8), []

    def rows(first: int, end: int) -> torch.Tensor:
        asked.append(end - first)
        return torch.zeros(1, 2, end - first, 10, dtype=torch.float64)

    banded_peaks(model.read, rows, 100, 8)
    assert max(asked) == 8 + 2 * 4


def test_every_pixel_is_read_once() -> None:
    model = full_image_cnn(("a", "b"), band=4).eval()
    cost = model(fields()).cost
    assert cost.pixels_read.tolist() == [height * width for height, width in SIZES]
    assert cost.reads.tolist() == [1] * 3
    assert model(Stack(torch.zeros(1, 3, 9, 9))).cost.pixels_read_fraction.tolist() == [1.0]
