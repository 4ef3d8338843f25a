"""Stamps: nuclei and glands drawn once for each resolution, to be pasted many thousand times.

A stamp covers what lies below by its cover and brings haematoxylin and eosin of its own:
amount' = amount · (1 − cover) + stamp, each per dye.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Float

Plane = Float[np.ndarray, "side side"]
TURNS = 16
"""In how many directions long nuclei are kept; stamp i of n lies at an angle of π · (i mod TURNS) / TURNS."""


@dataclass(frozen=True, eq=False)
class Stamp:
    """What is kept of the dyes below, and how much haematoxylin and eosin are added."""

    kept: Float[np.ndarray, "side side 1"]
    added: Float[np.ndarray, "side side 2"]


@dataclass(frozen=True)
class NucleusKind:
    """How the nuclei of one kind of cell look; lengths in micrometres, amounts of haematoxylin.

    Attributes:
        length: Half the longer axis, least and most.
        aspect: Longer over shorter axis, least and most.
        dark: Amount, least and most.
        clumps: Contrast of the chromatin.
        rim: Extra amount along the membrane.
        nucleoli: Most dots.
        irregular: Relative roughness of the outline.
    """

    length: tuple[float, float]
    aspect: tuple[float, float]
    dark: tuple[float, float]
    clumps: float
    rim: float
    nucleoli: int
    irregular: float


NUCLEI = {
    "spindle": NucleusKind((4.5, 8.0), (2.6, 5.0), (0.75, 1.2), 0.15, 0.1, 0, 0.05),
    "lymphocyte": NucleusKind((2.9, 3.7), (1.0, 1.2), (1.15, 1.6), 0.3, 0.1, 0, 0.04),
    "epithelial": NucleusKind((3.4, 4.6), (1.15, 1.6), (0.75, 1.1), 0.2, 0.18, 1, 0.04),
    "tumour": NucleusKind((4.0, 7.2), (1.0, 1.7), (0.6, 1.35), 0.26, 0.25, 2, 0.08),
    "debris": NucleusKind((0.5, 1.9), (1.0, 1.5), (0.9, 1.5), 0.1, 0.0, 0, 0.15),
}


@lru_cache(64)
def nuclei(name: str, mpp: float, count: int = 96) -> tuple[Stamp, ...]:
    """Nuclei of a kind; the i-th lies at the angle π · (i mod TURNS) / TURNS."""
    kind = NUCLEI[name]
    return tuple(_nucleus(kind, mpp, np.random.default_rng([21, *name.encode(), i]), i) for i in range(count))


def _nucleus(kind: NucleusKind, mpp: float, rng: np.random.Generator, index: int) -> Stamp:
    length, aspect = rng.uniform(*kind.length), rng.uniform(*kind.aspect)
    side = 2 * int(np.ceil((length * (1 + 3 * kind.irregular) + 1) / mpp)) + 1
    axis = ((np.arange(side) - side // 2) * mpp).astype(np.float32)
    turn = np.pi * (index % TURNS) / TURNS
    x = axis[None] * np.cos(turn) + axis[:, None] * np.sin(turn)
    y = axis[:, None] * np.cos(turn) - axis[None] * np.sin(turn)
    angle, reach = np.arctan2(y * aspect, x), np.hypot(x, y * aspect) / length
    waves = sum(rng.normal(0, kind.irregular / w) * np.cos(w * angle + rng.uniform(0, 7)) for w in (2, 3, 4, 5))
    depth = (1 + waves - reach) * length / aspect  # µm inside the outline, about
    cover = np.clip(depth / max(0.7, 1.2 * mpp) + 0.5, 0, 1)
    chromatin = cv2.GaussianBlur(rng.standard_normal((side, side)).astype(np.float32), (0, 0), max(0.55 / mpp, 0.4))
    chromatin = chromatin / max(float(chromatin.std()), 1e-6)
    dark = rng.uniform(*kind.dark) * (1 + kind.clumps * np.clip(chromatin, -1.5, 1.8))
    dark = dark + kind.rim * np.exp(-(((depth - 0.5) / 0.5) ** 2))
    for _ in range(int(rng.integers(kind.nucleoli + 1))):
        place, size = rng.normal(0, 0.3, 2) * (length, length / aspect), rng.uniform(0.6, 1.2)
        dark = dark + 0.6 * np.exp(-(((x - place[0]) ** 2 + (y - place[1]) ** 2) / size**2))
    return _stamp(np.asarray(cover), np.maximum(dark, 0.1), np.full((side, side), 0.18))


def _stamp(cover: Plane, haematoxylin: Plane, eosin: Plane) -> Stamp:
    added = np.stack([cover * haematoxylin, cover * eosin], -1)
    return Stamp((1 - cover[..., None]).astype(np.float32), added.astype(np.float32))


GLAND = (24.0, 46.0)  # µm; least and most radius


@lru_cache(4)
def glands(mpp: float, count: int = 24) -> tuple[Stamp, ...]:
    """Cross-sections of glands: a lumen, tall pale cells around it, their nuclei along the outer rim."""
    return tuple(_gland(mpp, np.random.default_rng([22, i])) for i in range(count))


def _gland(mpp: float, rng: np.random.Generator) -> Stamp:
    radius = rng.uniform(GLAND[0], GLAND[1] / 1.12)
    side = 2 * int(np.ceil((GLAND[1] + 3) / mpp)) + 1
    axis = ((np.arange(side) - side // 2) * mpp).astype(np.float32)
    angle, away = np.arctan2(axis[:, None], axis[None]), np.hypot(axis[:, None], axis[None])
    phases, sizes = rng.uniform(0, 7, 3), rng.normal(0, 0.06, 3)
    rim = radius * (
        1 + sum(s * np.cos((w + 2) * angle + p) for w, (s, p) in enumerate(zip(sizes, phases, strict=True)))
    )
    tall = rng.uniform(13, 19)
    depth = rim - away  # µm inside the basement membrane
    cover = np.clip(depth / 0.8 + 0.5, 0, 1)
    lumen = np.clip((depth - tall - 0.8 * np.cos(23 * angle + phases[0])) / 1.2 + 0.5, 0, 1)
    grains = cv2.GaussianBlur(rng.standard_normal((side, side)).astype(np.float32), (0, 0), max(0.9 / mpp, 0.4))
    grains = grains / grains.std()
    walls = np.exp(-((np.sin(angle * radius / 5.2 * np.pi) * 5.2 / 0.9) ** 2)) * (depth < tall)
    apical = np.clip((depth - 6) / (tall - 6), 0, 1)  # paler towards the lumen: mucin
    haematoxylin = 0.15 - 0.06 * apical + 0.03 * grains
    eosin = 0.42 - 0.2 * apical + 0.05 * grains + 0.12 * walls + 0.2 * np.exp(-(((depth - tall) / 0.9) ** 2))
    content = float(rng.random() < 0.4) * np.clip(0.12 + 0.06 * grains, 0, 1)
    eosin = eosin * (1 - lumen) + lumen * content
    haematoxylin = haematoxylin * (1 - lumen)
    stamp = _stamp(np.asarray(cover), np.maximum(haematoxylin, 0), np.maximum(eosin, 0))
    _ring_of_nuclei(stamp, mpp, radius, rng, phases, sizes)
    return stamp


def _ring_of_nuclei(
    stamp: Stamp, mpp: float, radius: float, rng: np.random.Generator, phases: np.ndarray, sizes: np.ndarray
) -> None:
    library, side = nuclei("epithelial", mpp), stamp.kept.shape[0]
    count = int(2 * np.pi * (radius - 5) / rng.uniform(5.6, 6.8))
    for number in range(count):
        angle = 2 * np.pi * (number + rng.uniform(-0.25, 0.25)) / count
        rim = radius * (
            1 + sum(s * np.cos((w + 2) * angle + p) for w, (s, p) in enumerate(zip(sizes, phases, strict=True)))
        )
        away = rim - rng.uniform(4.6, 7.0)
        turn = round(angle / np.pi * TURNS) % TURNS  # long axis along the radius
        nucleus = library[turn + TURNS * int(rng.integers(len(library) // TURNS))]
        x, y = (round(away * f(angle) / mpp) + side // 2 for f in (np.cos, np.sin))
        press(stamp.added, nucleus, x, y)


def press(amounts: Float[np.ndarray, "height width 2"], stamp: Stamp, x: int, y: int) -> None:
    """Press a stamp with its middle at column `x` and row `y` onto amounts of dye, in place; what overhangs is lost."""
    half = stamp.kept.shape[0] // 2
    top, left = y - half, x - half
    rows = slice(max(top, 0), min(y + half + 1, amounts.shape[0]))
    columns = slice(max(left, 0), min(x + half + 1, amounts.shape[1]))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    part = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
    window = amounts[rows, columns]
    window *= stamp.kept[part]
    window += stamp.added[part]
