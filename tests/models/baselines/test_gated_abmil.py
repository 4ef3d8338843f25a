"""Gated ABMIL: its size, its arithmetic, and that it finds the telling patch."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from saccade.core.bags import Bags
from saccade.core.contract import ClassTargets
from saccade.models import create_model

CLASSES = ("a", "b")


def test_its_size() -> None:
    model = create_model("gated-abmil", CLASSES)
    embedding, branches, score, head = 1024 * 512 + 512, 2 * (512 * 384 + 384), 384 + 1, 512 * 2 + 2
    assert sum(each.numel() for each in model.parameters()) == embedding + branches + score + head


def test_ten_thousand_patches_take_18_gflop() -> None:
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        model = create_model("gated-abmil", CLASSES)
        model(Bags(torch.empty(10_000, 1024), torch.zeros(10_000, 2, dtype=torch.long), (10_000,)))
    assert round(counter.get_total_flops() / 1e9, 1) == 18.4


def test_it_is_the_equation_on_embedded_patches() -> None:
    torch.manual_seed(0)
    model = create_model("gated-abmil", CLASSES, in_features=6, width=5, hidden=3).double()
    features, attention = torch.randn(4, 6).double(), model.aggregate
    h = (features @ model.read[0].weight.T + model.read[0].bias).clamp_min(0)
    v, u = (
        torch.einsum("hw,pw->hp", part.weight, h) + part.bias[:, None] for part in (attention.content, attention.gate)
    )
    e = (attention.score.weight[0] @ (v.tanh() * u.sigmoid())).exp()
    z = (e / e.sum() * h.T).sum(1)
    prediction = model(Bags(features, torch.zeros(4, 2, dtype=torch.long), (4,)))
    assert torch.allclose(prediction.logits[0], model.classify.weight @ z + model.classify.bias, atol=1e-12)
    assert torch.allclose(prediction.sites.weights[0], (e / e.sum()).float(), atol=1e-6)


def telling(slides: int, seed: int) -> tuple[Bags, torch.Tensor, torch.Tensor]:
    """Noise; in slides of the second class one patch stands out, and where."""
    dice = torch.Generator().manual_seed(seed)
    labels, places = torch.arange(slides) % 2, torch.randint(0, 12, (slides,), generator=dice)
    features = torch.randn(slides, 12, 8, generator=dice)
    features[labels == 1, places[labels == 1], 0] += 8
    cells = torch.stack([torch.arange(12), torch.zeros(12, dtype=torch.long)], dim=1).repeat(slides, 1)
    return Bags(features.flatten(0, 1), cells, (12,) * slides), labels, places


def test_it_learns_to_look_at_the_patch_that_tells() -> None:
    torch.manual_seed(0)
    model = create_model("gated-abmil", CLASSES, in_features=8, width=16, hidden=8)
    bags, labels, _ = telling(200, seed=0)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(40):
        optimiser.zero_grad()
        model.losses(bags, ClassTargets(labels)).total.backward()
        optimiser.step()
    unseen, labels, places = telling(40, seed=1)
    prediction = model.eval()(unseen)
    assert (prediction.logits.argmax(1) == labels).float().mean() >= 0.95
    assert (prediction.sites.weights.argmax(1) == places)[labels == 1].float().mean() >= 0.9
