"""A bag: the stored features of one slide, with their places."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from saccade.core.errors import BadInput
from saccade.ops.lattice import Lattice, Snap, infer_lattice

_CHECKED_ROWS = 4096


@runtime_checkable
class Features(Protocol):
    """What a bag's features answer to, wherever they lie."""

    @property
    def shape(self) -> tuple[int, int]:
        """Patches and numbers per patch."""
        ...

    @property
    def dtype(self) -> np.dtype:
        """Of the rows, as stored."""
        ...

    def __len__(self) -> int:
        """Patches."""
        ...

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Some rows, as stored."""
        ...


@dataclass(frozen=True, eq=False)
class Bag:
    """The features of one slide; nothing but the coordinates is in memory until rows are asked for.

    It can be pickled and used in other processes.

    Attributes:
        path: The file.
        dialect: ``trident``, ``clam``, ``clam-pt``, ``stamp`` or ``span``.
        features: Array-like of patches × numbers; ``features[rows]`` fetches some, memory-mapped where possible.
        places: Left upper corner x y of each patch in base pixels, in the order of the features; None where the file
            does not tell (``coords`` then raises what it is that is missing).
        unplaced: Why there are no places, with the remedy; None where there are.
        patch_size_level0: Side of a patch in base pixels, where known.
        stride_hint: Base pixels between neighbours, as far as the attributes tell; the coordinates have to confirm it.
        mpp: Micrometres per pixel at which patches were read, where known.
        source_mpp: Micrometres per base pixel, where known.
        width: Width of the slide in base pixels, where known.
        height: Height of the slide in base pixels, where known.
        name: The slide, as its tool called it; the stem of the file where it did not.
        encoder: Name of the encoder, where known.
        provenance: The file's further attributes, by their own names.
    """

    path: Path
    dialect: str
    features: Features
    places: Int[np.ndarray, "patch 2"] | None
    unplaced: BadInput | None = None
    patch_size_level0: int | None = None
    stride_hint: int | None = None
    mpp: float | None = None
    source_mpp: float | None = None
    width: int | None = None
    height: int | None = None
    name: str = ""
    encoder: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        """Patches; a slide without tissue has none."""
        return len(self.features)

    @property
    def dim(self) -> int:
        """Numbers per patch."""
        return self.features.shape[1]

    @property
    def coords(self) -> Int[np.ndarray, "patch 2"]:
        """Left upper corner x y of each patch in base pixels, in the order of the features.

        Raises:
            BadInput: The file does not tell.
        """
        if self.places is None:
            raise self.unplaced or BadInput("holds no coordinates", "", str(self.path))
        return self.places

    @property
    def simulated(self) -> bool:
        """Whether the file says that its slide was made by a program; those of other tools never do."""
        return self.provenance.get("simulated") is True

    def lattice(self, snap: Snap | None = None) -> Lattice:
        """The grid its patches sit on, in raster order, and which row of the features each place is.

        Where the file says nothing of its patches, as CLAM's do, they are taken to touch, and the coordinates tell
        how far apart they are.

        Args:
            snap: ``nearest`` moves patches that fit no lattice, as tools leave them that start anew at each contour.

        Raises:
            BadInput: The file does not tell where its patches are, or they fit no lattice, or are too few to tell one.
        """
        coords = self.coords  # whoever lacks them is told so, whatever else is missing
        try:
            return infer_lattice(coords, self.patch_size_level0, self.stride_hint, snap)
        except BadInput as error:
            raise type(error)(error.message, error.remedy, error.source or str(self.path)) from error

    def load(self) -> Float[np.ndarray, "patch dim"]:
        """All features as 32-bit floats, in memory.

        Raises:
            BadInput: A value is not finite, or the file cannot be read.
        """
        values = np.array(self.features[:], np.float32)
        self._refuse_non_finite(values, 0)
        return values

    def check(self) -> None:
        """Go through all features once, a few thousand rows at a time.

        Raises:
            BadInput: A value is not finite, or the file cannot be read.
        """
        for start in range(0, len(self), _CHECKED_ROWS):
            self._refuse_non_finite(self.features[start : start + _CHECKED_ROWS], start)

    def _refuse_non_finite(self, values: np.ndarray, start: int) -> None:
        finite = np.isfinite(values).all(axis=1)
        if not finite.all():
            row, count = start + int(np.flatnonzero(~finite)[0]), int((~finite).sum())
            message = f"the features of row {row} are not finite" + (f" (and of {count - 1} more)" * (count > 1))
            raise BadInput(message, "embed this slide again", str(self.path))
