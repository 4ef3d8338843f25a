"""What a simulated white blood cell is made of, in micrometres, before any light falls on it.

A `CellDescription` holds outlines, spines and granules; it knows nothing of pixels, stains or cameras. `layers` turns it
into thickness maps on a pixel grid. Every modality starts there: brightfield stains each layer, a phase microscope
multiplies its thickness by a refractive index difference.
"""

from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

NOISE_HALF_WIDTH = 12.0  # µm; texture is defined within this distance of the cell's centre and mirrored beyond
NUCLEUS_MARGIN = 0.25  # µm; the nucleus stays at least this far inside the cell's outline
BLEND = 7.0  # 1/µm; the larger, the sharper the crease where two parts of a nucleus meet
CELL_EDGE = 1.1  # µm; width over which the cell rises from the glass to its plateau
PACKING = 1.2  # µm; granules on top of one another are squeezed to no more than this
NUCLEUS_EDGE = 0.45  # µm; the same for the nucleus, whose wall is steep


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


@dataclass(frozen=True)
class Chromatin:
    """How the nucleus is clumped: grain in micrometres, contrast, and `lace` (0 smudged clumps, 1 open network)."""

    grain: float
    contrast: float
    lace: float


@dataclass(frozen=True, eq=False)
class CellDescription:
    """A simulated white blood cell lying flat on glass; lengths in micrometres, origin at its centre, y down.

    A spine is an array of (x, y, radius) rows: a tube of varying radius around a broken line. One row is a disc, two an
    oval, more a band. Lobes do not touch one another; strands join them.

    Attributes:
        kind: one of the five kinds of white blood cell.
        outline: (angle,) radii of the cell at equal angles from +x towards +y.
        height: thickness of the cell's plateau.
        lobes: spines of the nucleus's lobes.
        strands: spines of the thin bridges between them.
        nucleus_height: thickness of the nucleus's plateau.
        chromatin: texture of the nucleus.
        granules: (granule, 3) rows of x, y, radius.
        vacuoles: (vacuole, 3) rows of x, y, radius; holes in the cytoplasm.
        texture: seed of the noise that roughens edges, chromatin and cytoplasm.
    """

    kind: str
    outline: FloatArray
    height: float
    lobes: tuple[FloatArray, ...]
    strands: tuple[FloatArray, ...]
    nucleus_height: float
    chromatin: Chromatin
    granules: FloatArray
    texture: int
    vacuoles: FloatArray = field(default_factory=lambda: np.zeros((0, 3), np.float32))


@dataclass(frozen=True, eq=False)
class Layers:
    """Thickness maps of one simulated cell in micrometres, each (height, width).

    `cytoplasm + nucleus + granules` is at most `cell`, up to granules that bulge from the surface. `density` is the relative concentration of chromatin
    (about 1), `grain` a smooth noise of unit size for the cytoplasm's texture; the two insides are area fractions per pixel.
    """

    cell: FloatArray
    cytoplasm: FloatArray
    nucleus: FloatArray
    granules: FloatArray
    density: FloatArray
    grain: FloatArray
    cell_inside: FloatArray
    nucleus_inside: FloatArray


def layers(description: CellDescription, frame: Frame) -> Layers:
    """Thickness of every part of the cell on a pixel grid. Cost: O(pixels × segments of the nucleus)."""
    rng = np.random.default_rng(description.texture)
    chromatin, grain = description.chromatin, noise(rng, 0.9, frame)
    to_edge = distance_to_outline(description.outline, frame.xs, frame.ys) + 0.07 * grain
    to_nucleus = distance_to_spines((*description.lobes, *description.strands), frame.xs, frame.ys)
    to_nucleus = np.maximum(to_nucleus + 0.1 * noise(rng, 0.9, frame), to_edge + NUCLEUS_MARGIN)
    clumps = 0.8 * noise(rng, chromatin.grain, frame) + 0.6 * noise(rng, 2.2 * chromatin.grain, frame)
    gaps = (1 - chromatin.lace) * np.clip(clumps - 0.25, 0, 1.6) + chromatin.lace * np.clip(clumps, -0.8, 1.3)

    cell = description.height * plateau(to_edge, CELL_EDGE)
    nucleus = np.minimum(description.nucleus_height * plateau(to_nucleus, NUCLEUS_EDGE), cell)
    granules = PACKING * (1 - np.exp(-splat(description.granules, frame) / PACKING))
    cytoplasm = np.maximum(cell - nucleus - granules, 0) * (1 - _holes(description.vacuoles, frame))
    return Layers(
        cell=cell,
        cytoplasm=cytoplasm,
        nucleus=nucleus * (1 - 0.9 * _holes(description.vacuoles, frame)),
        granules=granules,
        density=1 - chromatin.contrast * gaps,
        grain=grain,
        cell_inside=np.clip(0.5 - to_edge / frame.mpp, 0, 1),
        nucleus_inside=np.clip(0.5 - to_nucleus / frame.mpp, 0, 1),
    )


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
    return cv2.GaussianBlur(canvas, (0, 0), max(sigma, 0.3))[1:-1, 1:-1]


def noise(rng: np.random.Generator, grain: float, frame: Frame) -> FloatArray:
    """Smooth noise of about unit size, tied to micrometres: the same cell has the same texture at any pixel size."""
    side = int(2 * NOISE_HALF_WIDTH / grain)
    lattice = rng.standard_normal((side, side), dtype=np.float32) * 1.3
    step = frame.mpp / grain
    start_x, start_y = (float(axis.flat[0]) / grain + side / 2 for axis in (frame.xs, frame.ys))
    placement = np.array([[step, 0, start_x], [0, step, start_y]], np.float32)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(lattice, placement, (frame.size, frame.size), flags=flags, borderMode=cv2.BORDER_REFLECT)


def _holes(vacuoles: FloatArray, frame: Frame) -> FloatArray:
    holes = np.zeros((frame.size, frame.size), np.float32)
    for x, y, radius in vacuoles:
        holes = np.maximum(holes, np.clip((radius - np.hypot(frame.xs - x, frame.ys - y)) / 0.2 + 0.5, 0, 1))
    return holes
