"""What a simulated white blood cell is made of, in micrometres, before any light falls on it.

A `CellDescription` holds outlines, spines and granules; it knows nothing of pixels, stains or cameras. `layers` turns
it into thickness maps on a pixel grid. Every modality starts there: brightfield stains each layer, a phase microscope
multiplies its thickness by a difference of refractive index.
"""

from dataclasses import dataclass, field

import numpy as np

from saccade.datasets.simulators.thickness import (
    FloatArray,
    Frame,
    distance_to_outline,
    distance_to_spines,
    noise,
    plateau,
    splat,
)

NUCLEUS_MARGIN = 0.25  # µm; the nucleus stays at least this far inside the cell's outline
CELL_EDGE = 1.1  # µm; width over which the cell rises from the glass to its plateau
NUCLEUS_EDGE = 0.45  # µm; the same for the nucleus, whose wall is steep
PACKING = 1.2  # µm; granules on top of one another are squeezed to no more than this


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

    The cytoplasm is what nucleus, granules and vacuoles leave of the cell. Granules may bulge from its surface: where
    they lie on the nucleus, the three parts together can be thicker than `cell`.

    Attributes:
        cell: the whole cell, vacuoles included.
        cytoplasm: see above.
        nucleus: lobes and strands.
        granules: all granules.
        density: relative concentration of chromatin, about 1; no length.
        grain: smooth noise of unit size, for the texture of the cytoplasm; no length.
        cell_inside: fraction of each pixel that is cell.
        nucleus_inside: fraction of each pixel that is nucleus.
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


def _holes(vacuoles: FloatArray, frame: Frame) -> FloatArray:
    holes = np.zeros((frame.size, frame.size), np.float32)
    for x, y, radius in vacuoles:
        holes = np.maximum(holes, np.clip((radius - np.hypot(frame.xs - x, frame.ys - y)) / 0.2 + 0.5, 0, 1))
    return holes
