"""Simulated data: made by programs, never photographs, and called simulated wherever it is used."""

from saccade.datasets.simulators.blood_cells import KINDS, SimulatedCell, simulate_cell, write_dataset

__all__ = ["KINDS", "SimulatedCell", "simulate_cell", "write_dataset"]
