"""A composed field: its pixels, its label and the boxes that are its truth."""

import zlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int, UInt8

Kind = Literal["needle", "distractor", "decoy"]
KINDS: tuple[Kind, ...] = ("needle", "distractor", "decoy")


@dataclass(frozen=True)
class MarkedBox:
    """What was put where: the half-open box x0, y0, x1, y1 in base pixels, with its class and kind.

    A *needle* gives the field its label; a *distractor* is of a class that does not count; a *decoy* was put there by
    the same procedure and holds nothing of interest, so its label is empty.
    """

    box: tuple[int, int, int, int]
    label: str
    kind: Kind


@dataclass(frozen=True, eq=False)
class Field:
    """One composed image.

    Attributes:
        image: The pixels.
        label: Class of the needles.
        boxes: Everything that was pasted, needles first.
        part: The part of the split: train, val or test.
        name: The same on every machine, such as ``train_00012``.
        case_id: The case of the needle; fields that share it are not independent.
    """

    image: UInt8[np.ndarray, "height width channel"]
    label: str
    boxes: tuple[MarkedBox, ...]
    part: str
    name: str
    case_id: str

    def boxes_of(self, kind: Kind) -> Int[np.ndarray, "box 4"]:
        """The boxes of one kind."""
        return np.array([marked.box for marked in self.boxes if marked.kind == kind], int).reshape(-1, 4)


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """A generator that depends on the seed and the names alone, not on what was drawn before.

    >>> [int(generator(0, "train", 3).integers(100)) for _ in range(3)]
    [77, 77, 77]
    """
    return np.random.default_rng([seed, *(zlib.crc32(str(name).encode()) for name in names)])


def turn(seed: int, names: tuple[str | int, ...], count: int, index: int) -> int:
    """Which of ``count`` things the ``index``-th draw takes: each once, in random order, before any comes again.

    >>> sorted(turn(0, ("needles",), 4, index) for index in range(8))
    [0, 0, 1, 1, 2, 2, 3, 3]
    """
    order = generator(seed, *names, "round", index // count).permutation(count)
    return int(order[index % count])
