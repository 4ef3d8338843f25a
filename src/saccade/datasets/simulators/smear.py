"""What surrounds a simulated white blood cell on a smear: red cells and platelets, in micrometres."""

import math
from dataclasses import dataclass

import numpy as np

from saccade.datasets.simulators.thickness import FloatArray, Frame, splat

RED_CELL_RADIUS = 3.75  # µm
SQUEEZE = 0.45  # where two red cells overlap, the thinner one adds this part of its thickness
REACH = 1.35  # a red cell's outline stays within this many radii of its centre


@dataclass(frozen=True)
class RedCell:
    """A simulated red cell: place and radius in µm, aspect ratio, turn in radians, and relief.

    `pallor` goes from 0 (a flat disc) to 1 (a biconcave one); `waves` ripples of relative height `ripple` make the
    outline uneven.
    """

    x: float
    y: float
    radius: float
    aspect: float
    turn: float
    pallor: float
    waves: int
    ripple: float
    phase: float


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Red cells, and platelets as one (grain, 3) array of x, y, radius; origin at the image's centre."""

    red_cells: tuple[RedCell, ...]
    platelets: FloatArray


def describe_surroundings(
    rng: np.random.Generator, field: float, keep_clear: float, crowding: float, pallor: float
) -> Surroundings:
    """Draw red cells and platelets around a white cell.

    Args:
        rng: source of randomness.
        field: side of the image in micrometres.
        keep_clear: radius around the centre that red cells hardly enter, in micrometres.
        crowding: red cells per 100 µm² before those without room are dropped.
        pallor: how biconcave the red cells of this smear are on average, 0 to 1.
    """
    half = field / 2 + RED_CELL_RADIUS
    cells: list[RedCell] = []
    for cell in _red_cells(rng, rng.poisson(crowding * (2 * half) ** 2 / 100), half, pallor):
        overlap_allowed = rng.random() < 0.1  # red cells lie over one another now and then
        if math.hypot(cell.x, cell.y) > keep_clear + 0.93 * cell.radius and (
            overlap_allowed or all(_apart(cell, other) for other in cells)
        ):
            cells.append(cell)
    platelets = [_platelet(rng, half, keep_clear) for _ in range(rng.poisson(half * half / 250))]
    return Surroundings(tuple(cells), np.concatenate([np.zeros((0, 3), np.float32), *platelets]))


def thickness_of_red_cells(cells: tuple[RedCell, ...], frame: Frame) -> FloatArray:
    """Thickness in micrometres; each cell is computed in its own window. Cost: O(area of the cells)."""
    total = np.zeros((frame.size, frame.size), np.float32)
    for cell in cells:
        columns = _window(frame.xs[0], cell.x, REACH * cell.radius)
        rows = _window(frame.ys[:, 0], cell.y, REACH * cell.radius)
        disc = _biconcave(cell, frame.xs[:, columns] - cell.x, frame.ys[rows] - cell.y)
        below = total[rows, columns]
        total[rows, columns] = np.maximum(below, disc) + SQUEEZE * np.minimum(below, disc)
    return total


def thickness_of_platelets(surroundings: Surroundings, frame: Frame) -> FloatArray:
    """Thickness of the platelets' grains in micrometres."""
    return splat(surroundings.platelets, frame)


def _biconcave(cell: RedCell, xs: FloatArray, ys: FloatArray) -> FloatArray:
    """Thickness √(1−ρ²)·(0.81 + 7.83ρ² − 4.39ρ⁴) µm (Evans and Fung 1972), blended with a flat disc of equal rim."""
    cosine, sine = np.float32(np.cos(cell.turn)), np.float32(np.sin(cell.turn))
    across, along = (xs * cosine + ys * sine) * np.float32(cell.aspect), ys * cosine - xs * sine
    ripple = cell.ripple * np.cos(cell.waves * np.arctan2(along, across) + np.float32(cell.phase))
    square = (across * across + along * along) / (cell.radius * (1 + ripple)) ** 2
    rim = np.sqrt(np.maximum(1 - square, 0))
    hollow = 0.81 + 7.83 * square - 4.39 * square * square
    return (rim * (cell.pallor * hollow + (1 - cell.pallor) * (2.3 + 1.2 * square))).astype(np.float32)


def _window(axis: FloatArray, centre: float, reach: float) -> slice:
    return slice(int(np.searchsorted(axis, centre - reach)), int(np.searchsorted(axis, centre + reach)))


def _red_cells(rng: np.random.Generator, count: int, half: float, pallor: float) -> list[RedCell]:
    crenated = rng.random(count) < 0.06
    columns = (
        rng.uniform(-half, half, count),
        rng.uniform(-half, half, count),
        RED_CELL_RADIUS * rng.normal(1, 0.07, count),
        rng.uniform(0.86, 1.14, count),
        rng.uniform(0, np.pi, count),
        np.clip(rng.normal(pallor, 0.25, count), 0, 1),
        np.where(crenated, rng.integers(9, 14, count), rng.integers(2, 4, count)),
        np.clip(rng.normal(0.025, 0.012, count), 0, 0.05),
        rng.uniform(0, 2 * np.pi, count),
    )
    return [RedCell(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _apart(one: RedCell, other: RedCell) -> bool:
    return math.hypot(one.x - other.x, one.y - other.y) > 0.97 * (one.radius + other.radius)


def _platelet(rng: np.random.Generator, half: float, keep_clear: float) -> FloatArray:
    """A cloud of purple grains 1.5 to 3 µm across."""
    place = rng.uniform(-half, half, 2)
    if np.hypot(*place) < keep_clear + 1.2:
        return np.zeros((0, 3), np.float32)
    spread, count = rng.uniform(0.35, 0.6), int(rng.integers(20, 60))
    grains = place + np.clip(rng.normal(0, spread, (count, 2)), -1.8 * spread, 1.8 * spread)
    return np.column_stack([grains, rng.uniform(0.15, 0.3, count)]).astype(np.float32)
