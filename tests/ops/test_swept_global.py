"""Attention of the global token over cells normalised on the way, against the plain operator."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from saccade.ops import swept_global as module
from saccade.ops.global_attention import GlobalAttention, global_attention
from saccade.ops.swept_global import swept_global_attention

HEADS, WIDTH = 2, 6
LENGTHS = (5, 0, 1, 17, 0)


def drawn(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, requires_grad=True)


def parts() -> list[Tensor]:
    """Query, token, cells, norm, key weight, value weight, value bias."""
    slides, square = (len(LENGTHS), WIDTH), (WIDTH, WIDTH)
    return [drawn(*each) for each in (slides, slides, (sum(LENGTHS), WIDTH), (2, WIDTH), square, square, (WIDTH,))]


def swept(given: list[Tensor], hidden: Tensor | None, dropout: float = 0.0) -> GlobalAttention:
    return swept_global_attention(*given[:4], LENGTHS, *given[4:], HEADS, hidden, dropout)


@pytest.mark.parametrize("rows", [1, 4, 1000])
@pytest.mark.parametrize("some_hidden", [False, True])
def test_it_is_the_plain_operator_and_so_is_its_gradient(
    rows: int, some_hidden: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ROWS", rows)
    given = parts()
    query, token, cells, norm, *rest = given
    hidden = torch.arange(len(cells)) % 3 == 0 if some_hidden else None
    normed = F.layer_norm(cells, (WIDTH,), norm[0], norm[1])
    wanted = global_attention(query, token, normed, LENGTHS, *rest, HEADS, hidden)
    found = swept(given, hidden)
    assert torch.allclose(found.value, wanted.value, atol=1e-10)
    assert torch.allclose(found.weights, wanted.weights, atol=1e-10)
    assert not found.weights.requires_grad
    grad = torch.randn_like(found.value)
    ours, theirs = (torch.autograd.grad(each.value, given, grad, retain_graph=True) for each in (found, wanted))
    assert all(torch.allclose(own, other, atol=1e-10) for own, other in zip(ours, theirs, strict=True))


def test_the_gradient_drops_what_was_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROWS", 4)

    def seeded(*given: Tensor) -> Tensor:
        torch.manual_seed(5)
        return swept(list(given), None, dropout=0.4).value

    assert torch.autograd.gradcheck(seeded, parts(), fast_mode=True)


def test_dropout_keeps_the_mean() -> None:
    given = parts()
    with torch.no_grad():
        whole = swept(given, None).value
        rows = torch.stack([swept(given, None, dropout=0.3).value for _ in range(500)])
    assert torch.allclose(rows.mean(0), whole, atol=6 * float(rows.std(0).max()) / 500**0.5)
    assert not rows[0].equal(rows[1])


def test_no_slide() -> None:
    query, token, cells, norm, *rest = parts()
    found = swept_global_attention(query[:0], token[:0], cells[:0], norm, (), *rest, HEADS)
    assert found.value.shape == (0, WIDTH)
    assert len(found.weights) == 0
