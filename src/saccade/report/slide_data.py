"""What a report of slides is made of, beside what it shares with the other scales."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float, UInt8

from saccade.explanation.slide_pointing import SlidePointing
from saccade.imaging.drawing import Picture


@dataclass(frozen=True, eq=False)
class EndPatch:
    """One of the patches that weigh most or least.

    Attributes:
        rank: 1 for the heaviest of the slide.
        share: Its weight in equal shares.
        loudness: Its evidence for the class that was given, in equal shares; below zero against it.
        pixels: From the slide's file.
    """

    rank: int
    share: float
    loudness: float
    pixels: UInt8[np.ndarray, "side side 3"]


@dataclass(frozen=True)
class ScaleBar:
    """A length on a map.

    Attributes:
        name: Such as ``0.5 mm``.
        share: Of the map's width.
    """

    name: str
    share: float


@dataclass(frozen=True, eq=False)
class SlideExample:
    """One slide with its two maps and the patches at both ends of the weights.

    Attributes:
        name: Of the slide.
        label: True class.
        predicted: Class the model gave, which the evidence is about.
        probability: Probability of that class.
        weights: Map of the weights.
        signed: Map of what speaks for and against the class.
        patches: How many there are.
        half: How many of the heaviest have half of the weight between them.
        heaviest: The heaviest first; empty where the slide's file is not at hand.
        lightest: The lightest first; likewise.
        bar: ``None`` where nobody knows how large the slide is.
        outlined: Whether the region of the slide's class was annotated, and is drawn.
        leaning: Which patches the model's weights favour for no reason of theirs, in a sentence; mostly empty.
    """

    name: str
    label: str
    predicted: str
    probability: float
    weights: Picture
    signed: Picture
    patches: int
    half: int
    heaviest: Sequence[EndPatch] = ()
    lightest: Sequence[EndPatch] = ()
    bar: ScaleBar | None = None
    outlined: bool = False
    leaning: str = ""

    @property
    def right(self) -> bool:
        """Whether the model gave the true class."""
        return self.predicted == self.label


@dataclass(frozen=True, eq=False)
class PointingOfSlides:
    """What of several slides lies in their annotated regions; see ``SlidePointing`` for what each is."""

    weight: Float[np.ndarray, " slide"]
    heaviest: Float[np.ndarray, " slide"]
    evidence: Float[np.ndarray, " slide"]
    area: Float[np.ndarray, " slide"]

    @classmethod
    def of(cls, slides: Sequence[SlidePointing]) -> "PointingOfSlides":
        """Side by side.

        >>> PointingOfSlides.of([SlidePointing(0.5, 1, 0.75, 0.25), SlidePointing(0, 0, 0.5, 0.5)]).weight.tolist()
        [0.5, 0.0]
        """
        names = [each.name for each in fields(cls)]
        return cls(**{name: np.array([getattr(slide, name) for slide in slides], np.float64) for name in names})
