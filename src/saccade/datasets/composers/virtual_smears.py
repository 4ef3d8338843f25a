"""Virtual smears: slides of a blood smear composed of single cells, on which a few cells, or who lies by whom, matter.

Crops of single cells, real or simulated, are pasted onto a smear of red cells as large as a slide. Two tasks:

- *rare*: does a cell of a rare class lie anywhere? The other cells are drawn alike for both labels, and so is how many
  there are: in "present", one to three of them are exchanged for the rare class.
- *neighbours*: cells of two classes lie in pairs, side by side. In "mixed" each pair has one of either class, in
  "alike" two of one. Both labels have as many cells of each class and as many pairs, so a bag of cells cannot tell
  them apart.

Crops and backgrounds are in one part of the split before anything is composed. Composed slides are cases of their own,
but those of a part share crops: intervals that take them for independent are too narrow.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from saccade.core.errors import BadInput
from saccade.datasets.composers.cutting import Cutout
from saccade.datasets.composers.fields import Field, Kind, MarkedBox, generator
from saccade.datasets.composers.materials import Material
from saccade.datasets.composers.pasting import Canvas, Corner, Patch, find_place, paste, pose_cutout
from saccade.datasets.composers.quilting import enlarge
from saccade.datasets.composers.stock import Stock, softened

Task = Literal["rare", "neighbours"]
LABELS: dict[str, tuple[str, str]] = {"rare": ("absent", "present"), "neighbours": ("alike", "mixed")}
"""The labels of each task; slides take turns between them."""

_RED_CELL = 0.65  # diameter of red cells over the mean size of pasted cells
_RARE = (1, 3)  # cells of the rare class where there are any
_GAP = 2  # pixels between the boxes of two neighbours


@dataclass(frozen=True)
class SmearSettings:
    """What virtual smears are like.

    Attributes:
        task: "rare" or "neighbours".
        marked: The rare class; or the two classes whose pairs matter. Where not given, the first by name,
            which is often the basophil, a rare cell indeed.
        size: Side of the square in pixels.
        cells: Least and most cells on a slide.
        pairs: Pairs on a slide of the task "neighbours", an even number.
        cell: Least and most pixels across of a cell.
        mpp: Micrometres per pixel that the files state; white cells are 10 to 16 µm across.

    Raises:
        BadInput: A value is out of range.
    """

    task: Task = "rare"
    marked: tuple[str, ...] = ()
    size: int = 4096
    cells: tuple[int, int] = (60, 150)
    pairs: int = 8
    cell: tuple[int, int] = (44, 64)
    mpp: float = 0.25

    def __post_init__(self) -> None:
        if self.task not in get_args(Task):
            raise BadInput(f"{self.task!r} is no task of virtual smears", f"choose {' or '.join(get_args(Task))}")
        if not 8 <= self.cell[0] <= self.cell[1] or self.size < 8 * self.cell[1]:
            message = f"cells of {self.cell[0]} to {self.cell[1]} pixels do not suit slides of {self.size}"
            raise BadInput(message, "let cells be 8 pixels or more across and slides 8 times the largest")
        if not _RARE[1] < self.cells[0] <= self.cells[1]:
            raise BadInput(f"{self.cells[0]} to {self.cells[1]} cells are no range", "let the least be 4 or more")
        if self.pairs < 2 or self.pairs % 2:
            raise BadInput(f"{self.pairs} pairs cannot be halved", "ask for an even number of pairs")


@dataclass(frozen=True)
class _Group:
    """One cell, or two that lie side by side, and what they are in the truth."""

    labels: tuple[str, ...]
    kind: Kind


class VirtualSmears:
    """Virtual smears made in memory, one at a time.

    Cost: O(size²) memory, 11 bytes a pixel; 2 s for 4,096² on one core.

    >>> from saccade.datasets.composers.materials import simulated_backgrounds, simulated_crops
    >>> made = VirtualSmears(simulated_crops(), simulated_backgrounds(), SmearSettings(size=512, cells=(4, 6)))
    >>> slide = made.slide("train", 1)
    >>> slide.image.shape, slide.label, slide.case_id
    ((512, 512, 3), 'present', 'virtual-train-0001')

    Args:
        crops: Single cells, in parts.
        backgrounds: Smears, in parts.
        settings: What the slides are like.
        seed: Seed of every draw.

    Raises:
        BadInput: There are no crops of a class that matters, or none of any other.
    """

    def __init__(
        self,
        crops: Sequence[Material],
        backgrounds: Sequence[Material],
        settings: SmearSettings | None = None,
        seed: int = 0,
    ) -> None:
        self.settings, self.seed = SmearSettings() if settings is None else settings, seed
        self._stock = Stock(crops, backgrounds, self.settings.cell, seed)
        wanted = 1 if self.settings.task == "rare" else 2
        self.marked = self.settings.marked or self._stock.classes[:wanted]
        self.common = tuple(name for name in self._stock.classes if name not in self.marked)
        unknown = [name for name in self.marked if name not in self._stock.classes]
        if unknown or len(set(self.marked)) != wanted or not self.common:
            message = f"classes {', '.join(self.marked)} do not suit the task {self.settings.task!r}"
            remedy = f"name {wanted} of {', '.join(self._stock.classes)}, and leave others"
            raise BadInput(message, remedy)

    def slide(self, part: str, index: int) -> Field:
        """Slide number ``index`` of a part; it does not depend on the others.

        Raises:
            BadInput: The part has no crop of a class or no background; a crop is unusable; there is no room.
        """
        rng = generator(self.seed, "virtual", self.settings.task, part, index)
        label = LABELS[self.settings.task][index % 2]
        groups = self._groups(label, rng)
        smear = self._stock.smear_of(part, rng)
        canvas = Canvas(enlarge(smear, self.settings.size, _RED_CELL * float(np.mean(self.settings.cell)), rng))
        blur = softened(canvas.smear.red_cell / smear.red_cell if smear.red_cell else 1.0)
        boxes = [box for group in groups for box in self._paste(canvas, group, part, index, blur, rng)]
        name = f"{part}_{index:04d}"
        ordered = sorted(boxes, key=lambda box: box.kind != "needle")
        return Field(canvas.smear.image, label, tuple(ordered), part, name, f"virtual-{part}-{index:04d}")

    def slides(self, part: str, count: int) -> Iterator[Field]:
        """The first ``count`` slides of a part."""
        return (self.slide(part, index) for index in range(count))

    def _groups(self, label: str, rng: np.random.Generator) -> list[_Group]:
        """Who lies on the slide: what matters first, so that it finds room."""
        count = int(rng.integers(self.settings.cells[0], self.settings.cells[1] + 1))
        shares = rng.dirichlet(np.full(len(self.common), 2.0))
        cells = [self.common[number] for number in rng.choice(len(self.common), count, p=shares)]
        if self.settings.task == "rare":
            rare = int(rng.integers(_RARE[0], _RARE[1] + 1))
            needles = [_Group(self.marked, "needle")] * rare if label == "present" else []
            return needles + [_Group((name,), "distractor") for name in cells[len(needles) :]]
        one, two = self.marked
        pairs = ((one, two), (two, one)) if label == "mixed" else ((one, one), (two, two))
        groups = [_Group(pair, "needle") for pair in pairs * (self.settings.pairs // 2)]
        left = max(count - 2 * self.settings.pairs, 0)
        return groups + [_Group((name,), "distractor") for name in cells[:left]]

    def _paste(
        self, canvas: Canvas, group: _Group, part: str, index: int, blur: float, rng: np.random.Generator
    ) -> list[MarkedBox]:
        """Paste a group side by side in a random direction; nothing where a distractor finds no room."""
        cutouts = [self._draw(part, name, rng) for name in group.labels]
        patches = [pose_cutout(cutout, self._stock.pose(cutout, blur, rng)) for cutout in cutouts]
        corners = _corners(canvas, patches, bool(rng.integers(2)), rng)
        if corners is None:
            if group.kind == "distractor":
                return []
            message = f"there is no room for what matters on a slide of {self.settings.size} pixels"
            raise BadInput(message, "choose a larger size, smaller cells or fewer pairs")
        return [
            MarkedBox(paste(canvas, patch, corner, rng), label, group.kind)
            for patch, corner, label in zip(patches, corners, group.labels, strict=True)
        ]

    def _draw(self, part: str, label: str, rng: np.random.Generator) -> Cutout:
        return self._stock.cell_of(part, label, int(rng.integers(1 << 20)))[1]


def _corners(canvas: Canvas, patches: Sequence[Patch], upright: bool, rng: np.random.Generator) -> list[Corner] | None:
    """Where the patches of a group lie: in a row or, upright, one below the other."""
    axis = 0 if upright else 1
    lengths = [patch.mask.shape[axis] for patch in patches]
    extent = [max(patch.mask.shape[0] for patch in patches), max(patch.mask.shape[1] for patch in patches)]
    # masks have a soft rim of some pixels, so boxes a little into one another leave cells apart
    extent[axis] = sum(lengths) + _GAP * (len(patches) - 1)
    corner = find_place(canvas, tuple(extent), rng)
    if corner is None:
        return None
    starts = [sum(lengths[:number]) + _GAP * number for number in range(len(patches))]
    return [(corner[0] + start, corner[1]) if upright else (corner[0], corner[1] + start) for start in starts]
