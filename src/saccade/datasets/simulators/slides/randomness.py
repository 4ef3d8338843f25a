"""Randomness tied to places: the same number for the same place, whoever asks and in whatever order.

A slide is rendered in pieces, so nothing may be drawn from a generator that remembers. Numbers come from a hash of seed
and integer place (SplitMix64), smooth noise from cubic B-splines through such numbers on a lattice.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt64

_STEPS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11))

Scalars = Float[np.ndarray, "place"]


def uniforms(
    seed: int, salt: int, columns: Int[np.ndarray, "*place"], rows: Int[np.ndarray, "*place"]
) -> Float[np.ndarray, "*place"]:
    """A number in [0, 1) for each place, independent between salts.

    >>> place = np.arange(3)
    >>> bool((uniforms(0, 1, place, place) == uniforms(0, 1, place, place)).all())
    True
    """
    start = _mix(np.array([seed * 1009 + salt + 1], np.uint64))
    mixed = _mix(_mix(columns.astype(np.int64).view(np.uint64) + start) + rows.astype(np.int64).view(np.uint64))
    return (mixed >> _SHIFTS[3]) * 2.0**-53


def _mix(value: UInt64[np.ndarray, "*place"]) -> UInt64[np.ndarray, "*place"]:
    value = value + _STEPS[0]
    value = (value ^ (value >> _SHIFTS[0])) * _STEPS[1]
    value = (value ^ (value >> _SHIFTS[1])) * _STEPS[2]
    return value ^ (value >> _SHIFTS[2])


def smooth_noise(
    seed: int, salt: int, spacing: float, xs: Float[np.ndarray, "width"], ys: Float[np.ndarray, "height"]
) -> Float[np.ndarray, "height width"]:
    """Noise of about unit size that changes over `spacing`, at the crossings of columns `xs` and rows `ys`.

    Cost: O(height × width × lattice points across).
    """
    first_x, across = _spline(xs / spacing)
    first_y, down = _spline(ys / spacing)
    columns, rows = np.meshgrid(first_x + np.arange(across.shape[1]), first_y + np.arange(down.shape[1]))
    lattice = (uniforms(seed, salt, columns, rows) - 0.5).astype(np.float32) * np.float32(7.3)
    return down @ lattice @ across.T


def _spline(places: Float[np.ndarray, "place"]) -> tuple[int, Float[np.ndarray, "place knot"]]:
    """The first knot and the weight of every knot at each place, for a uniform cubic B-spline."""
    whole = np.floor(places).astype(int)
    t = places - whole
    weights = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], 1) / 6
    first, last = int(whole.min()) - 1, int(whole.max()) + 2
    basis = np.zeros((len(places), last - first + 1), np.float32)
    for offset in range(4):
        basis[np.arange(len(places)), whole - first - 1 + offset] = weights[:, offset]
    return first, basis


@dataclass(frozen=True, eq=False)
class Scatter:
    """Points strewn over a window: places in the window's unit and, for each, random numbers in [0, 1)."""

    x: Scalars
    y: Scalars
    chance: Scalars
    choice: Scalars


def scatter(
    seed: int, salt: int, spacing: float, window: tuple[float, float, float, float], jitter: float = 0.8
) -> Scatter:
    """One point in each cell of a lattice, moved off its middle by up to half a `spacing` × `jitter`.

    Points of overlapping windows are the same and come in the same order.

    Args:
        seed: Of the slide.
        salt: Of the kind of thing.
        spacing: Of the lattice.
        window: x0, y0, x1, y1; points a little outside are given too.
        jitter: 0 for a lattice, 1 for one that hardly shows.
    """
    x0, y0, x1, y1 = (int(np.floor(edge / spacing)) for edge in window)
    columns, rows = (axis.ravel() for axis in np.meshgrid(np.arange(x0 - 2, x1 + 1), np.arange(y0 - 1, y1 + 1)))
    dx, dy, chance, choice = (uniforms(seed, 16 * salt + number, columns, rows) for number in range(4))
    odd = 0.5 * (rows % 2)  # shifted rows: a hexagonal lattice shows less than a square one
    return Scatter(
        (columns + odd + 0.5 + jitter * (dx - 0.5)) * spacing,
        (rows + 0.5 + jitter * (dy - 0.5)) * spacing,
        chance,
        choice,
    )
