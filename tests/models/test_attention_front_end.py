"""Attention in front of any classifier of patches: what it takes over, what it teaches, and one of MONAI's networks."""

import pytest
import torch
from torch import Tensor, nn

from saccade.core.contract import ClassTargets
from saccade.core.errors import BadInput
from saccade.models.attention_front_end import AttentionFrontEnd, attention_front_end, front_end_of
from saccade.models.attention_sampling import AttentionSampling, attention_sampling

CLASSES = ("dark", "bright")


class Brightness(nn.Module):
    """A classifier of patches with one parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, patches: Tensor) -> Tensor:
        mean = self.scale * patches.mean((1, 2, 3))
        return torch.stack([-mean, mean], dim=1)


def teacher(**options: object) -> AttentionSampling:
    model = attention_sampling(CLASSES, budget=4, patch=10, factor=5, **options).eval()
    torch.nn.init.normal_(model.look.score.weight, std=3.0)  # a map with a mind of its own
    return model


@pytest.mark.parametrize("fuse", ["weight", "mean", "vote"])
def test_it_reads_where_its_teacher_would_and_says_what_its_network_says(fuse: str) -> None:
    model = teacher()
    front = front_end_of(model, Brightness(), fuse=fuse).eval()
    images = torch.randn(2, 3, 60, 70)
    found, wanted = front(images), model(images)
    assert found.sites.boxes.equal(wanted.sites.boxes)
    patches = torch.stack(
        [
            torch.stack([_cut(image, box) for box in boxes])
            for image, boxes in zip(images, found.sites.boxes.long().tolist(), strict=True)
        ]
    )
    said = Brightness()(patches.flatten(0, 1)).unflatten(0, (2, 4)).softmax(-1)
    if fuse == "vote":
        little = 0.5 / 4
        votes = nn.functional.one_hot(said.argmax(-1), 2).float().mean(1)
        assert torch.allclose(found.probabilities, (1 - little) * votes + little * said.mean(1), atol=1e-5)
    else:
        assert torch.allclose(found.probabilities, (found.sites.weights[..., None] * said).sum(1), atol=1e-5)
    if fuse == "weight":
        assert torch.allclose(found.sites.weights, wanted.sites.weights)


def _cut(image: Tensor, box: list[int]) -> Tensor:
    """With edges mirrored, as images are read."""
    x0, y0, x1, y1 = box
    padded = nn.functional.pad(image[None], (10, 10, 10, 10), mode="reflect")[0]
    return padded[:, y0 + 10 : y1 + 10, x0 + 10 : x1 + 10]


def test_the_teacher_is_left_alone() -> None:
    model = teacher()
    before = {name: value.clone() for name, value in model.look.state_dict().items()}
    front = front_end_of(model, Brightness(), entropy=0.01).train()
    optimiser = torch.optim.SGD(front.parameters(), lr=1.0)
    front.losses(torch.randn(4, 3, 60, 60), ClassTargets(torch.tensor([0, 1, 0, 1]))).total.backward()
    optimiser.step()
    assert all(value.equal(before[name]) for name, value in model.look.state_dict().items())
    assert all(parameter.requires_grad for parameter in model.look.parameters())
    assert not front.look.score.weight.equal(model.look.score.weight)


def test_a_frozen_look_stays_as_it_is_batch_norm_and_all() -> None:
    front = front_end_of(teacher(norm="batch"), Brightness()).train()
    before = {name: value.clone() for name, value in front.look.state_dict().items()}
    losses = front.losses(torch.randn(4, 3, 60, 60), ClassTargets(torch.tensor([0, 1, 0, 1])))
    assert set(losses.terms) == {"cross_entropy"}
    losses.total.backward()
    assert all(value.equal(before[name]) for name, value in front.look.state_dict().items())
    assert all(parameter.grad is None for parameter in front.look.parameters())
    assert front.read.scale.grad is not None


def test_a_look_that_goes_on_learning_finds_what_the_network_wants() -> None:
    """Every field is mid-grey but for one square, dark or bright; the network knows the answer, the look does not."""
    dice = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 2, (16,), generator=dice)
    values = torch.randn(16, 3, 40, 40, generator=dice) * 0.02
    corners = torch.randint(0, 6, (16, 2), generator=dice) * 5
    for image, (x, y), label in zip(values, corners.tolist(), labels.tolist(), strict=True):
        image[:, y : y + 10, x : x + 10] = 4.0 * label - 2.0
    torch.manual_seed(0)
    front = attention_front_end(CLASSES, budget=4, patch=10, factor=5, entropy=0.0)
    front.read = Brightness()
    on_it = []
    optimiser = torch.optim.Adam(front.look.parameters(), lr=2e-2)
    for _ in range(20):
        optimiser.zero_grad()
        losses = front.losses(values, ClassTargets(labels))
        losses.total.backward()
        optimiser.step()
        middles = (losses.prediction.sites.boxes[..., :2] + 5 - corners[:, None]) / 10
        on_it.append(float(((middles >= 0) & (middles < 1)).all(-1).float().mean()))
    assert on_it[0] < 0.15
    assert sum(on_it[-5:]) / 5 > 0.6


def test_it_adopts_what_fits() -> None:
    front = attention_front_end(CLASSES, budget=4, patch=10, factor=5)
    model = teacher()
    front.adopt(model)
    assert front.look.score.weight.equal(model.look.score.weight)
    with pytest.raises(BadInput, match="cells of 5"):
        attention_front_end(CLASSES, patch=20, factor=5).adopt(model)
    with pytest.raises(BadInput, match="built differently"):
        attention_front_end(CLASSES, patch=10, factor=5, look_width=4).adopt(model)


def test_a_small_network_of_monai_can_be_behind_it() -> None:
    from monai.networks.nets.densenet import DenseNet

    small = DenseNet(2, 3, len(CLASSES), init_features=8, growth_rate=4, block_config=(2, 2), bn_size=2)
    front = front_end_of(teacher(), small, fuse="vote").train()
    losses = front.losses(torch.randn(4, 3, 60, 60), ClassTargets(torch.tensor([0, 1, 0, 1])))
    losses.total.backward()
    assert all(p.grad is not None for p in small.parameters())
    assert front.eval()(torch.randn(2, 3, 60, 60)).logits.shape == (2, 2)


@pytest.mark.parametrize("network", ["resnet18", "densenet121"])
def test_registered_networks_take_small_patches(network: str) -> None:
    front = attention_front_end(("a", "b", "c"), budget=2, patch=32, network=network).eval()
    assert isinstance(front, AttentionFrontEnd)
    with torch.no_grad():
        assert front(torch.randn(1, 3, 40, 40)).logits.shape == (1, 3)


def test_patches_that_a_network_cannot_halve_are_refused() -> None:
    with pytest.raises(BadInput, match="too small"):
        attention_front_end(CLASSES, patch=20, network="densenet121")
