"""Megapixel fields with one cell that matters: crops of single cells pasted onto smears of red cells.

The class of one pasted cell, the needle, is the label of the field, and its box the truth to point at. Every field
holds decoys beside it, pieces of the same smear pasted by the same procedure, so that whatever a seam shows, it shows
everywhere. Colour alone still finds the needle in a *plain* field, which holds nothing else that is stained blue; with
*distractors*, cells of classes outside the task, it does not.

Crops and backgrounds are split before anything is composed (``materials``). A field depends on the seed, its part and
its number alone, not on how many others there are. Labels take turns, and so do the crops of a class.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from saccade.core.errors import BadInput
from saccade.datasets.composers.cutting import Cutout
from saccade.datasets.composers.decoys import cut_decoy
from saccade.datasets.composers.field_files import write_fields
from saccade.datasets.composers.fields import Field, Kind, MarkedBox, generator
from saccade.datasets.composers.materials import (
    Material,
    open_backgrounds,
    open_crops,
    simulated_backgrounds,
    simulated_crops,
)
from saccade.datasets.composers.pasting import Canvas, Corner, Patch, Pose, find_place, paste, pose_cutout
from saccade.datasets.composers.quilting import enlarge
from saccade.datasets.composers.stock import Stock, softened

CLASSES = ("eosinophil", "lymphocyte", "monocyte", "neutrophil")
COUNTS = {"train": 1200, "val": 200, "test": 400}
RED_CELL = 0.65  # diameter of red cells over the mean size of pasted cells

_Pasting = tuple[Cutout, Pose, str, Kind]


class CellFields:
    """Fields made in memory, one at a time, from crops and backgrounds.

    >>> fields = CellFields(simulated_crops(), simulated_backgrounds(), size=512)
    >>> field = fields.field("train", 0)
    >>> field.image.shape, field.label, [marked.kind for marked in field.boxes]
    ((512, 512, 3), 'eosinophil', ['needle', 'decoy', 'decoy', 'decoy'])

    Args:
        crops: Single cells, in parts.
        backgrounds: Smears, in parts.
        classes: The classes of the task; the needle is of one of them.
        distractors: How many cells of other classes lie beside the needle; 0 is the plain kind of field.
        distractor_classes: The classes these are of; all others where not given.
        decoys: How many pieces of red cells are pasted too; fewer where there is no room.
        size: Side of the square in pixels.
        cell: Least and most pixels across of a pasted cell.
        seed: Seed of every draw.

    Raises:
        BadInput: A class is unknown, or both of the task and a distractor.
    """

    def __init__(
        self,
        crops: Sequence[Material],
        backgrounds: Sequence[Material],
        classes: Sequence[str] = CLASSES,
        *,
        distractors: int = 0,
        distractor_classes: Sequence[str] | None = None,
        decoys: int = 3,
        size: int = 1024,
        cell: tuple[int, int] = (70, 100),
        seed: int = 0,
    ) -> None:
        held = sorted({crop.label for crop in crops})
        others = [name for name in held if name not in classes] if distractor_classes is None else distractor_classes
        _check(held, classes, others if distractors else ())
        if distractors and not others:
            raise BadInput("no class is left for distractors", "leave one out of the task, or ask for none")
        if not 8 <= cell[0] <= cell[1] or size < 2 * cell[1]:
            message = f"cells of {cell[0]} to {cell[1]} pixels do not fit fields of {size}"
            raise BadInput(message, "let cells be 8 pixels or more across and fields twice the largest")
        self.classes, self.distractor_classes = tuple(classes), tuple(others)
        self.distractors, self.decoys, self.size, self.cell, self.seed = distractors, decoys, size, cell, seed
        self._stock = Stock(crops, backgrounds, self.cell, seed)

    def fields(self, part: str, count: int) -> Iterator[Field]:
        """The first ``count`` fields of a part."""
        return (self.field(part, index) for index in range(count))

    def field(self, part: str, index: int) -> Field:
        """Field number ``index`` of a part; it does not depend on the others.

        Raises:
            BadInput: The part has no crop of a class, or no background; a crop is unusable or too small.
        """
        rng = generator(self.seed, "field", part, index)
        label = self.classes[index % len(self.classes)]
        crop, needle = self._stock.cell_of(part, label, index // len(self.classes))
        smear = self._stock.smear_of(part, rng)
        canvas = Canvas(enlarge(smear, self.size, RED_CELL * float(np.mean(self.cell)), rng))
        scale = canvas.smear.red_cell / smear.red_cell if smear.red_cell else 1.0
        blur = softened(scale)  # what enlarging took from the smear's sharpness
        cells: list[_Pasting] = [(needle, self._stock.pose(needle, blur, rng), label, "needle")]
        for number in range(self.distractors):
            kind = self.distractor_classes[int(rng.integers(len(self.distractor_classes)))]
            _, other = self._stock.cell_of(part, kind, index * self.distractors + number)
            cells.append((other, self._stock.pose(other, blur, rng), kind, "distractor"))
        for number in range(self.decoys):
            shape = cells[number % len(cells)][0]
            decoy = cut_decoy(smear, shape.outline, float(rng.uniform(*self.cell)) / scale, rng)
            cells.append(
                (decoy, Pose(scale, float(rng.uniform(0, 2 * np.pi)), bool(rng.integers(2)), 0.0), "", "decoy")
            )
        boxes = self._paste_all(canvas, cells, rng)
        return Field(canvas.smear.image, label, boxes, part, f"{part}_{index:05d}", crop.case)

    def _paste_all(self, canvas: Canvas, cells: Sequence[_Pasting], rng: np.random.Generator) -> tuple[MarkedBox, ...]:
        """Paste everything there is room for."""
        patches = [pose_cutout(cutout, pose) for cutout, pose, _, _ in cells]
        corners = self._places(canvas, patches, rng)
        return tuple(
            MarkedBox(paste(canvas, patch, corner, rng), label, kind)
            for patch, corner, (_, _, label, kind) in zip(patches, corners, cells, strict=True)
            if corner is not None
        )

    def _places(self, canvas: Canvas, patches: Sequence[Patch], rng: np.random.Generator) -> list[Corner | None]:
        """A place for each patch, found in random order, so that the needle has no first choice.

        Where decoys leave no room for a cell, cells come first.
        """
        needed = range(1 + self.distractors)
        for order in (rng.permutation(len(patches)).tolist(), range(len(patches))):
            canvas.taken.clear()
            corners = {number: find_place(canvas, patches[number].mask.shape, rng) for number in order}
            if all(corners[number] is not None for number in needed):
                return [corners[number] for number in range(len(patches))]
        message = f"there is no room for {len(needed)} cells in a field of {self.size} pixels"
        raise BadInput(message, "choose a larger size, smaller cells or fewer distractors")


def compose_fields(
    folder: Path | str,
    crops: Path | str | None = None,
    backgrounds: Path | str | None = None,
    *,
    counts: Mapping[str, int] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    classes: Sequence[str] = CLASSES,
    distractors: int = 0,
    distractor_classes: Sequence[str] | None = None,
    decoys: int = 3,
    size: int = 1024,
    cell: tuple[int, int] = (70, 100),
    seed: int = 0,
    quality: int | None = None,
) -> Path:
    """Compose fields and write them with manifest and boxes; returns the manifest's path.

    >>> manifest = compose_fields("fields", counts={"train": 4}, size=400, distractors=1)
    >>> sorted(path.name for path in manifest.parent.iterdir())
    ['boxes.csv', 'images', 'manifest.csv']

    Args:
        folder: New or empty.
        crops: Class folders or manifest of single cells; simulated ones where not given.
        backgrounds: Folder or manifest of smears of red cells; simulated ones where not given.
        counts: Fields in each part; 1,200, 200 and 400 where not given.
        progress: Told how many of how many fields are written.
        classes: The classes of the task.
        distractors: Cells of other classes in each field.
        distractor_classes: The classes these are of; all others where not given.
        decoys: Pieces of red cells pasted into each field.
        size: Side of the fields in pixels.
        cell: Least and most pixels across of a pasted cell.
        seed: Seed of the split, where the data has none, and of every draw.
        quality: Write JPEG of this quality, a fifth of the size at 95, instead of PNG.
    """
    counts = COUNTS if counts is None else counts
    made = CellFields(
        simulated_crops(seed) if crops is None else open_crops(crops, seed=seed),
        simulated_backgrounds(seed) if backgrounds is None else open_backgrounds(backgrounds, seed=seed),
        classes,
        distractors=distractors,
        distractor_classes=distractor_classes,
        decoys=decoys,
        size=size,
        cell=cell,
        seed=seed,
    )
    fields = (field for part, count in counts.items() for field in made.fields(part, count))
    return write_fields(folder, fields, sum(counts.values()), progress, quality)


def _check(held: Sequence[str], classes: Sequence[str], others: Sequence[str]) -> None:
    unknown = [name for name in (*classes, *others) if name not in held]
    if unknown:
        raise BadInput(f"there are no crops of class {unknown[0]!r}", f"choose among {', '.join(held)}")
    if len(set(classes)) < 2 or len(set(classes)) < len(classes):
        raise BadInput(f"classes {', '.join(classes) or '(none)'} make no task", "name two or more, each once")
    both = [name for name in others if name in classes]
    if both:
        raise BadInput(f"{both[0]!r} is of the task and a distractor", "leave it out of one of the two")
