"""Three tasks that each need one part of SPAN: shifted windows, the pyramid, the global token.

A slide is one needle core, or two side by side that are copies of one another apart from *marks*: patches of tumour and
lymphocytes whose arrangement is the label. The number of patches of each kind is the same in both classes, always, so
a bag of kinds (mean pooling, ABMIL over one-hot features) is at chance by construction. The same state of the generator
gives the slide of either class with the same background, so that what differs is the label and nothing else.

What the arguments below call exact holds for any weights and any training: the ablated network gives both classes the
same distribution of outputs. They are about SPAN "111" with 6×6 windows and a shift of 3. SPAN lays a slide of 4m
columns in the middle of 4m + 4, so the first window starts 2 columns before the first patch, and so do rows: that is
``offset=2``. Were marks placed as if it started at the first patch, no-shift would solve the shift task. If an ablation
solves a task all the same, report that.
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
        columns: Length of a core in patches; a multiple of 4.
        rows: Its width; a multiple of 4.
        offset: Columns, and rows, by which the first window starts before the first patch: 2 in SPAN; else 0 or 4.
        necrosis: Share of the background that is necrosis, patch by patch; the rest is stroma. It tells nothing about
            the label. A network learns sooner where there is none: it can be raised while training.

    Raises:
        BadInput: A core is too small for its marks, or a number is out of range.
    """

    name: ClassVar[str]
    least: ClassVar[tuple[int, int]]
    """Columns and rows that the marks need."""
    pitch: ClassVar[int] = 24
    """Rows from the first of one core to the first of the next: a multiple of 12, and too far for any local window."""

    columns: int = 24
    rows: int = 8
    offset: int = 2
    necrosis: float = 0.3

    def __post_init__(self) -> None:
        columns, rows = self.least
        odd = self.columns % 4 or self.rows % 4 or self.offset not in (0, 2, 4)
        if odd or self.rows < rows or self.columns < columns:
            message = f"cores of {self.columns}×{self.rows} patches, {self.offset} off, hold no marks"
            raise BadInput(message, f"make them {columns}×{rows} or more, by steps of 4, and the offset 0, 2 or 4")
        if not 0 <= self.necrosis < 1:
            raise BadInput(f"{self.necrosis} of the background cannot be necrosis", "give a share from 0 to below 1")

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
        core = (rng.random((self.rows, self.columns)) < self.necrosis).astype(np.int64)
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

    At the edge between columns 11 and 12 of the grid, padding counted, a tumour patch lies left and a lymphocyte patch
    right, in the same row or in the two rows of one 2×2 block. One core holds a pattern of upper and lower rows on
    either side; the other core holds its opposite. In "same" the right side of each core repeats its left side, in
    "different" it is the opposite: the right halves of the two cores are exchanged.

    *Needs the shift, exact.* Column 12 of the grid starts a window at the first resolution and, 12 being 6 × 2, after
    one condensation too. Without the shift, what the global token reads is a function of the set of aligned 12×12
    windows, and exchanging right halves leaves that set as it was.

    *Needs it before condensation.* Averaged over 2×2 blocks the marks of both classes are the same, cell for cell: the
    diagonal pairs are decoys that one condensation erases. (A condensation with weights of its own for each of the four
    children can pass on which of them was marked; then the shift of the second stage does as well.)

    With ``relation="kinds"`` the pair lies in one row and is of one kind or of two: no position is needed, so it is
    learned faster; one condensation no longer erases it. Both relations are at chance without the shift.
    """

    name: ClassVar[str] = "shift"
    least: ClassVar[tuple[int, int]] = (24, 8)
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
    least: ClassVar[tuple[int, int]] = (24, 4)
    rows: int = 4

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
    """Markers in three small cores far apart: how many have tumour on top, an even number or an odd one?

    A marker is a tumour patch and a lymphocyte patch, one above the other in one 2×2 block: either may be on top. A
    core has a column of markers, one in every two rows, all with the same on top. "Same": none or two of the cores have
    tumour there, each as likely; "different": one or all three. With ``cores=2``, "same" means just that.

    *Needs what sees the whole slide.* More than 54 empty rows lie between cores. What a patch knows spans 24 rows after
    two layers of local attention, shifted and condensed, and 54 after a third: exactly, no local token knows two cores.
    A mean over what they know is then a + k · b for k cores with tumour on top (but for noise, cores are copies of one
    another). A linear head changes its mind once along that line, one after a LayerNorm at most twice, since it asks
    whether a linear function of k exceeds the root of a quadratic one. The label changes three times: one of the four k
    is misjudged, and at most 3/4 of the slides are classified rightly. It takes a place where all cores meet before
    something nonlinear: the global token and its feed-forward part.

    *Two cores are not enough:* their label is an exclusive or, which no sum of tokens shows, f(1) + f(1) and
    f(2) + f(2) against f(1) + f(2) twice; yet the length of such a sum does, and a LayerNorm divides by it.

    *Not needed:* shift. A pooling head with a hidden layer may replace the global token.
    """

    name: ClassVar[str] = "global"
    least: ClassVar[tuple[int, int]] = (8, 4)
    pitch: ClassVar[int] = 72
    columns: int = 12
    cores: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cores not in (2, 3):
            raise BadInput(f"{self.cores} cores make no such task", "give 2 or 3")

    def marks(self, same: bool, rng: np.random.Generator) -> tuple[tuple[Mark, ...], ...]:
        """A column of markers in each core, the same column in all."""
        pairs = range(0, self.rows // 2 * 2, 2)
        column, order = 2 * int(rng.integers(self.columns // 2)), rng.permutation(self.cores)
        counts = range(0 if same else 1, self.cores + 1, 2)
        with_tumour = order[: counts[int(rng.random() * len(counts))]].tolist()
        return tuple(
            tuple(Mark(column, row + down, int(core not in with_tumour) ^ down) for row in pairs for down in (0, 1))
            for core in range(self.cores)
        )


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
