"""Textures of simulated tissue: squares that repeat without a seam, made once for each resolution and kept.

The renderer looks them up through a smooth distortion that is different everywhere, so the repeat does not show.
"""

from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Float
from scipy.spatial import KDTree

SIDE = 1024  # pixels

Texture = Float[np.ndarray, "period period"]


@lru_cache(8)
def fibres(mpp: float) -> Texture:
    """Collagen: wavy strands along x, about 0 to 1, with darker bundles."""
    rng = np.random.default_rng(11)
    strands = _band(rng, mpp, along=16, across=0.9)
    bundles = _band(rng, mpp, along=40, across=3.5)
    sway = 2.2 / mpp * _band(rng, mpp, along=9, across=9)
    columns, rows = np.meshgrid(np.arange(SIDE, dtype=np.float32), np.arange(SIDE, dtype=np.float32))
    mixed = (0.55 * strands + 0.75 * bundles).astype(np.float32)
    mixed = cv2.remap(mixed, columns, rows + sway.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.asarray(1 / (1 + np.exp(-1.6 * mixed)), np.float32)


@lru_cache(8)
def grain(mpp: float) -> Texture:
    """Cytoplasm and debris: fine and coarse grains, mean 0, unit size."""
    rng = np.random.default_rng(12)
    mixed = 0.6 * _band(rng, mpp, 0.7, 0.7) + 0.6 * _band(rng, mpp, 2.2, 2.2) + 0.5 * _band(rng, mpp, 7, 7)
    return np.asarray(mixed / mixed.std(), np.float32)


@lru_cache(8)
def membranes(mpp: float) -> Texture:
    """Fat: thin walls between large empty cells; 1 on a wall, 0 inside a cell."""
    rng = np.random.default_rng(13)
    side = SIDE * mpp * 2  # the texture is spread over twice the length, or four cells would repeat
    count = max(round(side / 62), 3)
    lattice = np.stack(np.meshgrid(np.arange(count), np.arange(count)), -1).reshape(-1, 2) + 0.5
    lattice[:, 0] += 0.5 * (np.floor(lattice[:, 1]) % 2)
    middles = (lattice + rng.uniform(-0.3, 0.3, lattice.shape)) % count * (side / count)
    places = (np.arange(SIDE // 2) + 0.5) * (side / (SIDE // 2))
    grid = np.stack(np.meshgrid(places, places), -1).reshape(-1, 2)
    distances, _ = KDTree(middles, boxsize=side).query(grid, k=2)
    gap = (distances[:, 1] - distances[:, 0]).reshape(SIDE // 2, SIDE // 2).astype(np.float32)
    gap = cv2.resize(np.pad(gap, 2, mode="wrap"), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)[4:-4, 4:-4]
    return np.asarray(np.exp(-((gap / 2.6) ** 2)), np.float32)


def _band(rng: np.random.Generator, mpp: float, along: float, across: float) -> Texture:
    """Noise without a seam, of unit size, smooth over `along` µm in x and `across` µm in y."""
    spectrum = np.fft.rfft2(rng.standard_normal((SIDE, SIDE)))
    x, y = np.fft.rfftfreq(SIDE)[None], np.fft.fftfreq(SIDE)[:, None]
    spectrum *= np.exp(-2 * (np.pi / mpp) ** 2 * ((x * along / 2) ** 2 + (y * across / 2) ** 2))
    spectrum[0, 0] = 0
    noise = np.fft.irfft2(spectrum, (SIDE, SIDE))
    return (noise / noise.std()).astype(np.float32)
