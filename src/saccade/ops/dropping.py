"""Dropout that is drawn cheaply and can be drawn again: masks from a seed, 16 random bits for each number.

What recomputes a layer for its gradient must drop the same numbers again. A seed brings them back, so that no mask is
kept, and four draws from one random word make it a quarter of the work.
"""

import torch
from jaxtyping import Bool
from torch import Tensor

_STEPS = 2**16


def rounded(rate: float) -> float:
    """The share that is dropped in truth: to 1/65536.

    >>> rounded(0.05)
    0.0500030517578125
    """
    return round(rate * _STEPS) / _STEPS


def seeded(seed: int, device: torch.device | str) -> torch.Generator:
    """A generator that begins at a seed."""
    return torch.Generator(device).manual_seed(seed)


def kept(shape: tuple[int, ...], rate: float, generator: torch.Generator) -> Bool[Tensor, "..."]:
    """Which numbers are kept; those want to be divided by ``1 − rounded(rate)``.

    >>> kept((2, 3), 0.0, seeded(0, "cpu")).all().item(), kept((2, 3), 1.0, seeded(0, "cpu")).any().item()
    (True, False)
    """
    count = torch.Size(shape).numel()
    words = torch.empty(-(-count // 4), dtype=torch.int64, device=generator.device)
    bits = words.random_(-(2**63), None, generator=generator).view(torch.int16)[:count]
    bound = round(rate * _STEPS) - _STEPS // 2
    # The largest number of 16 bits is below the bound where all are dropped.
    return (bits.int() >= bound if bound == _STEPS // 2 else bits >= bound).view(shape)
