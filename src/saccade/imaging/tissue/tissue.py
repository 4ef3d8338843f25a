"""Where the tissue of a slide is: a mask at thumbnail scale that answers in base pixels."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from saccade.core.errors import BadInput
from saccade.imaging.tissue.outlines import Outline, trace_outlines

Mask = Bool[np.ndarray, "height width"]

Found = Literal["stained", "fluorescent", "faint", "given", "nothing"]
"""Darker than light glass; lighter than dark glass; only by a lower threshold; the user's own mask; not at all."""


@dataclass(frozen=True, eq=False)
class Tissue:
    """A slide's tissue.

    >>> mask = np.zeros((4, 6), bool)
    >>> mask[:, :3] = True
    >>> tissue = Tissue(mask, downsample=32.0, mpp=0.25)
    >>> tissue.fractions(np.array([[80, 0, 112, 32]])).tolist(), tissue.area_mm2
    ([0.5], 0.000768)

    Raises:
        BadInput: ``downsample`` or ``mpp`` is not positive, or the mask has no pixels.
    """

    mask: Mask
    """True where there is tissue, at thumbnail scale."""
    downsample: float
    """Base pixels along the side of a mask pixel."""
    mpp: float
    """Micrometres per base pixel."""
    found: Found = "stained"
    dropped: Mask | None = None
    """What looked like tissue but is pen or a scanner's black corner, for the preview."""

    def __post_init__(self) -> None:
        if not self.mask.size:
            raise BadInput("a tissue mask has no pixels", "check that the slide can be opened")
        if not (self.downsample > 0 and self.mpp > 0):
            raise BadInput(
                f"a tissue mask at {self.downsample:g} base pixels of {self.mpp:g} µm", "use positive scales"
            )

    @property
    def area_mm2(self) -> float:
        """Area of the tissue."""
        return int(self.mask.sum()) * pixel_mm2(self.downsample * self.mpp)

    @property
    def fraction(self) -> float:
        """Share of the whole slide that is tissue."""
        return float(self.mask.mean())

    def fractions(self, boxes: Int[np.ndarray, "box 4"]) -> Float32[np.ndarray, " box"]:
        """Share of each box that is tissue, with the parts of mask pixels it cuts; beyond the mask there is none.

        By an integral image, whose bilinear interpolation is exact. Cost: once the mask, then four look-ups a box.

        Args:
            boxes: x0, y0, x1, y1 in base pixels, each at least one wide and high.

        Raises:
            BadInput: A box without area.
        """
        sides = boxes[:, 2:] - boxes[:, :2]
        if (sides < 1).any():
            raise BadInput("a box has no area", "give boxes as x0 y0 x1 y1 with x1 > x0 and y1 > y0")
        integral = cv2.integral(self.mask.view(np.uint8), sdepth=cv2.CV_32S)
        x0, y0, x1, y1 = (boxes / self.downsample).T
        inside = _up_to(integral, x1, y1) - _up_to(integral, x0, y1) - _up_to(integral, x1, y0)
        inside += _up_to(integral, x0, y0)
        areas = sides.prod(axis=1, dtype=np.float64) / self.downsample**2
        return (inside / areas).clip(0, 1).astype(np.float32)

    def polygons(self) -> list[Outline]:
        """Outline of each piece with its holes, in base pixels, along the edges of the mask's pixels: exact."""
        return [outline.scaled(self.downsample) for outline in trace_outlines(self.mask)]


def pixel_mm2(mpp: float) -> float:
    """Square millimetres of a pixel that is ``mpp`` micrometres wide."""
    return (mpp / 1000) ** 2


def _up_to(
    integral: Int[np.ndarray, "tall wide"], x: Float[np.ndarray, " box"], y: Float[np.ndarray, " box"]
) -> Float[np.ndarray, " box"]:
    """Mask pixels above and left of a point that need not lie on a pixel's corner."""
    height, width = integral.shape
    x, y = x.clip(0, width - 1), y.clip(0, height - 1)
    column, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right, below = np.minimum(column + 1, width - 1), np.minimum(row + 1, height - 1)
    part_x, part_y = x - column, y - row
    upper = integral[row, column] * (1 - part_x) + integral[row, right] * part_x
    lower = integral[below, column] * (1 - part_x) + integral[below, right] * part_x
    return upper * (1 - part_y) + lower * part_y
