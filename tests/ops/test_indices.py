"""Indices joined and moved as one."""

from dataclasses import dataclass

import torch
from torch import Tensor

from saccade.ops.indices import moved, renumbered


@dataclass(frozen=True, eq=False)
class Pair:
    first: Tensor
    second: tuple[Tensor | None, ...]
    name: str


def test_numbers_go_on_where_the_slide_before_ended() -> None:
    parts = [torch.tensor([[0, 2]]), torch.zeros(0, 2, dtype=torch.long), torch.tensor([[-1, 1], [0, -1]])]
    assert renumbered(parts, [3, 0, 2]).tolist() == [[0, 2], [-1, 4], [3, -1]]
    assert renumbered(parts[:1], [3]).equal(parts[0])


def test_everything_moves_and_what_serves_twice_still_does() -> None:
    shared = torch.zeros(2)
    found = moved(Pair(shared, (shared, None, torch.ones(1)), "kept"), "meta")
    assert found.first is found.second[0]
    assert found.second[1] is None
    assert [found.first.device.type, found.second[2].device.type] == ["meta", "meta"]  # type: ignore[union-attr]
    assert found.name == "kept"
