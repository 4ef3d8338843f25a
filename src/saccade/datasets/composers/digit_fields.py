"""Megapixel-MNIST: five digits in a large dark field, three of which agree; their class is the label.

Katharopoulos and Fleuret, "Processing Megapixel Images with Deep Attention-Sampling Models", ICML 2019: 1500 × 1500
pixels, 5 digits and 50 noise patterns. Ours are: smaller fields hold fewer patterns, in proportion to the area (3 at
375, 12 at 750); a pattern is one straight line in a 12 × 12 square; digits and patterns never overlap; the two other
digits are of other classes of the task; each digit image is in one part of the split only.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from saccade.core.errors import BadInput
from saccade.core.manifest import PARTS
from saccade.core.splits import FRACTIONS
from saccade.datasets.composers.field_files import write_fields
from saccade.datasets.composers.fields import KINDS, Field, Kind, MarkedBox, generator, turn
from saccade.datasets.idx import load_digits

AGREEING, OTHERS = 3, 2
PATTERNS, PATTERN_SIZE, FULL_SIZE = 50, 12, 1500
COUNTS = {"train": 1400, "val": 300, "test": 300}
TRIES = 1000


class DigitFields:
    """Fields of digits made in memory, one at a time.

    >>> digits, labels = np.full((60, 28, 28), 200, np.uint8), np.arange(60, dtype=np.uint8) % 3
    >>> field = DigitFields(digits, labels, size=375).field("train", 1)
    >>> field.image.shape, field.label, len(field.boxes_of("needle"))
    ((375, 375, 1), '1', 3)

    Args:
        digits: Small images, light on dark.
        labels: The class of each.
        classes: The classes of the task; all there are where not given.
        size: Side of the square in pixels.
        patterns: Noise patterns in a field; 50 for each 1500 × 1500 pixels where not given.
        fractions: Shares of the digits for training, validation and test.
        seed: Seed of split and draws.

    Raises:
        BadInput: Fewer than two classes, a class without digits, or a field too small for five of them.
    """

    def __init__(
        self,
        digits: UInt8[np.ndarray, "image height width"],
        labels: UInt8[np.ndarray, " image"],
        classes: Sequence[int] | None = None,
        *,
        size: int = FULL_SIZE,
        patterns: int | None = None,
        fractions: Sequence[float] = FRACTIONS,
        seed: int = 0,
    ) -> None:
        held = np.unique(labels).tolist()
        self.classes = tuple(held if classes is None else classes)
        unknown = [name for name in self.classes if name not in held]
        if unknown or len(set(self.classes)) < max(2, len(self.classes)):
            found = f"there is no digit {unknown[0]}" if unknown else f"the classes {self.classes} make no task"
            raise BadInput(found, f"name two or more of {', '.join(map(str, held))}, each once")
        if size < 4 * max(digits.shape[1:]):
            raise BadInput(f"fields of {size} pixels are too small", f"ask for {4 * max(digits.shape[1:])} or more")
        self.size, self.seed, self._digits = size, seed, digits
        self.patterns = round(PATTERNS * (size / FULL_SIZE) ** 2) if patterns is None else patterns
        self._held = _split(labels, self.classes, fractions, seed)

    def fields(self, part: str, count: int) -> Iterator[Field]:
        """The first ``count`` fields of a part."""
        return (self.field(part, index) for index in range(count))

    def field(self, part: str, index: int) -> Field:
        """Field number ``index`` of a part; it does not depend on the others."""
        rng = generator(self.seed, "digits", part, index)
        label = self.classes[index % len(self.classes)]
        rest = [name for name in self.classes if name != label]
        first = index // len(self.classes) * AGREEING
        chosen = [(label, self._number(part, label, first + number)) for number in range(AGREEING)]
        chosen += [(name, self._any(part, name, rng)) for name in rng.choice(rest, OTHERS).tolist()]
        counts = zip(KINDS, (AGREEING, OTHERS, self.patterns), strict=True)
        kinds: list[Kind] = [kind for kind, count in counts for _ in range(count)]
        items = [(self._digits[number], str(name)) for name, number in chosen]
        items += [(_pattern(rng), "") for _ in range(self.patterns)]
        image = np.zeros((self.size, self.size, 1), np.uint8)
        boxes: list[MarkedBox] = []
        for (pixels, name), kind in zip(items, kinds, strict=True):
            box = _free_box(pixels.shape, self.size, boxes, rng)
            image[box[1] : box[3], box[0] : box[2], 0] = pixels
            boxes.append(MarkedBox(box, name, kind))
        return Field(image, str(label), tuple(boxes), part, f"{part}_{index:05d}", f"{part}_{index:05d}")

    def _number(self, part: str, label: int, index: int) -> int:
        held = self._of(part, label)
        return int(held[turn(self.seed, (part, label), len(held), index)])

    def _any(self, part: str, label: int, rng: np.random.Generator) -> int:
        return int(rng.choice(self._of(part, label)))

    def _of(self, part: str, label: int) -> np.ndarray:
        held = self._held.get((part, label), np.zeros(0, int))
        if not len(held):
            raise BadInput(f"the part {part!r} has no digit {label}", "give more digits, or leave the part out")
        return held


def compose_digit_fields(
    folder: Path | str,
    images: Path | str,
    labels: Path | str,
    *,
    counts: Mapping[str, int] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    classes: Sequence[int] | None = None,
    size: int = FULL_SIZE,
    patterns: int | None = None,
    seed: int = 0,
) -> Path:
    """Compose fields of MNIST digits and write them with manifest and boxes; returns the manifest's path.

    Args:
        folder: New or empty.
        images: The idx or idx.gz file of digits.
        labels: That of their labels.
        counts: Fields in each part; 1,400, 300 and 300 where not given.
        progress: Told how many of how many fields are written.
        classes: The classes of the task; all ten where not given.
        size: Side of the fields in pixels.
        patterns: Noise patterns in a field.
        seed: Seed of split and draws.
    """
    counts = COUNTS if counts is None else counts
    made = DigitFields(*load_digits(images, labels), classes, size=size, patterns=patterns, seed=seed)
    fields = (field for part, count in counts.items() for field in made.fields(part, count))
    return write_fields(folder, fields, sum(counts.values()), progress)


def _split(
    labels: np.ndarray, classes: Sequence[int], fractions: Sequence[float], seed: int
) -> dict[tuple[str, int], np.ndarray]:
    """The digits of each part and class."""
    held = {}
    for label in classes:
        order = generator(seed, "split", label).permutation(np.flatnonzero(labels == label))
        ends = np.rint(np.cumsum(fractions)[:-1] * len(order)).astype(int)
        held |= {(part, label): some for part, some in zip(PARTS, np.split(order, ends), strict=True)}
    return held


def _pattern(rng: np.random.Generator) -> np.ndarray:
    """A straight line through the middle of a small square."""
    middle, angle = PATTERN_SIZE / 2 - 0.5, rng.uniform(0, np.pi)
    reach = np.array([np.cos(angle), np.sin(angle)]) * middle
    start, end = (tuple(np.rint((middle + sign * reach) * 16).astype(int).tolist()) for sign in (-1, 1))
    square = np.zeros((PATTERN_SIZE, PATTERN_SIZE), np.uint8)
    return np.asarray(cv2.line(square, start, end, 255, 1, cv2.LINE_AA, 4))


def _free_box(
    shape: tuple[int, ...], size: int, taken: Sequence[MarkedBox], rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """A random box that overlaps none of those taken."""
    height, width = shape
    for _ in range(TRIES):
        left, top = int(rng.integers(size - width + 1)), int(rng.integers(size - height + 1))
        boxes = (marked.box for marked in taken)
        if all(left >= x1 or left + width <= x0 or top >= y1 or top + height <= y0 for x0, y0, x1, y1 in boxes):
            return left, top, left + width, top + height
    raise BadInput(f"there is no room left in a field of {size} pixels", "ask for fewer patterns or a larger size")
