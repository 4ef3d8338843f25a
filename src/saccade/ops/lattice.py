"""The lattice of a slide: the integer grid its patches sit on, found from their coordinates.

``cell = round((coords − origin) / stride)``, in whole numbers of 64 bits, never truncated. The stride is what the file
says where the coordinates confirm it, else the smallest repeated difference between neighbours: files write a patch
size that is a pixel beside the true stride, or that of another magnification, or nothing. Some tools start a new
lattice at each contour of tissue; their patches fit none and are refused unless they may be snapped to the nearest
place.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from saccade.core.errors import BadInput

Coords = Int[np.ndarray, "_ 2"]
"""Upper left corners in base pixels, x before y."""

Snap = Literal["nearest"]
"""What to do with patches that fit no lattice: move each to its nearest place."""

TOLERANCE = 2
"""Base pixels a patch may lie beside its place: what rounding does between levels and units."""

_OFF_LATTICE = 0.01  # share of patches that may lie farther off
_LEAST_STRIDE = 4 * TOLERANCE + 1  # below, nearly everything would fit
_LARGEST = 2**52  # beyond, float64 no longer holds every whole number
_CANDIDATES = 16  # repeated differences tried; a real stride is among the first
_RARE = 4  # how many times rarer than the commonest distance a stride may be that no file confirms
_ENOUGH = 4  # patches from which a common factor of their cells is no accident


@dataclass(frozen=True, eq=False)
class Lattice:
    """The patches of one slide on their grid, in raster order, and the way back to the file's rows.

    ``values[lattice.order]`` puts what lies in the file's order into the lattice's; ``results[lattice.place]`` goes
    back.
    """

    origin: tuple[int, int]
    """Base pixels x, y of cell (0, 0)."""
    stride: float
    """Base pixels between neighbours; whole unless the file's units made it a fraction."""
    patch: int
    """Side of a patch in base pixels; the stride, rounded, where nothing tells it."""
    cells: Int[np.ndarray, "cell 2"]
    """Column and row of each patch, int64, in raster order, none twice; the least column and row are 0."""
    order: Int[np.ndarray, " cell"]
    """Row in the file of each cell."""
    place: Int[np.ndarray, " row"]
    """Cell of each row of the file: the inverse of ``order`` unless patches were merged."""
    moved: int = 0
    """Patches whose place lies more than ``TOLERANCE`` from their coordinates."""
    merged: int = 0
    """Patches left out because a nearer one has their cell."""

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def coords(self) -> Int[np.ndarray, "cell 2"]:
        """Upper left corners of the places in base pixels."""
        return np.array(self.origin) + np.rint(self.cells * self.stride).astype(np.int64)


def grid(width: int, height: int, patch: int, stride: int, origin: tuple[int, int] = (0, 0)) -> Coords:
    """Upper left corners of all patches that lie wholly inside, int64 (n, 2), in raster order.

    >>> grid(500, 230, patch=224, stride=224).tolist()
    [[0, 0], [224, 0]]

    Args:
        width: Of the slide, in base pixels, as all other lengths.
        height: Of the slide.
        patch: Side of a patch.
        stride: From one patch to the next.
        origin: Corner of the first patch.

    Raises:
        BadInput: Patch or stride below 1.
    """
    if patch < 1 or stride < 1:
        raise BadInput(f"patches of {patch} base pixels every {stride} cannot be laid", "use lengths of at least 1")
    columns, rows = (
        np.arange(first, length - patch + 1, stride, dtype=np.int64)
        for first, length in zip(origin, (width, height), strict=True)
    )
    return np.stack([np.tile(columns, len(rows)), np.repeat(rows, len(columns))], axis=1)


class OffLattice(BadInput):
    """Patches fit no lattice, which snapping them to the nearest places would mend."""


def infer_lattice(
    coords: Coords, patch: int | None, stride_hint: float | None = None, snap: Snap | None = None
) -> Lattice:
    """Find the lattice that patches sit on, from where they are.

    Cost: O(n log n), a second for a million patches; nothing the size of the slide.

    >>> lattice = infer_lattice(np.array([[1044, 20], [20, 20], [532, 532]]), patch=512)
    >>> lattice.origin, lattice.stride, lattice.cells.tolist(), lattice.order.tolist()
    ((20, 20), 512.0, [[0, 0], [2, 0], [1, 1]], [1, 0, 2])

    Where nothing is told, the coordinates have to: no patches at all are an empty lattice of stride 1, and one patch
    is refused.

    >>> lattice = infer_lattice(np.array([[0, 0], [256, 0], [0, 256]]), patch=None)
    >>> lattice.stride, lattice.patch
    (256.0, 256)

    Args:
        coords: Upper left corners in base pixels, any order; they may be negative.
        patch: Side of a patch in base pixels, as the file says; None where it does not: they then touch.
        stride_hint: From one patch to the next, as the file says; taken if the coordinates confirm it.
        snap: ``nearest`` moves patches that fit no lattice to their nearest place and merges those that meet;
            ``moved`` and ``merged`` of the result say how many.

    Raises:
        OffLattice: More than 1 % of the patches lie off the lattice, or two share a cell; unless snapped.
        BadInput: The overlap does not divide the patch, or neither file nor coordinates tell how far apart patches are.
    """
    coords = _checked(coords, patch, stride_hint)
    told = [float(stride) for stride in (stride_hint, patch) if stride is not None]
    if len(coords) < 2:
        return _of_few(coords, patch, told)
    fit = next((fit for stride in told if (fit := _fit(coords, stride)).holds), None)
    fit = fit or (_measured(coords, told[0]) if told else _untold(coords))
    if not fit.holds and snap is None:
        raise _off_lattice(coords, fit)
    patch = patch or round(fit.stride)
    _check_overlap(patch, fit.stride)
    return _laid_out(fit, patch, snap)


