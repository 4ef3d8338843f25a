"""Attention in the union of two windows written out: an explicit list of who attends to whom, and a loop over it."""

import math

import torch
from torch import Tensor

from saccade.ops.slide_grid import SlideGrid

HEADS, DIM = 2, 3


def keys_of(grid: SlideGrid, released: bool = False) -> list[list[int]]:
    """The keys of each cell, found by asking of every other cell whether it shares a window."""
    slide, cells = grid.slide.tolist(), grid.cells.tolist()
    homes: dict[tuple[int, ...], set[int]] = {}
    shares: list[list[tuple[int, ...]]] = []
    for number, (own, (column, row)) in enumerate(zip(slide, cells, strict=True)):
        windows = [(own, 0, column // 6, row // 6), (own, 3, (column + 3) // 6, (row + 3) // 6)]
        if released and all(extent % 6 == 0 for extent in grid.extents[own].tolist()):
            windows = windows[:1]
        shares.append(windows)
        for window in windows:
            homes.setdefault(window, set()).add(number)
    keys = []
    for number, windows in enumerate(shares):
        found = set().union(*(homes[window] for window in windows))
        if released and bool(grid.sentinel[number]):
            found -= {number}
        keys.append(sorted(found))
    return keys


def literal(query: Tensor, key: Tensor, value: Tensor, table: Tensor, grid: SlideGrid, keys: list[list[int]]) -> Tensor:
    rows = []
    for number, seen in enumerate(keys):
        column, row = grid.cells[number].tolist()
        total = 0 * value[number]
        for head in range(query.shape[1]):
            scores = [
                key[other, head] @ query[number, head] / math.sqrt(query.shape[2])
                + table[head, int(grid.cells[other, 1]) - row + 5, int(grid.cells[other, 0]) - column + 5]
                for other in seen
            ]
            if scores:
                total[head] = torch.stack(scores).softmax(0) @ value[seen, head]
        rows.append(total)
    return torch.stack(rows) if rows else value


def drawn(count: int) -> tuple[Tensor, ...]:
    """Queries, keys, values and a table."""
    shapes = [(count, HEADS, DIM)] * 3 + [(HEADS, 11, 11)]
    return tuple(torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes)
