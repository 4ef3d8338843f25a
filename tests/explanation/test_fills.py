"""What pixels become, on images where it can be said in advance."""

import torch

from saccade.explanation.fills import BorderMean, Fill


def test_border_mean_ignores_the_middle() -> None:
    image = torch.full((1, 2, 32, 40), 7.0)
    image[:, 1] = 3.0
    image[:, :, 2:-2, 2:-2] = 100.0  # a sixteenth of 32 is 2
    assert BorderMean()(image).flatten().tolist() == [7, 3]


def test_border_of_a_tiny_image_is_all_of_it() -> None:
    assert BorderMean()(torch.tensor([[[[1.0, 3.0]]]])).item() == 2


def test_each_image_is_filled_from_itself_alone() -> None:
    fill: Fill = BorderMean()
    images = torch.rand(3, 2, 20, 12)
    together = fill(images).expand_as(images)
    for i in range(3):
        torch.testing.assert_close(together[i : i + 1], fill(images[i : i + 1]).expand(1, 2, 20, 12))
    assert fill.name
