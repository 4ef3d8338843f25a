"""Simulated quantitative phase microscopy: the optical path difference of an unstained cell, in nanometres.

Light that crosses a cell is delayed by OPD = Σ Δn · thickness, Δn being how much higher the refractive index of each
part is than the medium's (1.335, a physiological buffer). No stain, no lamp: what is left of the instrument are a
residual tilt, coherent speckle and the camera's noise. Red cells are left out, as from a sample without them.

The description is of a cell spread flat, 2 µm thick, so its path difference is some 50 to 100 nm; the same cell rounded
up in suspension has several times that.
"""

import cv2
import numpy as np

from saccade.datasets.simulators.cell_description import CellDescription, Layers, layers
from saccade.datasets.simulators.thickness import FloatArray, Frame, finer_grid, noise

# Differences of refractive index against the medium, as orders of magnitude; none of them is a measurement.
CYTOPLASM = 0.027  # proteins at 150 g/l times the 0.18 ml/g by which any protein raises the index
NUCLEUS = 0.034  # at mean density. Living nuclei are measured at or below their cytoplasm (Steelman et al. 2017), the
# clumped chromatin of white blood cells above: a little above is our choice, so that texture more than level tells it
GRANULES = 0.065  # about 1.40: packed protein, the crystals of eosinophils above all
SPREAD = 0.08  # standard deviation of each between cells, relative; cells of one donor differ in dry mass by as much

BLUR = 0.22  # µm; of an objective with a numerical aperture of about 0.9, at 530 nm
TILT = 3.0  # nm from one side of the field to the other (standard deviation), what subtracting the background leaves
SPECKLE, SPECKLE_GRAIN = 1.2, 0.8  # nm and µm; of laser light on dust and surfaces
CAMERA_NOISE = 0.5  # nm in each pixel


def photograph_phase(
    description: CellDescription, frame: Frame, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Simulate a map of the optical path difference, and the same without the instrument's faults.

    Computed on pixels of at most 0.2 µm and averaged over camera pixels. Cost: O(pixels).

    Returns:
        Two maps in nanometres, float32 (size, size, 1).
    """
    fine, _ = finer_grid(frame)
    indices = np.array([CYTOPLASM, NUCLEUS, GRANULES]) * rng.lognormal(0, SPREAD, 3)
    path = cv2.GaussianBlur(optical_path(layers(description, fine), indices), (0, 0), max(BLUR / fine.mpp, 0.2))
    clean = np.asarray(cv2.resize(path, (frame.size, frame.size), interpolation=cv2.INTER_AREA), np.float32)
    return (clean + _faults(frame, rng))[..., None].astype(np.float32), clean[..., None]


def optical_path(parts: Layers, indices: FloatArray | None = None) -> FloatArray:
    """OPD = Σ Δn · thickness in nanometres, (height, width); the nucleus by its density of chromatin.

    Args:
        parts: Thickness in micrometres.
        indices: Δn of cytoplasm, nucleus and granules; the constants above where not given.
    """
    cytoplasm, nucleus, granules = (CYTOPLASM, NUCLEUS, GRANULES) if indices is None else indices
    dry = cytoplasm * parts.cytoplasm + nucleus * parts.nucleus * parts.density + granules * parts.granules
    return (1000 * dry).astype(np.float32)


def _faults(frame: Frame, rng: np.random.Generator) -> FloatArray:
    """What the instrument adds: tilt, speckle, noise; in nanometres."""
    across = Frame(frame.size, 1 / frame.size)
    slope_x, slope_y = rng.normal(0, TILT, 2)
    grains = SPECKLE * noise(rng, SPECKLE_GRAIN, Frame(frame.size, frame.mpp))
    return slope_x * across.xs + slope_y * across.ys + grains + rng.normal(0, CAMERA_NOISE, (frame.size, frame.size))
