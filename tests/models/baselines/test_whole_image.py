"""What ordinary networks share: one site, the whole image, all of it read."""

import torch
from torch import nn

from saccade.core.contract import ClassTargets
from saccade.models.baselines.whole_image import WholeImage


class Brightness(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        bright = images.mean((1, 2, 3))
        return torch.stack([bright, -bright], dim=1)


def test_any_network_becomes_a_classifier_of_one_site() -> None:
    images = torch.rand(3, 2, 5, 7)
    prediction = WholeImage(("bright", "dark"), 2, Brightness())(images)
    assert torch.equal(prediction.logits[:, 0], images.mean((1, 2, 3)))
    assert prediction.sites.boxes.tolist() == [[[0, 0, 7, 5]]] * 3
    assert prediction.sites.weights.tolist() == [[1.0]] * 3
    assert prediction.cost.pixels_read_fraction.tolist() == [1.0] * 3


def test_its_loss_is_cross_entropy() -> None:
    model, images = WholeImage(("bright", "dark"), 2, Brightness()), torch.rand(3, 2, 5, 7)
    losses = model.losses(images, ClassTargets(torch.tensor([0, 1, 0])))
    expected = nn.functional.cross_entropy(model(images).logits, torch.tensor([0, 1, 0]))
    assert torch.equal(losses.total, expected)
