"""How each kind of simulated white blood cell is drawn: sizes, lobes, granules and chromatin.

The figures are those of haematology textbooks for cells flattened on a smear (red cell 7.5 µm, neutrophil and eosinophil
12–15 µm, basophil 11–14 µm, lymphocyte 8–12 µm, monocyte 14–19 µm across), widened to the spread seen in public smears.
"""

from collections.abc import Callable

import numpy as np

from saccade.core.errors import BadInput
from saccade.datasets.simulators.cell_description import (
    CellDescription,
    Chromatin,
    FloatArray,
    distance_to_spines,
)

ANGLES = np.linspace(0, 2 * np.pi, 256, endpoint=False)
LOBE_GAP = 0.2  # µm; the least distance kept between two lobes


def describe_cell(kind: str, rng: np.random.Generator) -> CellDescription:
    """Draw a simulated white blood cell of one kind.

    Raises:
        BadInput: the kind is not one of `KINDS`.

    Example:
        >>> import numpy as np
        >>> describe_cell("eosinophil", np.random.default_rng(0)).kind
        'eosinophil'
    """
    if kind not in DRAWN_BY:
        raise BadInput(f"unknown kind of white blood cell {kind!r}", remedy=f"Choose one of {', '.join(DRAWN_BY)}")
    return DRAWN_BY[kind](rng)


def _neutrophil(rng: np.random.Generator) -> CellDescription:
    radius = rng.uniform(5.7, 7.1)
    outline = _outline(rng, radius, roughness=0.028)
    lobes = _lobe_ring(rng, count=int(rng.choice([3, 4, 5], p=[0.5, 0.35, 0.15])), room=radius - 0.55, size=(1.75, 2.6))
    return CellDescription(
        kind="neutrophil",
        outline=outline,
        height=rng.uniform(1.8, 2.3),
        lobes=lobes,
        strands=_strands(rng, lobes, thickness=(0.3, 0.9)),
        nucleus_height=rng.uniform(1.6, 2.0),
        chromatin=Chromatin(grain=0.42, contrast=rng.uniform(0.22, 0.45), lace=0.35),
        granules=_granules(rng, outline, lobes, count=int(rng.uniform(150, 420)), radius=0.13, over_nucleus=0.3),
        texture=_texture(rng),
        vacuoles=_vacuoles(rng, outline, lobes, count=rng.poisson(0.3)),
    )


def _eosinophil(rng: np.random.Generator) -> CellDescription:
    radius = rng.uniform(5.9, 7.3)
    outline = _outline(rng, radius, roughness=0.028)
    lobes = _lobe_ring(rng, count=2, room=radius - 0.5, size=(2.2, 3.0))
    return CellDescription(
        kind="eosinophil",
        outline=outline,
        height=rng.uniform(1.8, 2.3),
        lobes=lobes,
        strands=_strands(rng, lobes, thickness=(0.4, 1.2)),
        nucleus_height=rng.uniform(1.6, 2.0),
        chromatin=Chromatin(grain=0.42, contrast=rng.uniform(0.22, 0.45), lace=0.35),
        granules=_granules(rng, outline, lobes, count=int(rng.uniform(380, 560)), radius=0.36, over_nucleus=0.06),
        texture=_texture(rng),
        vacuoles=_vacuoles(rng, outline, lobes, count=rng.poisson(1.5)),
    )


def _basophil(rng: np.random.Generator) -> CellDescription:
    radius = rng.uniform(5.2, 6.7)
    outline = _outline(rng, radius, roughness=0.045, bumps=int(rng.poisson(2.5)))
    lobes = _lobe_ring(rng, count=int(rng.integers(2, 4)), room=radius - 0.5, size=(2.2, 3.0))
    return CellDescription(
        kind="basophil",
        outline=outline,
        height=rng.uniform(1.8, 2.3),
        lobes=lobes,
        strands=_strands(rng, lobes, thickness=(0.7, 1.3)),
        nucleus_height=rng.uniform(1.6, 2.0),
        chromatin=Chromatin(grain=0.6, contrast=rng.uniform(0.15, 0.3), lace=0.0),
        granules=_granules(rng, outline, lobes, count=int(rng.uniform(150, 330)), radius=0.33, over_nucleus=0.8),
        texture=_texture(rng),
        vacuoles=_vacuoles(rng, outline, lobes, count=rng.poisson(1.0)),
    )


