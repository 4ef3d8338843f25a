"""The coarse map of one square of a slide: which kind lies where, and every field that changes slowly.

It reaches beyond the square, so that what lies just outside (a nucleus, a gland) is placed alike from both sides.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from saccade.datasets.simulators.slides.description import KINDS, SlideDescription
from saccade.datasets.simulators.slides.randomness import smooth_noise

CHUNK = 512  # base pixels to a side of what is rendered at a time; the grid of chunks starts at the slide's corner
COARSE = 4  # base pixels to a side of a coarse pixel
REACH = 100.0  # µm that the map reaches beyond the chunk

_SHIFT = 4  # bits of a corner's place behind the point
_FINER = 2  # pixels to a side of a coarse pixel where regions are filled in: OpenCV fills the rim too, too wide by one

Plane = Float[np.ndarray, "side side"]


@dataclass(frozen=True, eq=False)
class Shapes:
    """The regions of a slide in base pixels, with their boxes, so that those near a chunk are found at once."""

    kinds: tuple[str, ...]
    rings: tuple[tuple[Float[np.ndarray, "_ 2"], ...], ...]
    boxes: Float[np.ndarray, "region 4"]

    @classmethod
    def of(cls, description: SlideDescription, mpp: float) -> "Shapes":
        """The regions at a resolution."""
        rings = tuple(tuple(ring / mpp for ring in (each.outline, *each.holes)) for each in description.regions)
        boxes = [(*outer.min(0), *outer.max(0)) for outer, *_ in rings]
        kinds = tuple(region.kind for region in description.regions)
        return cls(kinds, rings, np.array(boxes, float).reshape(-1, 4))

    def touching(self, x0: float, y0: float, x1: float, y1: float) -> list[int]:
        """Numbers of the regions whose boxes touch a box."""
        boxes = self.boxes
        near = (boxes[:, 0] < x1) & (boxes[:, 2] > x0) & (boxes[:, 1] < y1) & (boxes[:, 3] > y0)
        return np.flatnonzero(near).tolist()


@dataclass(frozen=True, eq=False)
class Frame:
    """One chunk's coarse map.

    Attributes:
        x: Of the chunk's left edge in base pixels.
        y: Of its upper edge.
        mpp: Micrometres per base pixel.
        margin: Coarse pixels between the map's edge and the chunk.
        masks: For each kind present, 0 to 255.
    """

    x: int
    y: int
    mpp: float
    margin: int
    masks: dict[str, UInt8[np.ndarray, "side side"]]

    @property
    def xs(self) -> Float[np.ndarray, "side"]:
        """Micrometres of the coarse columns."""
        return self._axis(self.x)

    @property
    def ys(self) -> Float[np.ndarray, "side"]:
        """Micrometres of the coarse rows."""
        return self._axis(self.y)

    def _axis(self, start: int) -> Float[np.ndarray, "side"]:
        count = CHUNK // COARSE + 2 * self.margin
        return (start + (np.arange(count) - self.margin + 0.5) * COARSE) * self.mpp

    @property
    def window(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 of the chunk in micrometres."""
        side = CHUNK * self.mpp
        return self.x * self.mpp, self.y * self.mpp, self.x * self.mpp + side, self.y * self.mpp + side

    def noise(self, seed: int, salt: int, spacing: float) -> Plane:
        """Smooth noise on the coarse map."""
        return smooth_noise(seed, salt, spacing, self.xs, self.ys)

    def at(self, plane: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """What a coarse plane holds at places in micrometres; the nearest edge beyond it."""
        step, count = COARSE * self.mpp, plane.shape[0]
        columns = np.clip(np.floor(x / step).astype(int) - self.x // COARSE + self.margin, 0, count - 1)
        rows = np.clip(np.floor(y / step).astype(int) - self.y // COARSE + self.margin, 0, count - 1)
        return plane[rows, columns]

    def fine(self, planes: np.ndarray) -> np.ndarray:
        """The chunk's part of coarse planes (side, side, ...) at every base pixel, interpolated."""
        low, high = self.margin - 2, planes.shape[0] - self.margin + 2
        part = np.ascontiguousarray(planes[low:high, low:high])
        large = cv2.resize(part, None, fx=COARSE, fy=COARSE, interpolation=cv2.INTER_LINEAR)
        return large[2 * COARSE : -2 * COARSE, 2 * COARSE : -2 * COARSE]


def frame_at(shapes: Shapes, x: int, y: int, mpp: float) -> Frame | None:
    """The map of the chunk whose top left is (x, y); None where nothing but glass is near."""
    margin = int(np.ceil(REACH / (COARSE * mpp))) + 4
    near = 16 / mpp  # a nucleus may overhang the edge of the tissue by that much
    if not shapes.touching(x - near, y - near, x + CHUNK + near, y + CHUNK + near):
        return None
    count, reach = CHUNK // COARSE + 2 * margin, margin * COARSE
    kinds = np.zeros((_FINER * count, _FINER * count), np.uint8)
    for number in shapes.touching(x - reach, y - reach, x + CHUNK + reach, y + CHUNK + reach):
        _fill(kinds, shapes.rings[number], (x - reach, y - reach), 1 + KINDS.index(shapes.kinds[number]))
    inner = slice(*(_FINER * edge for edge in _near_edges(margin, count, near)))
    if not kinds[inner, inner].any():
        return None
    masks = {kind: kinds == code for code, kind in enumerate(KINDS, 1)}
    return Frame(x, y, mpp, margin, {kind: _soft(mask) for kind, mask in masks.items() if mask.any()})


def _fill(
    kinds: UInt8[np.ndarray, "side side"],
    rings: tuple[Float[np.ndarray, "_ 2"], ...],
    corner: tuple[int, int],
    code: int,
) -> None:
    # OpenCV puts whole numbers at the middles of pixels; corners are edges
    points = [np.rint(((ring - corner) * _FINER / COARSE - 0.5) * (1 << _SHIFT)).astype(np.int32) for ring in rings]
    if len(points) == 1:
        cv2.fillPoly(kinds, points, code, shift=_SHIFT)
    else:  # even-odd, holes left as they are
        inside = np.zeros_like(kinds)
        cv2.fillPoly(inside, points, 1, shift=_SHIFT)
        kinds[inside > 0] = code


def _near_edges(margin: int, count: int, near: float) -> tuple[int, int]:
    """First and last coarse pixel of the chunk with what is near it."""
    beyond = int(np.ceil(near / COARSE))
    return margin - beyond, count - margin + beyond


def _soft(mask: Bool[np.ndarray, "fine fine"]) -> UInt8[np.ndarray, "side side"]:
    """A mask on the coarse map, with a soft edge."""
    blurred = cv2.GaussianBlur(mask.astype(np.uint8) * 255, (0, 0), 0.7 * _FINER)
    size = (mask.shape[1] // _FINER, mask.shape[0] // _FINER)
    return np.asarray(cv2.resize(blurred, size, interpolation=cv2.INTER_AREA), np.uint8)
