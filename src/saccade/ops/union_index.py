"""Which cells attend to which, where each attends within its window and the window shifted by half.

Windows are 6×6 and start at multiples of 6; the shifted ones start 3 before. A cell's keys are all cells that share its
window or its shifted window, itself included, none twice: at most 36 + 36 − 9 = 63. Cells of one 3×3 block all have the
same keys, which are those of 7 blocks: its own, three more of its window and three more of its shifted window. So a
block's 9 places attend to 7 × 9 places at once.

Where a whole grid is under 6×6, its only window holds it all, and attention is full.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from saccade.ops.indices import renumbered
from saccade.ops.slide_grid import SlideGrid, coarsened

WINDOW = 6
"""Side of a window in cells."""

SIDE = WINDOW // 2
"""Side of a block."""

PLACES = SIDE * SIDE
"""Places of a block."""

STEPS = ((0, 0), (1, 0), (0, 1), (1, 1), (-1, 0), (0, -1), (-1, -1))
"""From a block to the 7 with its keys, x before y, where column and row are even; where one is odd, its sign turns.

The first four are the window, the first and the last three the shifted one.
"""

KEYS = len(STEPS) * PLACES
"""Places that a block attends to."""

_IN_WINDOW = 4  # of the steps


@dataclass(frozen=True, eq=False)
class UnionIndex:
    """Who attends to whom, by blocks of 3×3 places.

    Attributes:
        tokens: The cell in each place of a block, −1 where there is none; rows before columns.
        neighbours: The blocks that hold a block's keys, itself first, −1 where there is none.
        parity: Twice whether the block's row is odd, plus whether its column is.
        place: Block × 9 + place of each cell.
        selfless: Cells that are no key of their own; none but the release's sentinels.
    """

    tokens: Int[Tensor, "block 9"]
    neighbours: Int[Tensor, "block 7"]
    parity: Int[Tensor, " block"]
    place: Int[Tensor, " cell"]
    selfless: Bool[Tensor, " cell"]

    @classmethod
    def concatenate(cls, parts: Sequence["UnionIndex"]) -> "UnionIndex":
        """The index of all slides."""
        cells, blocks = [len(part.place) for part in parts], [len(part.tokens) for part in parts]
        return cls(
            renumbered([part.tokens for part in parts], cells),
            renumbered([part.neighbours for part in parts], blocks),
            torch.cat([part.parity for part in parts]),
            renumbered([part.place for part in parts], [PLACES * count for count in blocks]),
            torch.cat([part.selfless for part in parts]),
        )


def block_order(grid: SlideGrid) -> Int[Tensor, " cell"]:
    """The cells block by block, and place by place within a block; slides still follow each other.

    Attention goes through them in this order fastest, since a block's cells are then rows that follow each other.

    >>> from saccade.ops.slide_grid import placed
    >>> block_order(placed(torch.tensor([[0, 0], [3, 0], [0, 1]]), (3,))).tolist()
    [0, 2, 1]
    """
    _, block = coarsened(grid, SIDE)
    return _places(grid, block).argsort()


def union_index(grid: SlideGrid, skip_even_shift: bool = False) -> UnionIndex:
    """Find the blocks of a grid and their neighbours. Cost: O(n log n), one sort of the keys.

    >>> from saccade.ops.slide_grid import placed
    >>> index = union_index(placed(torch.tensor([[0, 0], [1, 0], [9, 0]]), (3,)))
    >>> index.tokens.shape, index.neighbours[:, 0].tolist()
    (torch.Size([2, 9]), [0, 1])

    Args:
        grid: The cells.
        skip_even_shift: As the release does, leave out the shifted windows of slides whose columns and rows are both
            multiples of 6.
    """
    blocks, block = coarsened(grid, SIDE)
    place = _places(grid, block)
    tokens = torch.full((len(blocks) * PLACES,), -1, device=place.device)
    tokens[place] = torch.arange(len(grid), device=place.device)
    odd, slide = blocks.cells % 2, blocks.slide
    turn = 1 - 2 * odd
    steps = torch.tensor(STEPS, device=place.device)
    found = [blocks.numbers_of(blocks.cells + turn * step, slide) for step in steps]
    neighbours = torch.stack(found, dim=1)
    if skip_even_shift:
        unshifted = (grid.extents % WINDOW == 0).all(1)[slide]
        neighbours[:, _IN_WINDOW:] = neighbours[:, _IN_WINDOW:].masked_fill(unshifted[:, None], -1)
    return UnionIndex(tokens.view(-1, PLACES), neighbours, 2 * odd[:, 1] + odd[:, 0], place, grid.sentinel)


def _places(grid: SlideGrid, block: Int[Tensor, " cell"]) -> Int[Tensor, " cell"]:
    """Block × 9 + place of each cell."""
    inside = grid.cells % SIDE
    return block * PLACES + inside[:, 1] * SIDE + inside[:, 0]
