"""Three tasks that each need one part of SPAN: shifted windows, the pyramid, the global token.

A slide is one needle core, or two side by side that are copies of one another apart from *marks*: patches of tumour and
lymphocytes whose arrangement is the label. The number of patches of each kind is the same in both classes, always, so
a bag of kinds (mean pooling, ABMIL over one-hot features) is at chance by construction. The same state of the generator
gives the slide of either class with the same background, so that what differs is the label and nothing else.

What the arguments below call exact holds for any weights and any training: the ablated network gives both classes the
same distribution of outputs. They are about SPAN "111" with 6×6 windows, a shift of 3, and the lattice's first window
starting at the first column and row. The released SPAN pads lattices of such sizes by 2 on each side: give ``offset=2``
for it. If an ablation solves a task all the same, report that.
"""

import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from saccade.core.errors import BadInput
from saccade.datasets.simulators.slides.patch_grids import PatchGrid

NAMES = ("stroma", "necrosis", "tumour", "lymphocytes")
"""Background kinds, then the two kinds of marks."""

CLASSES = ("different", "same")

_MARKS = (2, 3)  # tumour, lymphocytes
_NECROSIS = 0.3  # share of the background


@dataclass(frozen=True)
class Mark:
    """A patch that counts: column and row, and which of the two kinds of marks it is."""

    column: int
    row: int
    bit: int


@dataclass(frozen=True)
class LatticeTask(ABC):
    """A task: the size of its cores and where the marks of either class lie.

    Attributes:
        columns: Length of a core in patches.
        rows: Its width.
        offset: Columns, and rows, by which the first window starts before the first patch: 0, 2 or 4.
    """

    name: ClassVar[str]
    cores: ClassVar[int] = 2
    pitch: ClassVar[int] = 24
    """Rows from the first of one core to the first of the next: a multiple of 12, and too far for any local window."""

    columns: int = 24
    rows: int = 8
    offset: int = 0

    def __post_init__(self) -> None:
        if self.offset not in (0, 2, 4) or self.rows < 8 or self.columns < 24:
            message = f"cores of {self.columns}×{self.rows} patches, {self.offset} off, hold no marks"
            raise BadInput(message, "make them 24×8 or larger, and the offset 0, 2 or 4")

    @abstractmethod
    def marks(self, same: bool, rng: np.random.Generator) -> tuple[tuple[Mark, ...], ...]:
        """The marks of each core; draws as much from the generator for either class."""

    def draw(self, label: str, rng: np.random.Generator) -> PatchGrid:
        """Draw a slide of a class.

        Raises:
            BadInput: There is no such class.
        """
        if label not in CLASSES:
            raise BadInput(f"{label!r} is no class of this task", f"choose {' or '.join(CLASSES)}")
        core = (rng.random((self.rows, self.columns)) < _NECROSIS).astype(np.int64)
        places = np.stack(np.meshgrid(np.arange(self.columns), np.arange(self.rows)), -1).reshape(-1, 2)
        cells, kinds = [], []
        for number, marks in enumerate(self.marks(label == "same", rng)):
            marked = core.copy()
            for mark in marks:
                marked[mark.row, mark.column] = _MARKS[mark.bit]
            cells.append(places + np.array([0, number * self.pitch]))
            kinds.append(marked.ravel())
        return PatchGrid(np.concatenate(cells).astype(np.int64), np.concatenate(kinds), label, NAMES)


@dataclass(frozen=True)
class ShiftTask(LatticeTask):
    """Pairs of marks that straddle a window's edge: the parts lie in one row, or one row apart?

    At the edge between columns 11 and 12 a tumour patch lies left and a lymphocyte patch right, in the same row or in
    the two rows of one 2×2 block. One core holds a pattern of upper and lower rows on either side; the other core holds
    its opposite. In "same" the right side of each core repeats its left side, in "different" it is the opposite: the
    right halves of the two cores are exchanged.

    *Needs the shift, exact.* Column 12 starts a window at the first resolution and, 12 being 6 × 2, after one
    condensation too. Without the shift, what the global token reads is a function of the set of aligned 12×12 windows,
    and exchanging right halves leaves that set as it was.

    *Needs it before condensation.* Averaged over 2×2 blocks the marks of both classes are the same, cell for cell: the
    diagonal pairs are decoys that one condensation erases. (A condensation with weights of its own for each of the four
    children can pass on which of them was marked; then the shift of the second stage does as well.)

    With ``relation="kinds"`` the pair lies in one row and is of one kind or of two: no position is needed, so it is
    learned faster; one condensation no longer erases it. Both relations are at chance without the shift.
    """

    name: ClassVar[str] = "shift"
    relation: Literal["rows", "kinds"] = "rows"

    def marks(self, same: bool, rng: np.random.Generator) -> tuple[tuple[Mark, ...], ...]:
        """Two or three pairs in each core, in the row pairs that no shifted window cuts."""
        edge = 12 - self.offset
        slots = [row for row in range(0, 8, 2) if (row + self.offset) % 6 != 2]
        pattern = rng.integers(2, size=len(slots)).tolist()
        cores = []
        for turned in (0, 1):
            left = [bit ^ turned for bit in pattern]
            right = left if same else [1 - bit for bit in left]
            if self.relation == "rows":
                pairs = [(Mark(edge - 1, row + one, 0), Mark(edge, row + two, 1))
                         for row, one, two in zip(slots, left, right, strict=True)]  # fmt: skip
            else:
                pairs = [(Mark(edge - 1, row, one), Mark(edge, row, two))
                         for row, one, two in zip(slots, left, right, strict=True)]  # fmt: skip
            cores.append(tuple(mark for pair in pairs for mark in pair))
        return tuple(cores)