@dataclass(frozen=True, eq=False)
class _Fit:
    """One way to lay a lattice under the coordinates."""

    origin: tuple[int, int]
    stride: float
    cells: Int[np.ndarray, "patch 2"]
    off: Float[np.ndarray, " patch"]  # base pixels from the place, the farther of the two axes

    @property
    def strays(self) -> Bool[np.ndarray, " patch"]:
        """Which patches lie off the lattice."""
        return self.off > TOLERANCE

    @property
    def holds(self) -> bool:
        """Whether so few stray that the lattice is the true one."""
        return self.stride >= _LEAST_STRIDE and float(self.strays.mean()) <= _OFF_LATTICE


def _of_few(coords: Coords, patch: int | None, told: list[float]) -> Lattice:
    """The lattice of one patch, or of none."""
    if len(coords) and not told:
        raise _lone(coords)
    stride = told[0] if told else 1.0
    origin = (int(coords[0, 0]), int(coords[0, 1])) if len(coords) else (0, 0)
    rows = np.arange(len(coords))
    return Lattice(origin, stride, patch or round(stride), np.zeros((len(coords), 2), np.int64), rows, rows)


def _checked(coords: Coords, patch: int | None, stride_hint: float | None) -> Coords:
    """The coordinates in int64, if everything handed in makes sense."""
    if (patch is not None and patch < 1) or (stride_hint is not None and not 0 < stride_hint < _LARGEST):
        raise BadInput(f"patches of {patch} base pixels every {stride_hint} make no lattice", "use positive lengths")
    if len(coords) and (coords.max() > _LARGEST or coords.min() < -_LARGEST):
        raise BadInput("coordinates beyond 2^52 base pixels", "check the unit of the coordinates")
    return coords.astype(np.int64)


def _fit(coords: Coords, stride: float) -> _Fit:
    """The best lattice near a stride: the stride itself, what the coordinates make of it, or a multiple of it."""
    fit = _laid(coords, stride)
    steady = fit.cells[~fit.strays]
    factor = int(np.gcd.reduce((steady - steady[:1]).ravel())) if len(steady) >= _ENOUGH else 1
    if fit.holds and factor > 1:  # the file told another magnification's stride: every place between would be empty
        fit = _laid(coords, stride * factor)
    if not fit.off.any():
        return fit
    slope = _slope(coords, fit.cells)
    fits = [fit] + [_laid(coords, finer) for finer in (round(slope), slope) if abs(finer - fit.stride) <= TOLERANCE]
    return min(fits, key=lambda each: (int(each.strays.sum()), round(float(each.off.mean()), 1)))


def _measured(coords: Coords, otherwise: float) -> _Fit:
    """The lattice by the smallest repeated distance that fits; if none does, by the commonest."""
    steps = _strides(coords)
    fits = (_fit(coords, stride) for stride in _repeated(steps))
    if holding := next((fit for fit in fits if fit.holds), None):
        return holding
    return _fit(coords, _commonest(steps) if len(steps) else otherwise)


def _untold(coords: Coords) -> _Fit:
    """The lattice of patches of which only the coordinates tell anything.

    Contours that each have a lattice of their own often begin at multiples of a fine step, on which all patches then
    fit; but hardly any are that step apart. Where the size of a patch is told, its overlap gives this away.
    """
    steps = _strides(coords)
    if not len(steps):
        raise _lone(coords)
    fit, usual = _measured(coords, 1.0), _commonest(steps)
    near, most = (int((np.abs(steps - stride) <= TOLERANCE).sum()) for stride in (fit.stride, usual))
    return fit if near * _RARE >= most else _fit(coords, usual)


def _strides(coords: Coords) -> Int[np.ndarray, " difference"]:
    """The distances between neighbours that may be a stride."""
    steps = _differences(coords)
    return steps[steps >= _LEAST_STRIDE]


def _commonest(steps: Int[np.ndarray, " difference"]) -> float:
    values, counts = np.unique(steps, return_counts=True)
    return float(values[counts.argmax()])


