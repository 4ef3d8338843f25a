"""Controls share attention sampling's reader and aggregation and differ in the selection."""

import pytest
import torch

from saccade.core.contract import ClassTargets
from saccade.core.errors import BadInput
from saccade.imaging.stack import Stack
from saccade.models.attention_sampling import attention_sampling
from saccade.models.baselines.field_controls import oracle_patches, stain_patches, uniform_patches
from tests.models.miniature_fields import fields

CLASSES = ("a", "b", "c")
CONTROLS = (uniform_patches, stain_patches, oracle_patches)


@pytest.mark.parametrize("control", CONTROLS)
def test_the_reader_is_attention_samplings(control: type) -> None:
    model, net = control(CLASSES), attention_sampling(CLASSES)
    wanted = {name: value.shape for name, value in net.read.state_dict().items()}
    assert {name: value.shape for name, value in model.read.state_dict().items()} == wanted
    assert sum(p.numel() for p in model.parameters()) == 7_459


def test_the_aggregation_is_attention_samplings_on_a_uniform_map() -> None:
    """The same reader on the same patches, which a map without a preference weighs alike."""
    net = attention_sampling(CLASSES, budget=4, patch=12, factor=4).eval()
    torch.nn.init.zeros_(net.look.score.weight)
    torch.nn.init.zeros_(net.look.score.bias)
    images = Stack(torch.randn(2, 3, 40, 52))
    wanted = net(images)
    control = uniform_patches(CLASSES, budget=4, patch=12, factor=4).eval()
    control.read = net.read
    middles = (wanted.sites.boxes[..., :2] + 6).long()
    control.select = _Given(middles)
    found = control(images)
    assert found.sites.boxes.equal(wanted.sites.boxes)
    assert torch.allclose(found.logits, wanted.logits, atol=1e-6)


class _Given(torch.nn.Module):
    budget = 4

    def __init__(self, middles: torch.Tensor) -> None:
        super().__init__()
        self.middles = middles

    def forward(self, images: object) -> torch.Tensor:
        return self.middles


def test_uniform_patches_change_while_training_and_with_the_seed_in_evaluation() -> None:
    images = fields(((40, 52),), boxes=False)
    model, other = (uniform_patches(CLASSES, budget=3, patch=12, factor=4, seed=seed) for seed in (0, 1))
    other.load_state_dict(model.state_dict())
    assert not model.train()(images).sites.boxes.equal(model(images).sites.boxes)
    assert not model.eval()(images).sites.boxes.equal(other.eval()(images).sites.boxes)


def test_an_oracle_learns_what_the_boxes_hold_and_uniform_patches_cannot() -> None:
    """Bright or dark squares of 12 pixels in fields of 96: a minute fraction, found by their boxes alone."""
    dice = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 2, (64,), generator=dice)
    values = torch.randn(64, 3, 96, 96, generator=dice) * 0.05
    corners = torch.randint(0, 84, (64, 2), generator=dice)
    for image, (x, y), label in zip(values, corners.tolist(), labels.tolist(), strict=True):
        image[:, y : y + 12, x : x + 12] = 2.0 * label - 1.0
    boxes = torch.cat([corners, corners + 12], dim=1)[:, None].float()
    right = {}
    for control in (oracle_patches, uniform_patches):
        torch.manual_seed(0)
        model = control(CLASSES[:2], budget=1, patch=16, read_layers=2).train()
        optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
        for _ in range(30):
            optimiser.zero_grad()
            model.losses(_Boxed(values, boxes), ClassTargets(labels)).total.backward()
            optimiser.step()
        right[control] = float((model.eval()(_Boxed(values, boxes)).logits.argmax(1) == labels).float().mean())
    assert right[oracle_patches] > 0.95
    assert right[uniform_patches] < 0.8


class _Boxed(Stack):
    def __init__(self, values: torch.Tensor, boxes: torch.Tensor) -> None:
        super().__init__(values)
        self.boxes = boxes

    def metered(self) -> "_Boxed":
        return _Boxed(self.values, self.boxes)


def test_stain_needs_colour() -> None:
    with pytest.raises(BadInput, match="1 channels"):
        stain_patches(CLASSES, channels=1)
