"""Attention between cells and several tokens against the textbook: everything projected, one edge at a time."""

import math

import pytest
import torch
from torch import Tensor

from saccade.ops.global_attention import global_attention
from saccade.ops.token_attention import asked_by_tokens, told_by_tokens

WIDTH, HEADS, TOKENS = 6, 2, 3
DIM = WIDTH // HEADS
LENGTHS = [(4,), (0,), (1,), (3, 0, 5)]


def drawn(*shapes: tuple[int, ...]) -> list[Tensor]:
    return [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]


def agree(found: Tensor, wanted: Tensor, inputs: list[Tensor]) -> None:
    assert torch.allclose(found, wanted, atol=1e-10, rtol=0)
    probe = torch.randn_like(wanted)
    ours, theirs = (
        torch.autograd.grad((each * probe).sum(), inputs, materialize_grads=True) for each in (found, wanted)
    )
    assert all(torch.allclose(own, other, atol=1e-10, rtol=0) for own, other in zip(ours, theirs, strict=True))


def told_literal(query: Tensor, key: Tensor, value: Tensor, lengths: tuple[int, ...]) -> Tensor:
    rows, number = [], 0
    for slide, length in enumerate(lengths):
        for _ in range(length):
            heads = []
            for head in range(query.shape[1]):
                keys = key[slide, :, head]
                scores = [query[number, head] @ each / math.sqrt(query.shape[2]) for each in keys]
                heads.append(torch.stack(scores).softmax(0) @ value[slide, :, head])
            rows.append(torch.stack(heads))
            number += 1
    return torch.stack(rows) if rows else query


@pytest.mark.parametrize("lengths", LENGTHS)
def test_cells_are_told_by_their_slides_tokens(lengths: tuple[int, ...]) -> None:
    tokens = (len(lengths), TOKENS, HEADS, DIM)
    inputs = drawn((sum(lengths), HEADS, DIM), tokens, tokens)
    found = told_by_tokens(*inputs, lengths)
    if sum(lengths):
        agree(found, told_literal(*inputs, lengths), inputs)
    assert found.shape == inputs[0].shape


def asked_literal(parts: list[Tensor], lengths: tuple[int, ...], heads: int = HEADS) -> Tensor:
    query, tokens, cells, key_weight, value_weight, value_bias = parts
    dim = len(value_bias) // heads
    key_bias = torch.randn(len(value_bias), dtype=torch.float64)  # whatever it is, it changes nothing
    slides, start = [], 0
    for slide, length in enumerate(lengths):
        inputs = [*cells[start : start + length], *tokens[slide]]
        keys = [key_weight @ each + key_bias for each in inputs]
        values = [value_weight @ each + value_bias for each in inputs]
        rows = []
        for token in range(TOKENS):
            mixed = []
            for part in (slice(head * dim, (head + 1) * dim) for head in range(heads)):
                scores = torch.stack([key[part] @ query[slide, token, part] / math.sqrt(dim) for key in keys])
                shares = zip(scores.softmax(0), values, strict=True)
                mixed.append(torch.stack([score * value[part] for score, value in shares]).sum(0))
            rows.append(torch.cat(mixed))
        slides.append(torch.stack(rows))
        start += length
    return torch.stack(slides)


@pytest.mark.parametrize("lengths", LENGTHS)
def test_tokens_ask_all_cells_and_all_tokens(lengths: tuple[int, ...]) -> None:
    tokens = (len(lengths), TOKENS, WIDTH)
    parts = drawn(tokens, tokens, (sum(lengths), WIDTH), (WIDTH, WIDTH), (WIDTH, WIDTH), (WIDTH,))
    query, own, cells, *weights = parts
    found = asked_by_tokens(query, own, cells, lengths, *weights, heads=HEADS)
    agree(found, asked_literal(parts, lengths), parts)


def test_a_single_token_asks_as_the_global_token_does() -> None:
    lengths = (3, 0, 5)
    parts = drawn((3, 1, WIDTH), (3, 1, WIDTH), (8, WIDTH), (WIDTH, WIDTH), (WIDTH, WIDTH), (WIDTH,))
    query, own, cells, *weights = parts
    found = asked_by_tokens(query, own, cells, lengths, *weights, heads=HEADS)[:, 0]
    wanted = global_attention(query[:, 0], own[:, 0], cells, lengths, *weights, heads=HEADS).value
    assert torch.allclose(found, wanted, atol=1e-12)


def test_dropout_takes_weights_and_keeps_their_mean() -> None:
    one = torch.ones(1, TOKENS, HEADS, DIM)
    told = told_by_tokens(torch.zeros(5000, HEADS, DIM), one, one, (5000,), dropout=0.4)
    assert told.std() > 0.1
    assert float(told.mean()) == pytest.approx(1, abs=0.05)
    zeros, bias = torch.zeros(1, TOKENS, WIDTH), torch.ones(WIDTH)
    rows = [
        asked_by_tokens(
            zeros, zeros, torch.zeros(50, WIDTH), (50,), torch.eye(WIDTH), torch.eye(WIDTH), bias, HEADS, 0.4
        )
        for _ in range(200)
    ]
    assert torch.stack(rows).std() > 0.05
    assert float(torch.stack(rows).mean()) == pytest.approx(1, abs=0.05)


def test_no_slide_has_no_token() -> None:
    none = torch.zeros(0, TOKENS, WIDTH)
    weights = (torch.eye(WIDTH), torch.eye(WIDTH), torch.zeros(WIDTH))
    assert asked_by_tokens(none, none, torch.zeros(0, WIDTH), (), *weights, heads=HEADS).shape == none.shape
