"""Shapes that simulated white blood cells are put together from: outlines, lobes, bands, granules; in micrometres."""

from itertools import pairwise

import numpy as np

from saccade.datasets.simulators.thickness import FloatArray, distance_to_spines

ANGLES = np.linspace(0, 2 * np.pi, 256, endpoint=False)
LOBE_GAP = 0.2  # the least distance kept between two lobes


def bumpy_outline(rng: np.random.Generator, radius: float, roughness: float, bumps: int = 0) -> FloatArray:
    """Draw radii at `ANGLES`: a circle, harmonics that fall off with their order, and a few buds."""
    orders = np.arange(2, 14)
    heights = rng.normal(0, roughness, len(orders)) / (orders / 2) ** 1.5
    phases = rng.uniform(0, 2 * np.pi, len(orders))
    relief = 1 + heights @ np.cos(orders[:, None] * (ANGLES - phases[:, None]))
    for _ in range(bumps):
        offset = np.angle(np.exp(1j * (ANGLES - rng.uniform(0, 2 * np.pi))))
        relief += rng.uniform(0.03, 0.13) * np.exp(-((offset / rng.uniform(0.1, 0.25)) ** 2))
    return (radius * relief).astype(np.float32)


def lobes_on_ring(
    rng: np.random.Generator, count: int, room: float, size: tuple[float, float]
) -> tuple[FloatArray, ...]:
    """Draw ovals along an open, flattened ring that fit in a circle of radius `room`, each at least `LOBE_GAP` apart.

    The ring grows until the lobes clear one another; where it then leaves the circle, the lobes shrink.
    """
    radii, along = rng.uniform(*size, count), rng.uniform(0.05, 0.4, count)
    steps = np.concatenate([[0], radii[1:] + radii[:-1]])
    angles = np.cumsum(steps) / steps.sum() * 2 * np.pi * rng.uniform(0.55, 0.95) * (count - 1) / count
    places = np.stack([np.cos(angles), rng.uniform(0.65, 1) * np.sin(angles)], axis=1)
    places *= rng.uniform(0.85, 1.15, (count, 1))
    tilts = angles + np.pi / 2 + rng.normal(0, 0.6, count)
    axes = along[:, None] * np.stack([np.cos(tilts), np.sin(tilts)], axis=1)
    taper = rng.uniform(0.78, 1.0, (count, 2, 1))
    ring = 0.8 * radii.mean()
    while True:
        ends = np.stack([ring * places - radii[:, None] * axes, ring * places + radii[:, None] * axes], axis=1)
        lobes = np.concatenate([ends - ends.mean((0, 1)), radii[:, None, None] * taper], axis=-1)
        reach = (np.hypot(lobes[..., 0], lobes[..., 1]) + lobes[..., 2]).max()
        if reach > room:  # no place for them all: try again smaller, closer together
            radii, ring = 0.97 * radii, 0.7 * ring
        elif _least_gap(lobes) < LOBE_GAP:
            ring += 0.15
        else:
            break
    turn = rng.uniform(0, 2 * np.pi)
    lobes[..., :2] = lobes[..., :2] @ _rotation(turn) + rng.uniform(0, 0.8) * (room - reach) * direction(rng)
    return tuple(lobes.astype(np.float32))


def _least_gap(lobes: np.ndarray) -> float:
    """Least distance between the outlines of two of (lobe, 2, 3) ovals, from five discs along each."""
    fractions = np.linspace(0, 1, 5)[:, None]
    discs = (lobes[:, :1] * (1 - fractions) + lobes[:, 1:] * fractions).reshape(-1, 3)
    between = discs[:, None] - discs
    gaps = np.hypot(between[..., 0], between[..., 1]) - discs[:, None, 2] - discs[:, 2]
    owner = np.repeat(np.arange(len(lobes)), 5)
    return float(gaps[owner[:, None] != owner].min())


def strands_between(
    rng: np.random.Generator, lobes: tuple[FloatArray, ...], thickness: tuple[float, float]
) -> tuple[FloatArray, ...]:
    """Draw a bridge from each lobe to the next, between their nearest ends, bent a little."""
    strands = []
    for one, two in pairwise(lobes):
        away = np.hypot(*(one[:, None, :2] - two[None, :, :2]).transpose(2, 0, 1))
        start, end = np.unravel_index(np.argmin(away), away.shape)
        middle = (one[start] + two[end]) / 2 + np.array([*rng.normal(0, 0.2, 2), 0])
        spine = np.stack([one[start], middle, two[end]])
        spine[:, 2] = rng.uniform(*thickness)
        strands.append(spine.astype(np.float32))
    return tuple(strands)


def horseshoe(rng: np.random.Generator, cell_radius: float) -> FloatArray:
    """Draw a thick band bent by 60° to 250°: bean, kidney or horseshoe, its arms uneven."""
    bend, width = np.radians(rng.uniform(60, 250)), cell_radius * rng.uniform(0.3, 0.4)
    bow = min(cell_radius * rng.uniform(0.75, 1.1) / (bend / 2), cell_radius * rng.uniform(0.42, 0.6))
    angles = np.linspace(-bend / 2, bend / 2, 7)
    widths = width * np.clip(1 + rng.normal(0, 0.1, 7) + 0.12 * rng.choice([-1, 1]) * np.linspace(-1, 1, 7), 0.7, 1.35)
    path = bow * np.stack([np.cos(angles), np.sin(angles)], axis=1) * rng.uniform(0.85, 1.15, (7, 1))
    path -= path.mean(0) - rng.uniform(0, 0.1) * cell_radius * direction(rng)
    return np.column_stack([path @ _rotation(rng.uniform(0, 2 * np.pi)), widths]).astype(np.float32)


def scatter_granules(
    rng: np.random.Generator,
    outline: FloatArray,
    lobes: tuple[FloatArray, ...],
    count: int,
    radius: float,
    over_nucleus: float,
) -> FloatArray:
    """Draw up to `count` granules; of those that fall on the nucleus only a fraction `over_nucleus` is kept."""
    points = _points_inside(rng, outline, count, margin=0.7 * radius)
    on_nucleus = distance_to_spines(lobes, points[:, 0], points[:, 1]) < 0.5 * radius
    points = points[~on_nucleus | (rng.random(count) < over_nucleus)]
    return np.column_stack([points, radius * rng.lognormal(0, 0.17, len(points))]).astype(np.float32)


def scatter_vacuoles(
    rng: np.random.Generator, outline: FloatArray, lobes: tuple[FloatArray, ...], count: int
) -> FloatArray:
    """Draw up to `count` vacuoles in the cytoplasm."""
    points = _points_inside(rng, outline, count, margin=1.0)
    points = points[distance_to_spines(lobes, points[:, 0], points[:, 1]) > -0.3]
    return np.column_stack([points, rng.uniform(0.22, 0.75, len(points))]).astype(np.float32)


def _points_inside(rng: np.random.Generator, outline: FloatArray, count: int, margin: float) -> FloatArray:
    angle = rng.uniform(0, 2 * np.pi, count)
    reach = np.sqrt(rng.random(count)) * (np.interp(angle, ANGLES, outline, period=2 * np.pi) - margin)
    return np.stack([reach * np.cos(angle), reach * np.sin(angle)], axis=1).astype(np.float32)


def direction(rng: np.random.Generator) -> np.ndarray:
    """Draw a unit vector (x, y)."""
    angle = rng.uniform(0, 2 * np.pi)
    return np.array([np.cos(angle), np.sin(angle)])


def _rotation(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
