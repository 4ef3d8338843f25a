"""Indices of several slides: moved to a device as one, and put one after the other so that their numbers stay right."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from itertools import accumulate
from typing import Any, TypeVar

import torch
from jaxtyping import Int
from torch import Tensor

Part = TypeVar("Part")


def moved(part: Part, device: torch.device | str) -> Part:
    """The same index with all its tensors on a device; a part that serves twice still does.

    >>> from saccade.ops.slide_grid import placed
    >>> moved(placed(torch.tensor([[0, 0]]), (1,)), "meta").cells.device.type
    'meta'

    Args:
        part: A tensor, a dataclass or tuple of such, or anything else, which stays as it is.
        device: Where to.
    """
    return _moved(part, device, {})


def renumbered(parts: Sequence[Int[Tensor, "_ *place"]], counts: Sequence[int]) -> Int[Tensor, "_ *place"]:
    """Numbers of several slides' things, one after the other; −1 stays.

    >>> renumbered([torch.tensor([0, 1]), torch.tensor([-1, 0])], [2, 1]).tolist()
    [0, 1, -1, 2]

    Args:
        parts: For each slide numbers that begin at 0.
        counts: How many things each slide has that the numbers tell apart.
    """
    starts = accumulate(counts[:-1], initial=0)
    return torch.cat([part + start * (part >= 0) for part, start in zip(parts, starts, strict=True)])


def _moved(part: Any, device: torch.device | str, done: dict[int, Any]) -> Any:
    if id(part) not in done:
        made = part
        if isinstance(part, Tensor):
            made = part.to(device)
        elif isinstance(part, tuple):
            made = tuple(_moved(each, device, done) for each in part)
        elif is_dataclass(part):
            made = type(part)(*(_moved(getattr(part, field.name), device, done) for field in fields(part)))
        done[id(part)] = made
    return done[id(part)]
