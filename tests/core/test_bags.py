"""Bags: joined, cut and moved without losing a patch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
import torch

from saccade.core.bags import BagIndex, Bags
from saccade.core.errors import BadInput
from saccade.core.results import Cost


def bags(*lengths: int, recorded: bool = False) -> Bags:
    count = sum(lengths)
    cells = torch.stack([torch.arange(count), torch.arange(count) // 3], dim=1)
    cost = Cost(*(torch.full((len(lengths),), float(i)) for i in range(5))) if recorded else None
    return Bags(torch.randn(count, 4), cells, lengths, recorded=cost)


def same(first: Bags, second: Bags) -> bool:
    parts = ("features", "cells", "boxes")
    return first.lengths == second.lengths and all(getattr(first, p).equal(getattr(second, p)) for p in parts)


@pytest.mark.parametrize("recorded", [False, True])
def test_joining_then_cutting_gives_the_parts_back(recorded: bool) -> None:
    parts = [bags(3, 0, recorded=recorded), bags(2, recorded=recorded)]
    joined = Bags.concatenate(parts)
    assert len(joined) == 3
    assert same(joined[0], parts[0][0])
    assert same(joined[1], parts[0][1])
    assert same(joined[-1], parts[1])
    assert joined.cost().pixels_looked.isnan().tolist() == [not recorded] * 3
    assert joined[-1].cost().reads.tolist() == parts[1].cost().reads.tolist()
    assert same(joined.to("cpu"), joined)


def test_what_nobody_counted_is_unknown() -> None:
    cost = bags(2, 0).cost()
    assert cost.reads.tolist() == [2, 0]
    unknown = (cost.pixels_total, cost.pixels_looked, cost.pixels_read, cost.pixels_decoded)
    assert all(part.isnan().all() for part in unknown)


def test_what_was_recorded_stays() -> None:
    assert bags(2, recorded=True).to("cpu").cost().pixels_read.tolist() == [2]


@pytest.mark.parametrize("lengths", [(), (3,), (1, 2), (3, -1)])
def test_parts_that_do_not_belong_together_are_refused(lengths: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match="make no bags"):
        Bags(torch.zeros(2, 4), torch.zeros(2, 2, dtype=torch.long), lengths)


def test_a_slide_that_is_not_there_is_refused() -> None:
    with pytest.raises(IndexError):
        bags(1, 2)[2]


@dataclass(frozen=True)
class Index:
    """An index that knows no more than how many patches there are, and where it has been."""

    patches: tuple[int, ...]
    devices: tuple[str, ...] = ()

    def to(self, device: torch.device | str) -> "Index":
        return Index(self.patches, (*self.devices, str(device)))

    @classmethod
    def concatenate(cls, parts: Sequence["Index"]) -> "Index":
        return cls(tuple(count for part in parts for count in part.patches))


def indexed(*lengths: int) -> Bags:
    return replace(bags(*lengths), index=Index(lengths))


def test_an_index_goes_where_its_bags_go() -> None:
    assert isinstance(Index((1,)), BagIndex)
    assert Bags.concatenate([indexed(3, 0), indexed(2)]).index == Index((3, 0, 2))
    assert indexed(3).to("cpu").index == Index((3,), ("cpu",))
    assert indexed(3)[0].index == Index((3,))


def test_an_index_that_would_be_wrong_is_left_behind() -> None:
    assert indexed(3, 0)[0].index is None
    assert Bags.concatenate([indexed(3), bags(2)]).index is None
    assert bags(3).to("cpu").index is None


def test_an_index_of_other_slides_is_refused() -> None:
    with pytest.raises(BadInput, match="index"):
        replace(bags(3), index=Index((2,)))
