"""Simulated white blood cells, one at a time: stained in brightfield, or one description imaged in three ways.

Nothing here is a photograph. The cells let every part of the package be run, tested and shown where there is no data;
what is measured on them says nothing about real blood.
"""

from dataclasses import dataclass

import numpy as np

from saccade.core.errors import BadInput
from saccade.datasets.simulators.brightfield import Smear, draw_smear, photograph
from saccade.datasets.simulators.cell_description import CellDescription
from saccade.datasets.simulators.cell_kinds import KINDS, describe_cell
from saccade.datasets.simulators.event_camera import film_cell, passed_over
from saccade.datasets.simulators.phase import photograph_phase
from saccade.datasets.simulators.smear import describe_surroundings
from saccade.datasets.simulators.thickness import FloatArray, Frame
from saccade.imaging.events import Events

__all__ = ["KINDS", "CellThreeWays", "SimulatedCell", "simulate_cell", "simulate_modalities"]


@dataclass(frozen=True, eq=False)
class SimulatedCell:
    """A simulated white blood cell: its picture, its truth and the description both came from.

    Attributes:
        image: (size, size, 3) uint8 RGB.
        nucleus: (size, size) bool, true where at least half of a pixel is nucleus; always inside `cell`.
        cell: (size, size) bool, the same for the whole cell.
        kind: one of `KINDS`.
        description: geometry in micrometres, free of pixels and stain.
        frame: the pixels, and the cell's place among them.
    """

    image: np.ndarray
    nucleus: np.ndarray
    cell: np.ndarray
    kind: str
    description: CellDescription
    frame: Frame


@dataclass(frozen=True, eq=False)
class CellThreeWays:
    """One simulated white blood cell, in one place, under three instruments.

    Attributes:
        brightfield: the cell stained, among red cells, with its masks, its kind and its description.
        opd: (size, size, 1) float32, optical path difference in nanometres, unstained and without red cells.
        opd_clean: the same without noise, speckle and tilt.
        events: of the unstained cell flowing past, in microseconds; `bin_events` makes an image of them.
        passed: (size, size) bool, where the cell was at any moment of that recording.
    """

    brightfield: SimulatedCell
    opd: FloatArray
    opd_clean: FloatArray
    events: Events
    passed: np.ndarray


def simulate_cell(
    kind: str, rng: np.random.Generator, size: int = 128, mpp: float = 0.2, smear: Smear | None = None
) -> SimulatedCell:
    """Simulate a stained white blood cell among red cells.

    The description does not depend on `size` and `mpp`: the same generator state gives the same cell at any resolution.
    Cost: O(size²), about 3 ms at 64 px.

    Args:
        kind: one of `KINDS`.
        rng: source of randomness; four numbers are drawn from it.
        size: side of the image in pixels.
        mpp: micrometres per pixel.
        smear: the donor's stain and microscope; drawn at random if absent.

    Raises:
        BadInput: the kind is unknown, or size or mpp is not positive.

    Example:
        >>> import numpy as np
        >>> cell = simulate_cell("neutrophil", np.random.default_rng(0), size=64, mpp=0.4)
        >>> cell.image.shape, len(cell.description.lobes)
        ((64, 64, 3), 4)
    """
    if size < 1 or mpp <= 0:
        raise BadInput(f"size {size} and mpp {mpp} must be positive", remedy="Try size 64 and mpp 0.4")
    shape_rng, place_rng, camera_rng, smear_rng = (np.random.default_rng(seed) for seed in rng.integers(2**63, size=4))
    description = describe_cell(kind, shape_rng)
    smear = draw_smear(smear_rng) if smear is None else smear
    x, y = np.clip(place_rng.normal(0, 0.5, 2), -1, 1)
    clear = float(description.outline.mean()) + 0.3
    around = describe_surroundings(place_rng, size * mpp, clear, smear.crowding, smear.pallor)
    frame = Frame(size, mpp, float(x), float(y))
    image, parts = photograph(description, around, smear, frame, camera_rng)
    cell = parts.cell_inside >= 0.5
    return SimulatedCell(image, cell & (parts.nucleus_inside >= 0.5), cell, kind, description, frame)


def simulate_modalities(
    kind: str, rng: np.random.Generator, size: int = 128, mpp: float = 0.2, smear: Smear | None = None
) -> CellThreeWays:
    """Simulate one white blood cell three ways: stained in brightfield, as a phase map, as events of a flow.

    All three come from one description, in one place of one pixel grid, so that the masks hold for each. In brightfield
    it is the cell that `simulate_cell` gives for the same generator state.

    Args:
        kind: one of `KINDS`.
        rng: source of randomness; six numbers are drawn from it.
        size: side of the images in pixels.
        mpp: micrometres per pixel.
        smear: stain and microscope of the brightfield image; drawn at random if absent.

    Raises:
        BadInput: the kind is unknown, or size or mpp is not positive.

    Example:
        >>> import numpy as np
        >>> cell = simulate_modalities("eosinophil", np.random.default_rng(0), size=64, mpp=0.4)
        >>> cell.brightfield.image.shape, cell.opd.shape, cell.events.width
        ((64, 64, 3), (64, 64, 1), 64)
    """
    cell = simulate_cell(kind, rng, size, mpp, smear)
    phase_rng, event_rng = (np.random.default_rng(seed) for seed in rng.integers(2**63, size=2))
    opd, clean = photograph_phase(cell.description, cell.frame, phase_rng)
    events = film_cell(cell.description, cell.frame, event_rng)
    return CellThreeWays(cell, opd, clean, events, passed_over(cell.cell, mpp))
