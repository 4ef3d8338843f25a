"""Normalisation with its gradient written out, against autograd's."""

import torch
import torch.nn.functional as F

from saccade.ops.norms import normed


def test_it_is_layer_norm_and_so_is_its_gradient() -> None:
    rows, weight, bias = (torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in ((7, 5), 5, 5))
    wanted, grad = F.layer_norm(rows, (5,), weight, bias), torch.randn(7, 5, dtype=torch.float64)
    found = normed(rows.detach(), weight.detach(), bias.detach())
    assert torch.allclose(found.values, wanted, atol=1e-12)
    theirs = torch.autograd.grad(wanted, (rows, weight, bias), grad)
    ours = found.backward(grad, weight.detach(), bias.detach())
    assert all(torch.allclose(own, other, atol=1e-12) for own, other in zip(ours, theirs, strict=True))
