"""The attention network: its size, its reach, its map."""

import pytest
import torch

from saccade.models.parts.field_look import Affine, FieldLook, log_probabilities


def test_the_published_size() -> None:
    assert sum(each.numel() for each in FieldLook().parameters()) == 1_513
    assert sum(each.numel() for each in FieldLook(norm="batch").parameters()) == 1_513


def test_a_cell_sees_nine_by_nine_cells() -> None:
    torch.manual_seed(0)
    view = torch.randn(1, 3, 21, 21, requires_grad=True)
    FieldLook()(view)[0, 10, 10].backward()
    assert view.grad is not None
    seen = view.grad.abs().sum((0, 1)).nonzero()
    assert seen.min(0).values.tolist() == [6, 6] and seen.max(0).values.tolist() == [14, 14]


def test_the_affine_is_a_batch_norm_that_never_saw_a_batch() -> None:
    torch.manual_seed(0)
    affine, norm, values = Affine(4), torch.nn.BatchNorm2d(4, eps=1e-3).eval(), torch.randn(2, 4, 3, 3)
    for each in (affine, norm):
        torch.nn.init.constant_(each.weight, 0.7)
        torch.nn.init.constant_(each.bias, 0.2)
    assert torch.allclose(affine(values), norm(values), atol=1e-6)


def test_cells_outside_have_no_probability() -> None:
    inside = torch.tensor([[[True, False], [True, True]]])
    found = log_probabilities(torch.zeros(1, 2, 2), inside).exp()
    assert found[0].tolist() == pytest.approx([1 / 3, 0.0, 1 / 3, 1 / 3])
