"""The stock that images are composed from: crops cut out, backgrounds prepared, part by part."""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from saccade.core.errors import BadInput
from saccade.datasets.composers.cutting import Cutout, cut_cell
from saccade.datasets.composers.fields import generator, turn
from saccade.datasets.composers.materials import Material
from saccade.datasets.composers.pasting import Pose
from saccade.datasets.composers.smears import Smear, prepare_smear

MAGNIFIED = 4.0  # a cell of fewer pixels than wanted over this is refused


class Stock:
    """Crops and backgrounds at hand.

    Args:
        crops: Single cells, in parts.
        backgrounds: Smears, in parts.
        cell: Least and most pixels across of a pasted cell.
        seed: Of the order in which crops take turns.
    """

    def __init__(
        self, crops: Sequence[Material], backgrounds: Sequence[Material], cell: tuple[int, int], seed: int
    ) -> None:
        self.crops, self.backgrounds, self.cell, self.seed = tuple(crops), tuple(backgrounds), cell, seed
        self.classes = tuple(sorted({crop.label for crop in crops}))
        self._of_class, self._of_part = defaultdict[tuple[str, str], list[int]](list), defaultdict[str, list[int]](list)
        for number, crop in enumerate(crops):
            self._of_class[crop.part, crop.label].append(number)
        for number, background in enumerate(backgrounds):
            self._of_part[background.part].append(number)
        self._prepared = lru_cache(128)(self._prepare)
        self._cutout = lru_cache(256)(self._cut)

    def cell_of(self, part: str, label: str, index: int) -> tuple[Material, Cutout]:
        """The crop of a class whose turn it is, or the next one that can be cut out.

        Raises:
            BadInput: The part has no crop of the class, or none that can be cut out; a crop is too small.
        """
        held = self._of_class.get((part, label), [])
        for skipped in range(len(held)):
            number = held[(turn(self.seed, (part, label), len(held), index) + skipped) % len(held)]
            cutout = self._cutout(number)
            if cutout is not None:
                return self.crops[number], cutout
        if held:
            message = f"no cell could be cut out of the {len(held)} crops of class {label!r} in the part {part!r}"
            raise BadInput(message, "give crops with the cell in the middle and glass around it")
        raise BadInput(
            f"the class {label!r} has no crops in the part {part!r}", "add some, or leave the class or the part out"
        )

    def smear_of(self, part: str, rng: np.random.Generator) -> Smear:
        """A background of a part, drawn at random.

        Raises:
            BadInput: The part has none.
        """
        held = self._of_part.get(part, [])
        if not held:
            raise BadInput(f"there is no background in the part {part!r}", "add some, or ask for no fields of it")
        return self._prepared(held[int(rng.integers(len(held)))])

    def pose(self, cutout: Cutout, blur: float, rng: np.random.Generator) -> Pose:
        """How a cell will lie: of a size, a turn and a side drawn at random."""
        scale = rng.uniform(*self.cell) / cutout.across
        return Pose(float(scale), float(rng.uniform(0, 2 * np.pi)), bool(rng.integers(2)), blur)

    def _cut(self, number: int) -> Cutout | None:
        crop = self.crops[number]
        cutout = cut_cell(crop.load())
        if cutout is not None and cutout.across * MAGNIFIED < self.cell[0]:
            message = f"the cell is {cutout.across:.0f} pixels across, too few to be enlarged to {self.cell[0]}"
            raise BadInput(message, "give larger crops, or ask for smaller cells", crop.name)
        return cutout

    def _prepare(self, number: int) -> Smear:
        return prepare_smear(self.backgrounds[number].load(), generator(self.seed, "smear", number))


def softened(scale: float) -> float:
    """The blur in pixels that goes with a background enlarged by `scale`; 0 where it was not enlarged."""
    return 0.5 * float(np.sqrt(max(scale**2 - 1, 0)))
