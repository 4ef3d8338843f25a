"""The lesson from labels: it ends with a look that points at what tells the classes apart, and only there."""

import torch
from torch import Tensor

from saccade.core.contract import ClassTargets
from saccade.models.parts.field_look import FieldLook, log_probabilities
from saccade.models.parts.warm_up import WarmUp


def spots(count: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Overviews of noise with one 3×3 spot, whose channel is the class; where it is, in cells."""
    dice = torch.Generator().manual_seed(seed)
    view = 0.3 * torch.randn(count, 3, 20, 20, generator=dice)
    labels = torch.randint(2, (count,), generator=dice)
    places = torch.randint(2, 18, (count, 2), generator=dice)
    for image in range(count):
        row, column = places[image].tolist()
        view[image, labels[image], row - 1 : row + 2, column - 1 : column + 2] += 3.0
    return view, labels, places


def test_it_teaches_to_point() -> None:
    torch.manual_seed(0)
    look = FieldLook()
    lesson = WarmUp(look, classes=2, best=6)
    optimiser = torch.optim.Adam([*look.parameters(), *lesson.parameters()], 1e-2)
    inside = torch.ones(16, 20, 20, dtype=torch.bool)
    for step in range(60):
        view, labels, _ = spots(16, step)
        optimiser.zero_grad()
        terms, _ = lesson(look, view, inside, ClassTargets(labels))
        torch.stack(list(terms.values())).sum().backward()
        optimiser.step()
    view, _, places = spots(16, 999)
    best = log_probabilities(look(view)).argmax(1)
    found = torch.stack([best // 20, best % 20], dim=1)
    assert ((found - places).abs().amax(1) <= 2).float().mean() > 0.9


def test_pointing_teaches_the_score_alone() -> None:
    torch.manual_seed(0)
    look = FieldLook()
    view, labels, _ = spots(4, 0)
    terms, _ = WarmUp(look, 2)(look, view, torch.ones(4, 20, 20, dtype=torch.bool), ClassTargets(labels))
    terms["pointing"].backward()
    assert all(each.grad is None for each in look.trunk.parameters())
    assert look.score.weight.grad is not None


def test_cells_outside_are_neither_judged_nor_pointed_at() -> None:
    torch.manual_seed(0)
    look = FieldLook()
    lesson, inside = WarmUp(look, 2, best=5), torch.zeros(1, 20, 20, dtype=torch.bool)
    inside[:, :4, :4] = True
    view, labels, _ = spots(1, 0)
    other = torch.where(inside[:, None], view, 100.0)
    first, second = (lesson(look, each, inside, ClassTargets(labels))[0] for each in (view, other))
    assert all(first[name].isfinite() and torch.allclose(first[name], second[name]) for name in first)
