"""Which patches of a slide are embedded: one lattice over the whole slide, in whole base pixels."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite

import numpy as np
from jaxtyping import Int

from saccade.core.errors import BadInput
from saccade.imaging.tissue.tissue import Tissue
from saccade.ops.lattice import Coords, Lattice, grid

_UPSAMPLING = 1.05  # patches may be enlarged this much; the stated mpp of one scanner is not surer than that
_SHARPER = 1.01  # a level this much coarser than wanted counts as fine enough: levels are a pixel off
_AT_ONCE = 2**18  # patches whose tissue is measured together


@dataclass(frozen=True)
class PatchSettings:
    """What a patch is.

    >>> PatchSettings(mpp=0.5, patch=256, overlap=128).stride
    128

    Raises:
        BadInput: A value no patch can have, or an overlap that does not divide the patch.
    """

    mpp: float = 0.5
    """Micrometres per pixel as the encoder sees them."""
    patch: int = 224
    """Side in those pixels."""
    overlap: int = 0
    """Of neighbours, in those pixels; it divides the patch."""
    min_tissue: float = 0.25
    """Least share of a patch that is tissue. A patch without any is never taken."""

    def __post_init__(self) -> None:
        if not (isfinite(self.mpp) and self.mpp > 0):
            raise BadInput(f"{self.mpp:g} micrometres per pixel cannot be read", "use a positive --mpp, such as 0.5")
        if self.patch < 1:
            raise BadInput(f"a patch of {self.patch} pixels", "use a --patch of at least 1, such as 224")
        if not 0 <= self.overlap < self.patch or (self.overlap and self.patch % self.overlap):
            message = f"an overlap of {self.overlap} pixels does not divide a patch of {self.patch}"
            raise BadInput(message, f"use an --overlap such as 0 or {self.patch // 2}")
        if not 0 <= self.min_tissue <= 1:
            raise BadInput(f"a least share of tissue of {self.min_tissue:g}", "use a --min-tissue from 0 to 1")

    @property
    def stride(self) -> int:
        """From one patch to the next, in the pixels the encoder sees."""
        return self.patch - self.overlap

    def as_dict(self) -> dict[str, float | int]:
        """Every setting by its name, as the patches depend on it."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class PatchPlan:
    """The patches of one slide and how to read them."""

    coords: Coords
    """Upper left corners in base pixels, int64, in raster order."""
    patch_size_level0: int
    """Side of a patch in base pixels."""
    stride_level0: int
    """From one patch to the next, in base pixels."""
    read_level: int
    """The level to read from: the coarsest that is fine enough."""
    read_size: int
    """Side of a patch in that level's pixels; it is then resized to what the encoder sees."""
    lattice: Lattice

    def __len__(self) -> int:
        return len(self.coords)

    @property
    def boxes(self) -> Int[np.ndarray, "patch 4"]:
        """Patches as x0, y0, x1, y1 in base pixels."""
        return _boxes(self.coords, self.patch_size_level0)


def plan_patches(
    width: int, height: int, base_mpp: float, levels: Sequence[float], tissue: Tissue, settings: PatchSettings
) -> PatchPlan:
    """Choose the patches that hold tissue, on one lattice from the slide's upper left corner.

    Only patches wholly inside the slide count; a slide smaller than one has none. Cost: one look at the tissue mask per
    place of the lattice, in pieces.

    Args:
        width: Of the slide in base pixels.
        height: Of the slide in base pixels.
        base_mpp: Micrometres per base pixel.
        levels: Base pixels per pixel of each level, finest first.
        tissue: Where patches may lie.
        settings: What a patch is.

    Raises:
        BadInput: The patches would be finer than the slide itself, by more than 5 %.
    """
    scale = settings.mpp / base_mpp
    if scale * _UPSAMPLING < 1:
        message = f"patches of {settings.mpp:g} micrometres per pixel are finer than the slide's own {base_mpp:g}"
        raise BadInput(message, f"use an --mpp of at least {base_mpp:g}")
    patch, stride = (max(1, round(side * scale)) for side in (settings.patch, settings.stride))
    coords = _with_tissue(grid(width, height, patch, stride), patch, tissue, settings.min_tissue)
    level = _coarsest_fine_enough(levels, scale)
    rows = np.arange(len(coords))
    lattice = Lattice((0, 0), float(stride), patch, coords // stride, rows, rows)
    return PatchPlan(coords, patch, stride, level, max(1, round(patch / levels[level])), lattice)


def _with_tissue(coords: Coords, patch: int, tissue: Tissue, least: float) -> Int[np.ndarray, "kept 2"]:
    """Those patches whose share of tissue is at least ``least`` and not nothing."""
    if not len(coords):
        return coords
    pieces = [coords[start : start + _AT_ONCE] for start in range(0, len(coords), _AT_ONCE)]
    shares = np.concatenate([tissue.fractions(_boxes(piece, patch)) for piece in pieces])
    return coords[(shares >= least) & (shares > 0)]


def _coarsest_fine_enough(levels: Sequence[float], scale: float) -> int:
    """The level with the fewest pixels to read that still has those wanted; the finest if none has."""
    fine = [level for level, downsample in enumerate(levels) if downsample <= scale * _SHARPER]
    return max(fine, key=lambda level: levels[level], default=0)


def _boxes(coords: Coords, patch: int) -> Int[np.ndarray, "patch 4"]:
    return np.concatenate([coords, coords + patch], axis=1)
