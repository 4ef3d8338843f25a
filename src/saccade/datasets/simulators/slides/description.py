"""What lies on a simulated slide, in micrometres, before any stain or pixel: regions of tissue and strokes of a pen.

`rendering` turns a `SlideDescription` into pixels at any resolution; `layout` draws descriptions that look like tissue,
`patch_grids` makes them of squares.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Int

from saccade.core.errors import BadInput
from saccade.datasets.annotations import Annotation

KINDS = ("stroma", "glands", "lymphocytes", "tumour", "necrosis", "fat")
"""Kinds of tissue, in the order of their codes."""

Points = Float[np.ndarray, "_ 2"]


@dataclass(frozen=True, eq=False)
class Region:
    """A piece of tissue of one kind.

    Attributes:
        kind: One of ``KINDS``.
        outline: (x, y) in micrometres from the slide's top left; not closed.
        holes: Outlines of what is cut out, usually regions of another kind.

    Raises:
        BadInput: The kind is unknown.
    """

    kind: str
    outline: Points
    holes: tuple[Points, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadInput(f"{self.kind!r} is no kind of tissue", f"choose among {', '.join(KINDS)}")


@dataclass(frozen=True, eq=False)
class PenStroke:
    """A stroke of a felt pen: a broken line, its width in micrometres and how much light each channel loses."""

    line: Points
    width: float
    absorbance: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class SlideDescription:
    """A simulated slide: regions that do not overlap, on glass.

    >>> square = np.array([[0, 0], [500, 0], [500, 500], [0, 500]], float)
    >>> slide = SlideDescription(1000, 800, (Region("tumour", square),), seed=1)
    >>> slide.kinds_at(np.array([[250.0, 250.0], [900.0, 10.0]])).tolist()
    [3, -1]

    Attributes:
        width: In micrometres.
        height: In micrometres.
        regions: Where two overlap, the later one lies on top.
        strokes: Of a pen.
        seed: Of everything smaller than a region: nuclei, fibres, stain and glass.
    """

    width: float
    height: float
    regions: tuple[Region, ...]
    strokes: tuple[PenStroke, ...] = ()
    seed: int = 0

    def kinds_at(self, points: Float[np.ndarray, "point 2"]) -> Int[np.ndarray, "point"]:
        """The code of the kind at each point (x, y) in micrometres; −1 on glass. Cost: O(points × corners)."""
        kinds = np.full(len(points), -1)
        for region in self.regions:
            rings = [ring.astype(np.float32) for ring in (region.outline, *region.holes)]
            for number, point in enumerate(points.tolist()):
                outside, *in_holes = (cv2.pointPolygonTest(ring, point, False) for ring in rings)
                if outside >= 0 and all(inside < 0 for inside in in_holes):
                    kinds[number] = KINDS.index(region.kind)
        return kinds

    def annotations(self, mpp: float) -> tuple[Annotation, ...]:
        """The regions as annotations, in pixels of `mpp` micrometres."""
        return tuple(
            Annotation(region.kind, tuple(ring / mpp for ring in (region.outline, *region.holes)))
            for region in self.regions
        )
