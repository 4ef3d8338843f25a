"""Stratified draws by case: which case goes to which part, so that every part holds its share of every label.

Iterative stratification (Sechidis et al. 2011) over cases: the rarest label first, each of its cases goes to the part
that lacks most of it. Cases are put in order by a hash of the seed and their name, so a draw depends neither on the
order of the rows nor on the machine.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from saccade.core.manifest import Row


class Cases:
    """The cases of some rows: their names, labels and sizes."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.labels: dict[str, Counter[str]] = defaultdict(Counter)
        self.of_label: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            self.labels[row.case][row.label] += 1
            self.of_label[row.label].add(row.case)
        self.names = sorted(self.labels)

    def size(self, name: str) -> int:
        """How many images a case has."""
        return self.labels[name].total()


def distribute(cases: Cases, shares: Mapping[str, float], rank: Mapping[str, int], seed: int) -> dict[str, str]:
    """The part of each case: rarest label first, large cases first, to the part that lacks most.

    >>> from pathlib import Path
    >>> rows = [Row(Path(name), label=name[0]) for name in ("a1", "a2", "b1", "b2")]
    >>> sorted(distribute(Cases(rows), {"here": 0.5, "there": 0.5}, {"here": 0, "there": 0}, seed=0).values())
    ['here', 'here', 'there', 'there']

    Args:
        cases: What to distribute.
        shares: Share of the images of each part, which sum to 1.
        rank: Which part is served first, from 0, where a label has too few cases for all.
        seed: Seed of the draw.
    """
    draws = _Draws(cases, shares, rank)
    order = sorted(cases.names, key=lambda name: (-cases.size(name), _hash(name, seed)))
    waiting = {label: set(names) for label, names in cases.of_label.items()}
    while waiting:
        label = min(waiting, key=lambda label: (len(waiting[label]), label))
        group = [name for name in order if name in waiting[label]] if waiting[label] else []
        for index, name in enumerate(group):
            draws.place(name, draws.choose(label, left=len(group) - index))
        placed = set(group)
        waiting = {other: names - placed for other, names in waiting.items() if other != label}
    return draws.part_of


class _Draws:
    """How much of each label every part still needs, and what it already has."""

    def __init__(self, cases: Cases, shares: Mapping[str, float], rank: Mapping[str, int]) -> None:
        totals = sum(cases.labels.values(), Counter())
        self.cases, self.rank = cases, rank
        self.need = {part: {label: share * totals[label] for label in totals} for part, share in shares.items()}
        self.room = {part: share * totals.total() for part, share in shares.items()}
        self.held: dict[str, set[str]] = {part: set() for part in shares}
        self.part_of: dict[str, str] = {}

    def choose(self, label: str, left: int) -> str:
        """The part that gets the next of a label's ``left`` cases; parts without it come first when few are left."""
        lacking = [part for part in self.held if label not in self.held[part]]
        if left <= len(lacking):
            return min(lacking, key=lambda part: (self.rank[part], -self.room[part]))
        return max(self.need, key=lambda part: (round(self.need[part][label], 6), -self.rank[part], self.room[part]))

    def place(self, name: str, part: str) -> None:
        self.part_of[name] = part
        for label, count in self.cases.labels[name].items():
            self.need[part][label] -= count
            self.room[part] -= count
            self.held[part].add(label)


def _hash(name: str, seed: int) -> bytes:
    """A place in the draw that depends on nothing but the seed and the case's name."""
    return hashlib.blake2b(f"{seed}\0{name}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
