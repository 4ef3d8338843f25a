"""Shapes in micrometres turned into maps on a pixel grid: distances, plateaus, grains and noise.

All maps hold for any pixel size: a distance, a thickness or a texture is a function of the place in micrometres.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]  # float32 throughout; NumPy's stubs lose the width

NOISE_HALF_WIDTH = 12.0  # µm; noise is drawn within this distance of the origin and mirrored beyond
BLEND = 7.0  # 1/µm; the larger, the sharper the crease where two tubes meet


@dataclass(frozen=True)
class Frame:
    """Pixel grid of `size` × `size` pixels of `mpp` micrometres, with the origin of a cell at (x, y) off its centre."""

    size: int
    mpp: float
    x: float = 0.0
    y: float = 0.0

    @cached_property
    def xs(self) -> FloatArray:
        """Micrometres right of the origin, shape (1, size)."""
        return self._axis(self.x)[None, :]

    @cached_property
    def ys(self) -> FloatArray:
        """Micrometres below the origin, shape (size, 1)."""
        return self._axis(self.y)[:, None]

    def _axis(self, origin: float) -> FloatArray:
        return ((np.arange(self.size) + 0.5 - self.size / 2) * self.mpp - origin).astype(np.float32)


def finer_grid(frame: Frame) -> tuple[Frame, int]:
    """The same field on pixels of at most 0.2 µm, on which light is computed, and how many of them make a pixel."""
    finer = max(1, int(np.ceil(frame.mpp / 0.201)))
    return Frame(frame.size * finer, frame.mpp / finer, frame.x, frame.y), finer


def plateau(distance: FloatArray, edge: float) -> FloatArray:
    """Height in [0, 1] of a flat top with a rounded rim, from the signed distance to its outline (negative inside)."""
    below = 1 - np.clip(-distance / edge, 0, 1)
    return np.sqrt(1 - below * below)


def distance_to_outline(outline: FloatArray, xs: FloatArray, ys: FloatArray) -> FloatArray:
    """Signed radial distance in micrometres to a closed outline around the origin; negative inside."""
    position = np.arctan2(ys, xs) * np.float32(len(outline) / (2 * np.pi)) + len(outline)
    index = position.astype(np.int32)
    fraction = position - index.astype(np.float32)
    radius = outline[index % len(outline)] * (1 - fraction) + outline[(index + 1) % len(outline)] * fraction
    return np.hypot(xs, ys) - radius


def distance_to_spines(spines: tuple[FloatArray, ...], xs: FloatArray, ys: FloatArray) -> FloatArray:
    """Signed distance in micrometres to the smooth union of tubes: −log Σ exp(−BLEND·dᵢ) / BLEND."""
    total = np.zeros(np.broadcast_shapes(xs.shape, ys.shape), np.float32)
    for spine in spines:
        for start, end in zip(spine, spine[1:] if len(spine) > 1 else spine, strict=False):
            total += np.exp(-BLEND * _distance_to_segment(start, end, xs, ys))
    return -np.log(np.maximum(total, 1e-30)) / BLEND


def _distance_to_segment(start: FloatArray, end: FloatArray, xs: FloatArray, ys: FloatArray) -> FloatArray:
    (x, y, radius), (dx, dy, growth) = start, end - start
    along = np.clip(((xs - x) * dx + (ys - y) * dy) / max(dx * dx + dy * dy, 1e-9), 0, 1)
    return np.hypot(xs - x - along * dx, ys - y - along * dy) - (radius + along * growth)


def splat(grains: FloatArray, frame: Frame) -> FloatArray:
    """Thickness in micrometres of (grain, 3) small spheres x, y, radius, softened to their own size; volume is kept."""
    columns = (grains[:, 0] + frame.x) / frame.mpp + frame.size / 2 + 0.5
    rows = (grains[:, 1] + frame.y) / frame.mpp + frame.size / 2 + 0.5
    near = (columns >= 0) & (columns < frame.size + 1) & (rows >= 0) & (rows < frame.size + 1)
    canvas = np.zeros((frame.size + 2, frame.size + 2), np.float32)  # a rim of one pixel catches what straddles it
    if not near.any():
        return canvas[1:-1, 1:-1]
    grains, columns, rows = grains[near], columns[near], rows[near]
    thickness = 4 / 3 * np.pi * grains[:, 2] ** 3 / frame.mpp**2
    column, row = columns.astype(np.int32), rows.astype(np.int32)
    right, low = columns - column, rows - row
    np.add.at(canvas, (row, column), thickness * (1 - right) * (1 - low))
    np.add.at(canvas, (row, column + 1), thickness * right * (1 - low))
    np.add.at(canvas, (row + 1, column), thickness * (1 - right) * low)
    np.add.at(canvas, (row + 1, column + 1), thickness * right * low)
    # A sphere of radius r has the same height at its middle as a Gaussian of equal volume and this width.
    sigma = float(np.median(grains[:, 2])) / np.sqrt(3) / frame.mpp
    return np.asarray(cv2.GaussianBlur(canvas, (0, 0), max(sigma, 0.3)), np.float32)[1:-1, 1:-1]


def noise(rng: np.random.Generator, grain: float, frame: Frame) -> FloatArray:
    """Smooth noise of about unit size, tied to micrometres: the same cell has the same texture at any pixel size."""
    side = int(2 * NOISE_HALF_WIDTH / grain)
    lattice = rng.standard_normal((side, side), dtype=np.float32) * 1.3
    step = frame.mpp / grain
    start_x, start_y = (float(axis.flat[0]) / grain + side / 2 for axis in (frame.xs, frame.ys))
    placement = np.array([[step, 0, start_x], [0, step, start_y]], np.float32)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    shape = (frame.size, frame.size)
    return np.asarray(cv2.warpAffine(lattice, placement, shape, flags=flags, borderMode=cv2.BORDER_REFLECT), np.float32)
