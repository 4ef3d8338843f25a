"""The blocks of a slide in chunks, from top to bottom, each with the band of cells that holds its keys.

Cells lie in the order of their blocks. So a chunk's queries are rows that follow each other, and since a block's
keys are at most one row of blocks above or below, its keys are found in a band that moves down with it. What is made
of a band's cells need only be kept while the band holds them, and a finished chunk may be written over its input.

Only places that hold a cell are computed: queries and keys of a block are moved to the front, and cut to the most that
any block of the chunk has. Where tissue is dense that changes nothing; scattered cells have 14 keys instead of 63.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from saccade.ops.union_index import KEYS, PLACES, UnionIndex

UNSEEN = 4 * PLACES * KEYS
"""Number of a pair whose key does not count: the last of a head's biases."""


@dataclass(frozen=True, eq=False)
class BlockChunk:
    """Some blocks that follow each other.

    Attributes:
        number: From 0.
        cells: Their cells, the rows that ask.
        band: The cells among which their keys are.
        queries: Rows of ``cells``, block by block; any where a block has fewer.
        slots: Where among all queries each of the cells is.
        present: Which queries are cells.
        keys: Rows of ``band``, block by block; any where a block has fewer.
        pairs: Number of each pair's position bias, ``UNSEEN`` where it does not count.
        parity: Of each block, where all pairs of all places are there in their order; ``None`` where some were cut.
        lonely: Queries without a key, which only the release's sentinels can be; ``None`` where there is none.
    """

    number: int
    cells: slice
    band: slice
    queries: Int[Tensor, "block query"]
    slots: Int[Tensor, " cell"]
    present: Bool[Tensor, "block query"]
    keys: Int[Tensor, "block key"]
    pairs: Int[Tensor, "block query key"]
    parity: Int[Tensor, " block"] | None
    lonely: Bool[Tensor, "block query"] | None


def block_chunks(index: UnionIndex, rows: int) -> Iterator[BlockChunk]:
    """All blocks, some at a time, from the first to the last.

    Args:
        index: Of cells in the order of their blocks.
        rows: About how many cells a chunk has.
    """
    if not len(index.tokens):
        return
    starts = _first_cells(index)
    cuts = _cuts(starts, rows)
    lowest, highest = _bands(index, cuts)
    for number, (start, end) in enumerate(pairwise(cuts)):
        cells = slice(starts[start], starts[end])
        yield _chunk(index, number, slice(start, end), cells, slice(starts[lowest[number]], starts[highest[number]]))


def in_block_order(index: UnionIndex) -> bool:
    """Whether cells lie in the order of their blocks."""
    return bool((index.place[1:] > index.place[:-1]).all())


def _first_cells(index: UnionIndex) -> list[int]:
    """The number of each block's first cell, and of all cells."""
    counts = (index.tokens >= 0).sum(1)
    return [0, *counts.cumsum(0).tolist()]


def _cuts(starts: list[int], rows: int) -> list[int]:
    """The first block of each chunk, and the number of blocks."""
    cuts = [0]
    for block, start in enumerate(starts):
        if start - starts[cuts[-1]] >= rows:
            cuts.append(block)
    return cuts if cuts[-1] == len(starts) - 1 else [*cuts, len(starts) - 1]


def _bands(index: UnionIndex, cuts: list[int]) -> tuple[list[int], list[int]]:
    """The first block of each chunk's band and the one after its last; neither ever moves up."""
    blocks = len(index.tokens)
    first = index.neighbours.masked_fill(index.neighbours < 0, blocks).amin(1)
    last = index.neighbours.amax(1) + 1
    bounds = list(pairwise(cuts))
    lowest = torch.stack([first[start:end].amin() for start, end in bounds]).flip(0).cummin(0).values.flip(0)
    highest = torch.stack([last[start:end].amax() for start, end in bounds]).cummax(0).values
    return lowest.tolist(), highest.tolist()


def _chunk(index: UnionIndex, number: int, blocks: slice, cells: slice, band: slice) -> BlockChunk:
    neighbours = index.neighbours[blocks]
    tokens = index.tokens[neighbours.clamp_min(0)].masked_fill((neighbours < 0)[..., None], -1).flatten(1)
    queries, query_place = _to_the_front(index.tokens[blocks])
    keys, key_place = _to_the_front(tokens)
    present, seen = queries >= 0, (keys >= 0)[:, None].expand(-1, queries.shape[1], -1)
    if bool(index.selfless[cells].any()):
        selfless = index.selfless[queries.clamp_min(0)] & present
        seen = seen & ~(selfless[..., None] & (queries[..., None] == keys[:, None]))
    pairs = (index.parity[blocks, None] * PLACES + query_place)[..., None] * KEYS + key_place[:, None]
    lonely = present & ~seen.any(-1)
    return BlockChunk(
        number,
        cells,
        band,
        (queries - cells.start).clamp_min(0),
        present.flatten().nonzero()[:, 0],
        present,
        (keys - band.start).clamp_min(0),
        pairs.masked_fill(~seen, UNSEEN),
        index.parity[blocks] if pairs.shape[1:] == (PLACES, KEYS) else None,
        lonely if bool(lonely.any()) else None,
    )


def _to_the_front(tokens: Int[Tensor, "block place"]) -> tuple[Int[Tensor, "block some"], Int[Tensor, "block some"]]:
    """The cells of each block first, and their places; as many as any block has, and as they are where that is all."""
    absent = tokens < 0
    most = int((~absent).sum(1).amax())
    if most == tokens.shape[1]:
        return tokens, torch.arange(most, device=tokens.device).expand_as(tokens)
    place = absent.to(torch.uint8).argsort(dim=1, stable=True)[:, :most]
    return tokens.gather(1, place), place
