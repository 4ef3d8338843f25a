"""The attention of chunks of blocks against the attention of all, and its gradient against autograd's."""

import pytest
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from saccade.ops.block_attention import BlockAttention
from saccade.ops.block_chunks import BlockChunk, block_chunks
from saccade.ops.dropping import kept, seeded
from saccade.ops.union_index import union_index
from saccade.ops.union_windows import position_bias, union_window_attention
from tests.ops.ordered_grids import SLIDES, ordered_grid

HEADS, DIM = 2, 3


def drawn(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


def biases(table: Tensor) -> Tensor:
    pairs = rearrange(position_bias(table), "parity head query key -> head (parity query key)")
    return F.pad(pairs, (0, 1), value=torch.finfo(table.dtype).min)


@pytest.mark.parametrize("rows", [5, 1000])
@pytest.mark.parametrize("released", [False, True])
@pytest.mark.parametrize("slides", SLIDES)
def test_chunks_attend_as_all_do_together(slides: str, released: bool, rows: int) -> None:
    grid = ordered_grid(SLIDES[slides], released)
    index = union_index(grid, skip_even_shift=released)
    parts = [drawn(len(grid), HEADS, DIM).requires_grad_() for _ in range(3)] + [drawn(HEADS, 11, 11).requires_grad_()]
    query, key, value, table = parts
    wanted = union_window_attention(query, key, value, table, index)
    if not len(grid):
        return
    grad = drawn(len(grid), HEADS, DIM)
    theirs = torch.autograd.grad(wanted, parts, grad)
    both, bias, scale = torch.cat([key, value], dim=2).detach(), biases(table.detach()), DIM**-0.5
    found, query_grad, both_grad, bias_grad = (torch.zeros_like(part) for part in (wanted, query, both, bias))
    for chunk in block_chunks(index, rows):
        attention, own = BlockAttention(chunk, both[chunk.band], bias, None), query.detach()[chunk.cells] * scale
        attended = attention.forward(own, keep=True)
        found[chunk.cells] = attended.values
        down = attention.backward(own, attended.weights, grad[chunk.cells], both_grad[chunk.band], bias_grad)
        query_grad[chunk.cells] = scale * down
    (table_grad,) = torch.autograd.grad(biases(table), table, bias_grad)
    ours = (query_grad, *both_grad.chunk(2, dim=2), table_grad)
    assert torch.allclose(found, wanted, atol=1e-10, rtol=0)
    assert all(torch.allclose(own, other, atol=1e-10, rtol=0) for own, other in zip(ours, theirs, strict=True))


def with_dropout(chunk: BlockChunk, bias: Tensor, both: Tensor) -> BlockAttention:
    return BlockAttention(chunk, both, bias, (kept((HEADS, *chunk.pairs.shape), 0.4, seeded(7, "cpu")), 1 / 0.6))


@pytest.mark.parametrize("slides", ["blobs", "scattered"])
def test_dropped_pairs_are_dropped_both_ways(slides: str) -> None:
    grid = ordered_grid(SLIDES[slides])
    (chunk,) = block_chunks(union_index(grid), 10**6)
    query, both, bias = drawn(len(grid), HEADS, DIM), drawn(len(grid), HEADS, 2 * DIM), biases(drawn(HEADS, 11, 11))
    attended = with_dropout(chunk, bias, both).forward(query, keep=True)
    grad = drawn(len(grid), HEADS, DIM)
    both_grad, bias_grad = torch.zeros_like(both), torch.zeros_like(bias)
    down = with_dropout(chunk, bias, both).backward(query, attended.weights, grad, both_grad, bias_grad)
    step = 1e-6
    for part, found in ((query, down), (both, both_grad), (bias, bias_grad)):
        way = drawn(*part.shape)
        if part is bias:
            way[:, -1] = 0  # pairs that do not count stay so
        ends = []
        for sign in (1, -1):
            moved = {id(each): each + sign * step * way if each is part else each for each in (query, both, bias)}
            ends.append(with_dropout(chunk, moved[id(bias)], moved[id(both)]).forward(moved[id(query)]).values)
        numeric = ((ends[0] - ends[1]) * grad).sum() / (2 * step)
        assert torch.allclose((found * way).sum(), numeric, rtol=1e-6)