@dataclass(frozen=True)
class PyramidTask(LatticeTask):
    """Two blocks of marks 16 patches apart in each core: of one kind, or of two?

    Blocks of 2×2 lie 16 columns apart. "Same": one core has tumour at both ends, the other lymphocytes; "different":
    either core has both, in opposite orders.

    *Needs the pyramid, exact.* Two layers of local attention without condensation, shift included, let no patch know of
    more than 15 columns: none knows both blocks. What the global token reads is then a function of the set of blocks
    with their surroundings, which are copies in the two cores, so exchanging the right ends changes nothing. (A third
    layer whose local outputs are read can relay it; in "111" the last layer's are not.)

    *The pyramid can.* After one condensation a window reaches 6 × 2 columns, and a token where regular and shifted
    window overlap sees 18: it sees both blocks at once, whole, as one token each.
    """

    name: ClassVar[str] = "pyramid"

    def marks(self, same: bool, rng: np.random.Generator) -> tuple[tuple[Mark, ...], ...]:
        """One block at either end of each core, in one of two pairs of rows."""
        start = -self.offset % 6  # where the reach of a token after one condensation starts
        kind, left_row, right_row = int(rng.integers(2)), 2 * int(rng.integers(2)), 2 * int(rng.integers(2))
        cores = []
        for left in (kind, 1 - kind):
            right = left if same else 1 - left
            ends = ((start, left_row, left), (start + 16, right_row, right))
            cores.append(tuple(Mark(x + dx, y + dy, bit) for x, y, bit in ends for dx in (0, 1) for dy in (0, 1)))
        return tuple(cores)


@dataclass(frozen=True)
class GlobalTask(LatticeTask):
    """Two markers at the ends of one long core: alike or not?

    A marker is a tumour patch and a lymphocyte patch, one above the other in one 2×2 block: either may be on top.
    "Same": both markers have the same on top.

    *Needs what sees the whole slide, exact.* The markers are 40 columns apart; local attention, shifted and condensed,
    knows of fewer than 30. So every local token has the same distribution in both classes, and so has every sum over
    tokens of what they know, on average: f(1,1) + f(2,2) = f(1,2) + f(2,1). Label and evidence are an exclusive or. It
    takes a place where both markers meet before something nonlinear: the global token and its feed-forward part.

    *Not needed:* shift. A pooling head with a hidden layer may replace the global token; a linear one cannot.
    """

    name: ClassVar[str] = "global"
    cores: ClassVar[int] = 1
    columns: int = 48

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.columns < 46:
            raise BadInput(f"{self.columns} columns are too few to keep markers apart", "give 46 or more")

    def marks(self, same: bool, rng: np.random.Generator) -> tuple[tuple[Mark, ...], ...]:
        """A marker near either end."""
        first = int(rng.integers(2))
        second = first if same else 1 - first
        marks = []
        for column, top in ((2, first), (self.columns // 2 * 2 - 4, second)):
            row = 2 * int(rng.integers(self.rows // 2))
            marks += [Mark(column, row, top), Mark(column, row + 1, 1 - top)]
        return (tuple(marks),)


TASKS: dict[str, LatticeTask] = {task.name: task for task in (ShiftTask(), PyramidTask(), GlobalTask())}
"""The tasks as METHODS describes them, by name."""


def draw_grids(task: LatticeTask, count: int, seed: int = 0) -> Iterator[PatchGrid]:
    """Draw slides of both classes in turn; slide i is the same however many are drawn.

    >>> [grid.label for grid in draw_grids(TASKS["shift"], 4)]
    ['different', 'same', 'different', 'same']
    """
    for index in range(count):
        rng = np.random.default_rng([seed, zlib.crc32(task.name.encode()), index])
        yield task.draw(CLASSES[index % 2], rng)