def _laid(coords: Coords, stride: float) -> _Fit:
    """Lay a lattice of this stride where most patches want it."""
    stride = max(float(stride), 1.0)
    origin = tuple(_phase(axis, stride) for axis in coords.T)
    cells = np.rint((coords - np.array(origin)) / stride).astype(np.int64)
    least = np.array([axis.min() for axis in cells.T])  # along the first axis of a long, thin array NumPy is slow
    origin = (np.array(origin) + np.rint(least * stride)).astype(np.int64)
    cells -= least
    off = np.abs(coords - origin - cells * stride)
    off = np.maximum(off[:, 0], off[:, 1])
    return _Fit((int(origin[0]), int(origin[1])), stride, cells, off)


def _phase(axis: Int[np.ndarray, " patch"], stride: float) -> int:
    """A coordinate from which most others lie whole strides away: the one most common, within rounding."""
    whole = int(stride) if stride == int(stride) else stride
    remainder = np.rint((axis - axis[0]) % whole).astype(np.int64)
    values, counts = np.unique(remainder, return_counts=True)
    wide = np.concatenate([values - round(stride), values, values + round(stride)])  # it goes round
    total = np.concatenate([[0], np.cumsum(np.tile(counts, 3))])
    low, high = (np.searchsorted(wide, values + reach, side) for reach, side in _REACH)
    return int(axis[0] + values[np.lexsort((-counts, -(total[high] - total[low])))[0]])


_REACH: tuple[tuple[int, Literal["left", "right"]], ...] = ((-TOLERANCE, "left"), (TOLERANCE, "right"))


def _slope(coords: Coords, cells: Int[np.ndarray, "patch 2"]) -> float:
    """Base pixels per cell by least squares over both axes."""
    across, pixels = (values - values.mean(axis=0) for values in (cells, coords - coords[:1]))
    spread = float((across**2).sum())
    return float((across * pixels).sum()) / spread if spread else 0.0


def _differences(coords: Coords) -> Int[np.ndarray, " difference"]:
    """Distances between neighbours in one row and in one column; where none share any, between columns and rows."""
    found = []
    for along, across in ((0, 1), (1, 0)):
        ordered = coords[np.lexsort((coords[:, along], coords[:, across]))]
        steps = np.diff(ordered, axis=0)
        found.append(steps[(steps[:, across] == 0) & (steps[:, along] > 0), along])
    if not sum(map(len, found)):
        found = [np.diff(np.unique(axis)) for axis in coords.T]
    return np.sort(np.concatenate(found))


def _repeated(steps: Int[np.ndarray, " difference"]) -> Iterator[float]:
    """Distances that occur again, or the only one, smallest first; those within rounding are one, by their mean."""
    for _ in range(_CANDIDATES):
        if not len(steps):
            return
        end = int(np.searchsorted(steps, steps[0] + TOLERANCE, "right"))
        if end > 1 or len(steps) == 1:
            yield float(steps[:end].mean())
        steps = steps[end:]


def _lone(coords: Coords) -> BadInput:
    what = "one patch alone does" if len(coords) == 1 else f"{len(coords)} patches in one place do"
    remedy = "embed the slide again, or keep the attributes its tool wrote beside the coordinates"
    return BadInput(f"{what} not tell how far apart patches are, and nothing else does", remedy)


def _off_lattice(coords: Coords, fit: _Fit) -> BadInput:
    count, row = int(fit.strays.sum()), int(fit.strays.argmax())
    x, y = coords[row].tolist()
    message = (
        f"{count} of {len(coords)} patches ({count / len(coords):.1%}) lie off the lattice of stride {fit.stride:g}, "
        f"such as row {row} at {x}, {y}"
    )
    return OffLattice(message, "embed the slide again, or train with data.snap=nearest, which moves them")


def _check_overlap(patch: int, stride: float) -> None:
    """Patches may touch, stand apart, or overlap by a whole part of themselves, within rounding."""
    overlap = patch - stride
    if overlap <= TOLERANCE:
        return
    parts = max(1, round(patch / overlap))
    if abs(parts * overlap - patch) > TOLERANCE * parts:
        message = f"patches of {patch} base pixels every {stride:g} overlap by {overlap:g}, which does not divide them"
        raise BadInput(message, "embed the slide with an overlap that divides the patch, such as half of it")


def _laid_out(fit: _Fit, patch: int, snap: Snap | None) -> Lattice:
    """Put the patches into raster order, one per cell."""
    order = np.lexsort((fit.off, fit.cells[:, 0], fit.cells[:, 1]))
    ordered = fit.cells[order]
    first = np.ones(len(order), bool)
    first[1:] = (ordered[1:, 0] != ordered[:-1, 0]) | (ordered[1:, 1] != ordered[:-1, 1])
    merged = int((~first).sum())
    if merged and snap is None:
        again = int(first.argmin())
        message = f"{merged} of {len(order)} patches share a place of the lattice of stride {fit.stride:g} with another"
        message += f", such as rows {order[again - 1]} and {order[again]}"
        raise OffLattice(message, "embed the slide again, or train with data.snap=nearest, which keeps the nearest")
    place = np.empty(len(order), np.int64)
    place[order] = np.cumsum(first) - 1
    moved = int(fit.strays.sum())
    return Lattice(fit.origin, fit.stride, patch, ordered[first], order[first].astype(np.int64), place, moved, merged)