def _lymphocyte(rng: np.random.Generator) -> CellDescription:
    nucleus_radius = rng.uniform(3.4, 4.6)
    rim = rng.uniform(0.5, 1.0) if rng.random() < 0.75 else rng.uniform(1.0, 2.2)  # a large lymphocyte has more cytoplasm
    outline = _outline(rng, nucleus_radius + rim, roughness=0.04, bumps=int(rng.poisson(1.2)))
    shift = rng.uniform(0, 0.7) * rim * _direction(rng)
    length = rng.uniform(0, 0.35) * nucleus_radius * _direction(rng)
    ends = [(*(shift + sign * length), nucleus_radius * rng.uniform(0.86, 0.98)) for sign in (-1, 1)]
    lobes = (np.array(ends, np.float32),)
    return CellDescription(
        kind="lymphocyte",
        outline=outline,
        height=rng.uniform(2.0, 2.6),
        lobes=lobes,
        strands=(),
        nucleus_height=rng.uniform(1.7, 2.1),
        chromatin=Chromatin(grain=0.45, contrast=rng.uniform(0.2, 0.4), lace=0.5),
        granules=_granules(rng, outline, lobes, count=int(rng.poisson(3)), radius=0.2, over_nucleus=0.1),
        texture=_texture(rng),
        vacuoles=_vacuoles(rng, outline, lobes, count=rng.poisson(0.2)),
    )


def _monocyte(rng: np.random.Generator) -> CellDescription:
    radius = rng.uniform(6.6, 8.8)
    outline = _outline(rng, radius, roughness=0.085, bumps=int(rng.poisson(1.5)))
    lobes = (_horseshoe(rng, radius),)
    return CellDescription(
        kind="monocyte",
        outline=outline,
        height=rng.uniform(1.8, 2.4),
        lobes=lobes,
        strands=(),
        nucleus_height=rng.uniform(1.3, 1.7),
        chromatin=Chromatin(grain=0.42, contrast=rng.uniform(0.2, 0.36), lace=0.75),
        granules=_granules(rng, outline, lobes, count=int(rng.uniform(30, 160)), radius=0.12, over_nucleus=0.2),
        texture=_texture(rng),
        vacuoles=_vacuoles(rng, outline, lobes, count=rng.poisson(3.0)),
    )


DRAWN_BY: dict[str, Callable[[np.random.Generator], CellDescription]] = {
    "neutrophil": _neutrophil,
    "eosinophil": _eosinophil,
    "basophil": _basophil,
    "lymphocyte": _lymphocyte,
    "monocyte": _monocyte,
}
KINDS: tuple[str, ...] = tuple(DRAWN_BY)


def _outline(rng: np.random.Generator, radius: float, roughness: float, bumps: int = 0) -> FloatArray:
    """Radii at `ANGLES`: a circle, harmonics that fall off with their order, and a few buds."""
    orders = np.arange(2, 14)
    heights = rng.normal(0, roughness, len(orders)) / (orders / 2) ** 1.5
    phases = rng.uniform(0, 2 * np.pi, len(orders))
    relief = 1 + heights @ np.cos(orders[:, None] * (ANGLES - phases[:, None]))
    for _ in range(bumps):
        offset = np.angle(np.exp(1j * (ANGLES - rng.uniform(0, 2 * np.pi))))
        relief += rng.uniform(0.03, 0.13) * np.exp(-((offset / rng.uniform(0.1, 0.25)) ** 2))
    return (radius * relief).astype(np.float32)


def _lobe_ring(rng: np.random.Generator, count: int, room: float, size: tuple[float, float]) -> tuple[FloatArray, ...]:
    """Ovals along an open, flattened ring within a circle of radius `room`, close together but none touching another."""
    radii, along = rng.uniform(*size, count), rng.uniform(0.05, 0.4, count)
    steps = np.concatenate([[0], radii[1:] + radii[:-1]])
    angles = np.cumsum(steps) / steps.sum() * 2 * np.pi * rng.uniform(0.55, 0.95) * (count - 1) / count
    places = np.stack([np.cos(angles), rng.uniform(0.65, 1) * np.sin(angles)], axis=1) * rng.uniform(0.85, 1.15, (count, 1))
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
    lobes[..., :2] = lobes[..., :2] @ _rotation(turn) + rng.uniform(0, 0.8) * (room - reach) * _direction(rng)
    return tuple(lobes.astype(np.float32))


