"""Sparse lattices to try operators on: the awkward sizes and places, alone and together."""

import torch
from torch import Tensor

from saccade.ops.slide_grid import SlideGrid, placed


def sparse(columns: int, rows: int, share: float, seed: int = 0) -> Tensor:
    """Random cells of a lattice, in random order."""
    generator = torch.Generator().manual_seed(seed)
    cells = torch.cartesian_prod(torch.arange(columns), torch.arange(rows))
    return cells[torch.randperm(len(cells), generator=generator)[: max(1, round(share * len(cells)))]]


NONE = torch.zeros(0, 2, dtype=torch.long)
ONE = torch.tensor([[4, 9]])

SLIDES: dict[str, tuple[Tensor, ...]] = {
    "no slide": (),
    "none": (NONE,),
    "one": (ONE,),
    "two": (torch.tensor([[0, 0], [1, 0]]),),
    "two far apart": (torch.tensor([[0, 0], [10**8, -(10**8)]]),),
    "a full window": (sparse(6, 6, 1.0),),
    "under a window": (sparse(3, 2, 1.0),),
    "a multiple of 6": (sparse(10, 18, 0.5),),
    "multiples of 6 at every stage": (sparse(20, 20, 0.25),),
    "a line": (sparse(40, 1, 0.8),),
    "blobs": (torch.cat([sparse(7, 6, 0.9), sparse(6, 7, 0.9) + torch.tensor([14, 5])]),),
    "scattered": (sparse(31, 25, 0.1),),
    "negative": (sparse(13, 9, 0.5) - 1000,),
    "huge": (sparse(13, 9, 0.5) + 2**52,),
    "several": (sparse(25, 8, 0.3), NONE, ONE, sparse(7, 7, 1.0, 1), sparse(5, 30, 0.3, 2) - 77, NONE),
}


def grid_of(slides: tuple[Tensor, ...]) -> SlideGrid:
    return placed(torch.cat([*slides, NONE]), tuple(map(len, slides)))
