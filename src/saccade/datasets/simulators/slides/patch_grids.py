"""Slides as grids of patches: a kind for every cell of a lattice, turned into features or into a slide to embed.

Features stand in for a patch encoder that tells the kinds apart but for some noise: good for quick experiments with
aggregators, which never see pixels anyway. They are simulated; no encoder made them.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from saccade.core.errors import BadInput
from saccade.datasets.simulators.slides.description import Region, SlideDescription

_EMBEDDING = 51  # seed of the directions in which kinds lie, the same for all slides


@dataclass(frozen=True, eq=False)
class PatchGrid:
    """A slide at the scale of patches.

    Attributes:
        cells: Column and row of each patch, no two alike.
        kinds: What each shows: an index into ``names``.
        label: Class of the slide.
        names: Kinds of tissue.
    """

    cells: Int[np.ndarray, "patch 2"]
    kinds: Int[np.ndarray, "patch"]
    label: str
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.kinds)

    def counts(self) -> tuple[int, ...]:
        """How many patches are of each kind."""
        return tuple(np.bincount(self.kinds, minlength=len(self.names)).tolist())

    def coords(self, patch: int = 224) -> Int[np.ndarray, "patch 2"]:
        """Top left of each patch in base pixels, x before y."""
        return self.cells * patch


def simulate_features(
    grid: PatchGrid, rng: np.random.Generator, dim: int = 32, noise: float = 0.3
) -> Float[np.ndarray, "patch dim"]:
    """Features of every patch: a unit vector for each kind, at right angles to the others, and Gaussian noise.

    >>> grid = PatchGrid(np.array([[0, 0], [1, 0]]), np.array([0, 1]), "same", ("stroma", "fat"))
    >>> simulate_features(grid, np.random.default_rng(0)).shape
    (2, 32)

    Args:
        grid: The slide.
        rng: Draws the noise.
        dim: Of the features; at least the number of kinds.
        noise: Length of the noise beside the vectors' length of 1, on average.

    Raises:
        BadInput: The features have too few dimensions.
    """
    if dim < len(grid.names):
        raise BadInput(f"{len(grid.names)} kinds do not fit {dim} dimensions", "ask for more dimensions")
    directions, _ = np.linalg.qr(np.random.default_rng(_EMBEDDING).standard_normal((dim, dim)))
    clean = directions[: len(grid.names)][grid.kinds]
    return (clean + noise / np.sqrt(dim) * rng.standard_normal(clean.shape)).astype(np.float32)


def describe_grid(grid: PatchGrid, side: float, margin: int = 1, seed: int = 0) -> SlideDescription:
    """A slide on which every patch of the grid is a square of its tissue.

    >>> grid = PatchGrid(np.array([[0, 0], [1, 0]]), np.array([0, 0]), "same", ("stroma", "fat"))
    >>> slide = describe_grid(grid, side=100.0)
    >>> slide.width, slide.height, len(slide.regions)
    (400.0, 300.0, 1)

    Args:
        grid: The slide; neighbours of one kind in a row become one region.
        side: Of a patch in micrometres.
        margin: Patches of glass around the tissue, so that patch (c, r) lies at (margin + c, margin + r) × side.
        seed: Of everything smaller than a region.
    """
    columns, rows = grid.cells.max(0) + 1 + 2 * margin
    regions = []
    for first, length, row, kind in _runs(grid):
        x0, y0 = (first + margin) * side, (row + margin) * side
        x1, y1 = x0 + length * side, y0 + side
        regions.append(Region(grid.names[kind], np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], float)))
    return SlideDescription(float(columns * side), float(rows * side), tuple(regions), seed=seed)


def _runs(grid: PatchGrid) -> list[tuple[int, int, int, int]]:
    """First column, length, row and kind of each stretch of one kind."""
    found: list[tuple[int, int, int, int]] = []
    for number in np.lexsort((grid.cells[:, 0], grid.cells[:, 1])).tolist():
        (column, row), kind = grid.cells[number].tolist(), int(grid.kinds[number])
        if found:
            first, length, last_row, last_kind = found[-1]
            if (first + length, last_row, last_kind) == (column, row, kind):
                found[-1] = (first, length + 1, row, kind)
                continue
        found.append((column, 1, row, kind))
    return found