def _least_gap(lobes: np.ndarray) -> float:
    """Least distance between the outlines of two of (lobe, 2, 3) ovals, from five discs along each."""
    fractions = np.linspace(0, 1, 5)[:, None]
    discs = (lobes[:, :1] * (1 - fractions) + lobes[:, 1:] * fractions).reshape(-1, 3)
    between = discs[:, None] - discs
    gaps = np.hypot(between[..., 0], between[..., 1]) - discs[:, None, 2] - discs[:, 2]
    owner = np.repeat(np.arange(len(lobes)), 5)
    return float(gaps[owner[:, None] != owner].min())


def _strands(rng: np.random.Generator, lobes: tuple[FloatArray, ...], thickness: tuple[float, float]) -> tuple[FloatArray, ...]:
    """A bridge from each lobe to the next, between their nearest ends, bent a little."""
    strands = []
    for one, two in zip(lobes, lobes[1:], strict=False):
        away = np.hypot(*(one[:, None, :2] - two[None, :, :2]).transpose(2, 0, 1))
        start, end = np.unravel_index(np.argmin(away), away.shape)
        middle = (one[start] + two[end]) / 2 + np.array([*rng.normal(0, 0.2, 2), 0])
        spine = np.stack([one[start], middle, two[end]])
        spine[:, 2] = rng.uniform(*thickness)
        strands.append(spine.astype(np.float32))
    return tuple(strands)


def _horseshoe(rng: np.random.Generator, cell_radius: float) -> FloatArray:
    """A thick band bent by 60° to 250°: bean, kidney or horseshoe, its arms uneven."""
    bend, width = np.radians(rng.uniform(60, 250)), cell_radius * rng.uniform(0.3, 0.4)
    bow = min(cell_radius * rng.uniform(0.75, 1.1) / (bend / 2), cell_radius * rng.uniform(0.42, 0.6))
    angles = np.linspace(-bend / 2, bend / 2, 7)
    widths = width * np.clip(1 + rng.normal(0, 0.1, 7) + 0.12 * rng.choice([-1, 1]) * np.linspace(-1, 1, 7), 0.7, 1.35)
    path = bow * np.stack([np.cos(angles), np.sin(angles)], axis=1) * rng.uniform(0.85, 1.15, (7, 1))
    path -= path.mean(0) - rng.uniform(0, 0.1) * cell_radius * _direction(rng)
    return np.column_stack([path @ _rotation(rng.uniform(0, 2 * np.pi)), widths]).astype(np.float32)


def _granules(
    rng: np.random.Generator,
    outline: FloatArray,
    lobes: tuple[FloatArray, ...],
    count: int,
    radius: float,
    over_nucleus: float,
) -> FloatArray:
    """Up to `count` granules around the nucleus; of those that fall on it a fraction `over_nucleus` is kept."""
    points = _points_inside(rng, outline, count, margin=0.7 * radius)
    on_nucleus = distance_to_spines(lobes, points[:, 0], points[:, 1]) < 0.5 * radius
    points = points[~on_nucleus | (rng.random(count) < over_nucleus)]
    return np.column_stack([points, radius * rng.lognormal(0, 0.17, len(points))]).astype(np.float32)


def _vacuoles(rng: np.random.Generator, outline: FloatArray, lobes: tuple[FloatArray, ...], count: int) -> FloatArray:
    points = _points_inside(rng, outline, count, margin=1.0)
    points = points[distance_to_spines(lobes, points[:, 0], points[:, 1]) > -0.3]
    return np.column_stack([points, rng.uniform(0.22, 0.75, len(points))]).astype(np.float32)


def _points_inside(rng: np.random.Generator, outline: FloatArray, count: int, margin: float) -> FloatArray:
    angle = rng.uniform(0, 2 * np.pi, count)
    reach = np.sqrt(rng.random(count)) * (np.interp(angle, ANGLES, outline, period=2 * np.pi) - margin)
    return np.stack([reach * np.cos(angle), reach * np.sin(angle)], axis=1).astype(np.float32)


def _direction(rng: np.random.Generator) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi)
    return np.array([np.cos(angle), np.sin(angle)])


def _rotation(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def _texture(rng: np.random.Generator) -> int:
    return int(rng.integers(2**32))
