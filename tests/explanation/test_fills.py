"""What pixels become, on images where it can be said in advance."""

import pytest
import torch

from saccade.explanation.fills import Blurred, BorderMean, Fill, ImageMean

FILLS = (BorderMean(), ImageMean(), Blurred())


def test_border_mean_ignores_the_middle() -> None:
    image = torch.full((1, 2, 32, 40), 7.0)
    image[:, 1] = 3.0
    image[:, :, 2:-2, 2:-2] = 100.0  # a sixteenth of 32 is 2
    assert BorderMean()(image).flatten().tolist() == [7, 3]


def test_border_of_a_tiny_image_is_all_of_it() -> None:
    assert BorderMean()(torch.tensor([[[[1.0, 3.0]]]])).item() == 2


def test_image_mean() -> None:
    assert ImageMean()(torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]])).item() == 3


def test_blur_keeps_flat_images_and_the_sum_of_a_dot() -> None:
    flat = torch.full((2, 3, 16, 16), 0.25)
    torch.testing.assert_close(Blurred()(flat), flat)
    dot = torch.zeros(1, 1, 33, 33)
    dot[..., 16, 16] = 1
    blurred = Blurred(0.05)(dot)
    assert blurred.sum().item() == pytest.approx(1, abs=1e-4)
    assert blurred.max() < 0.2 and blurred[..., 16, 16] == blurred.max()


@pytest.mark.parametrize("fill", FILLS, ids=lambda fill: type(fill).__name__)
def test_each_image_is_filled_from_itself_alone(fill: Fill) -> None:
    images = torch.rand(3, 2, 20, 12)
    together = fill(images).expand_as(images)
    for i in range(3):
        torch.testing.assert_close(together[i : i + 1], fill(images[i : i + 1]).expand(1, 2, 20, 12))
    assert fill.name
