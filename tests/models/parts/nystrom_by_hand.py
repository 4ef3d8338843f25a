"""Nyström attention written out, to compare with."""

import math

import torch
from torch import Tensor

from saccade.models.parts.nystrom import NystromAttention


def nystrom_by_hand(attention: NystromAttention, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """The paper's formula head by head with whole matrices, and the convolution tap by tap.

    Returns:
        What each token gathers, and each head's matrix of attention.
    """
    width, count = tokens.shape[1], len(tokens)
    part, outputs, wholes = width // attention.heads, [], []
    for head in range(attention.heads):
        mine = slice(head * part, (head + 1) * part)
        q, k, v = (tokens @ attention.project.weight[kind * width : (kind + 1) * width][mine].T for kind in range(3))
        q = q / math.sqrt(part)
        splits = [torch.stack([each.mean(0) for each in x.tensor_split(attention.landmarks)]) for x in (q, k)]
        first, among, last = (
            (q @ splits[1].T).softmax(1),
            (splits[0] @ splits[1].T).softmax(1),
            (splits[0] @ k.T).softmax(1),
        )
        z = among.T / (among.abs().sum(0).max() * among.abs().sum(1).max())
        one = torch.eye(len(z), dtype=z.dtype)
        for _ in range(6):
            az = among @ z
            z = z @ (13 * one - az @ (15 * one - az @ (7 * one - az))) / 4
        near = torch.zeros_like(v)
        for tap, factor in enumerate(attention.residual.weight[head, 0].tolist()):
            for token in range(count):
                if 0 <= token + tap - 16 < count:
                    near[token] += factor * v[token + tap - 16]
        outputs.append(first @ z @ last @ v + near)
        wholes.append(first @ z @ last)
    return torch.cat(outputs, dim=1) @ attention.out[0].weight.T + attention.out[0].bias, torch.stack(wholes)
