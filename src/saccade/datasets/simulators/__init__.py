"""Simulated data: made by programs, never photographs, and called simulated wherever it is used."""

from saccade.datasets.simulators.blood_cells import (
    KINDS,
    CellThreeWays,
    SimulatedCell,
    simulate_cell,
    simulate_modalities,
)
from saccade.datasets.simulators.cell_sets import MODALITIES, write_dataset

__all__ = [
    "KINDS",
    "MODALITIES",
    "CellThreeWays",
    "SimulatedCell",
    "simulate_cell",
    "simulate_modalities",
    "write_dataset",
]
