"""What a report of fields is made of, beside what it shares with one of cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import UInt8

from saccade.evaluation.intervals import Interval
from saccade.imaging.drawing import Picture


@dataclass(frozen=True, eq=False)
class ShownPatch:
    """One place that was read.

    Attributes:
        number: 1 for the heaviest; as in the picture of the field.
        weight: How much it counted.
        pixels: Exactly those that were read.
        hit: Whether it lies in a truth box; ``None`` where no box is known.
    """

    number: int
    weight: float
    pixels: UInt8[np.ndarray, "side side 3"]
    hit: bool | None = None


@dataclass(frozen=True, eq=False)
class FieldExample:
    """One field with where the model looked, what it read and what it said.

    Attributes:
        name: File of the field.
        label: True class.
        predicted: Class the model gave.
        probability: Probability of that class.
        picture: The field with the look map, the numbered places and the truth boxes.
        patches: The heaviest places; empty for a model that reads the whole field.
        places: How many different places were read.
    """

    name: str
    label: str
    predicted: str
    probability: float
    picture: Picture
    patches: Sequence[ShownPatch]
    places: int

    @property
    def right(self) -> bool:
        """Whether the model gave the true class."""
        return self.predicted == self.label


@dataclass(frozen=True)
class RunRow:
    """One run among several that differ in what they may read.

    Attributes:
        name: What it is called, such as "20 × 50 px".
        patch: Side of a patch in pixels; ``None`` for a model that reads no patches.
        patches: How many it reads.
        accuracy: On the same images as all others.
        pixels_read_fraction: Of an image.
        pixels_looked_fraction: Of an image.
    """

    name: str
    patch: int | None
    patches: int | None
    accuracy: Interval
    pixels_read_fraction: float | None = None
    pixels_looked_fraction: float | None = None

    @classmethod
    def of(cls, name: str, metrics: Mapping[str, Any], options: Mapping[str, Any]) -> "RunRow":
        """From the plain values of ``metrics.json`` and the options of the model.

        >>> metrics = {"accuracy": {"value": 0.9, "low": 0.8, "high": 1.0}, "cost": {"pixels_read_fraction": 0.04}}
        >>> RunRow.of("large", metrics, {"patch": 50, "budget": 20}).patches
        20
        """
        accuracy = Interval(*(metrics["accuracy"].get(key) for key in ("value", "low", "high")))
        cost = metrics.get("cost", {})
        fractions = (cost.get(key) for key in ("pixels_read_fraction", "pixels_looked_fraction"))
        return cls(name, options.get("patch"), options.get("budget"), accuracy, *fractions)
