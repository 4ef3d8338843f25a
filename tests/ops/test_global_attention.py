"""Attention of global tokens against the textbook: every cell projected, one edge at a time."""

import math

import pytest
import torch
from torch import Tensor

from saccade.ops.global_attention import global_attention

WIDTH, HEADS = 6, 2
LENGTHS = [(4,), (0,), (1,), (3, 0, 5), ()]


def drawn(lengths: tuple[int, ...]) -> dict[str, Tensor]:
    shapes = {
        "query": (len(lengths), WIDTH),
        "token": (len(lengths), WIDTH),
        "cells": (sum(lengths), WIDTH),
        "key_weight": (WIDTH, WIDTH),
        "value_weight": (WIDTH, WIDTH),
        "value_bias": (WIDTH,),
    }
    return {name: torch.randn(shape, dtype=torch.float64, requires_grad=True) for name, shape in shapes.items()}


def literal(parts: dict[str, Tensor], lengths: tuple[int, ...], hidden: Tensor) -> tuple[Tensor, Tensor]:
    key_bias = torch.randn(WIDTH, dtype=torch.float64)  # whatever it is, it changes nothing
    dim, start = WIDTH // HEADS, 0
    values, weights = [], []
    for slide, length in enumerate(lengths):
        own = [number for number in range(start, start + length) if not hidden[number]]
        inputs = [*(parts["cells"][number] for number in own), parts["token"][slide]]
        keys = [parts["key_weight"] @ each + key_bias for each in inputs]
        values_of = [parts["value_weight"] @ each + parts["value_bias"] for each in inputs]
        heads, mean = [], torch.zeros(length, dtype=torch.float64)
        for head in range(HEADS):
            part = slice(head * dim, (head + 1) * dim)
            scores = torch.stack([key[part] @ parts["query"][slide, part] / math.sqrt(dim) for key in keys]).softmax(0)
            heads.append(sum(score * value[part] for score, value in zip(scores, values_of, strict=True)))
            for number, score in zip(own, scores, strict=False):
                mean[number - start] += score.detach() / HEADS
        values.append(torch.cat(heads))
        weights.append(mean)
        start += length
    return torch.stack(values), torch.cat(weights)


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("masked", [False, True])
def test_folded_is_the_textbook(lengths: tuple[int, ...], masked: bool) -> None:
    parts = drawn(lengths)
    hidden = torch.arange(sum(lengths)) % 2 == 0 if masked else torch.zeros(sum(lengths), dtype=torch.bool)
    found = global_attention(**parts, lengths=lengths, heads=HEADS, hidden=hidden if masked else None)
    if not lengths:
        assert found.value.shape == (0, WIDTH)
        return
    value, weights = literal(parts, lengths, hidden)
    assert torch.allclose(found.value, value, atol=1e-10, rtol=0)
    assert torch.allclose(found.weights, weights, atol=1e-10, rtol=0)
    probe = torch.randn_like(value)
    ours = torch.autograd.grad((found.value * probe).sum(), list(parts.values()), materialize_grads=True)
    theirs = torch.autograd.grad((value * probe).sum(), list(parts.values()), materialize_grads=True)
    assert all(torch.allclose(own, other, atol=1e-10, rtol=0) for own, other in zip(ours, theirs, strict=True))


def test_dropout_takes_the_bias_of_the_values_with_it() -> None:
    parts = {name: part.detach() for name, part in drawn((200,)).items()}
    parts |= {"value_weight": torch.zeros(WIDTH, WIDTH).double(), "value_bias": torch.ones(WIDTH).double()}
    rows = [global_attention(**parts, lengths=(200,), heads=HEADS, dropout=0.5).value for _ in range(200)]
    assert torch.stack(rows).std() > 0.01
    assert abs(float(torch.stack(rows).mean()) - 1) < 0.1
