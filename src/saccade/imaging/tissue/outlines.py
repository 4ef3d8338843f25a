"""Outlines of a mask along the edges of its pixels, and back: exact both ways.

Pixels that touch only at a corner belong to different pieces. Every ring passes each corner once, as QuPath and other
geometry libraries ask of a valid polygon; rings may touch at a corner.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int

Ring = Float[np.ndarray, "_ 2"]
"""Corners x, y in order, the first not repeated at the end."""

_TURNS = (1, 0, 3)  # right, straight on, left: so diagonal neighbours stay apart
_STEPS = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])  # right, down, left, up: tissue lies on the right hand


@dataclass(frozen=True, eq=False)
class Outline:
    """One piece of tissue: its outer ring, clockwise as seen, and its holes, the other way round."""

    outer: Ring
    holes: tuple[Ring, ...] = ()

    def scaled(self, factor: float) -> "Outline":
        """The outline with every length ``factor`` times as long."""
        return Outline(self.outer * factor, tuple(hole * factor for hole in self.holes))

    def moved(self, x: float, y: float) -> "Outline":
        """The outline shifted by ``x`` and ``y``."""
        shift = np.array([x, y])
        return Outline(self.outer + shift, tuple(hole + shift for hole in self.holes))

    @property
    def area(self) -> float:
        """Enclosed area, without the holes."""
        return abs(signed_area(self.outer)) - sum(abs(signed_area(hole)) for hole in self.holes)


def signed_area(ring: Ring) -> float:
    """Enclosed area; positive if the ring runs clockwise as seen with y pointing down.

    >>> signed_area(np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 3.0], [0.0, 3.0]]))
    6.0
    """
    x, y = (ring - ring[:1]).T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def trace_outlines(mask: Bool[np.ndarray, "height width"]) -> list[Outline]:
    """Outline of each piece in mask pixels, by its first pixel in raster order. Cost: the mask, and its edges.

    >>> [outline.outer.tolist() for outline in trace_outlines(np.array([[False, True, True]]))]
    [[[1.0, 0.0], [3.0, 0.0], [3.0, 1.0], [1.0, 1.0]]]
    """
    if not mask.any():
        return []
    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    outer: dict[int, Ring] = {}
    holes: dict[int, list[Ring]] = {}
    starts, directions = _edges(mask)
    for path in _paths(starts, directions, mask.shape[1] + 1):
        corners = starts[path]
        x, y = corners[0] + _RIGHT_HAND[directions[path[0]]]
        label = int(labels[y, x])
        for ring in _simple_rings(corners):
            if signed_area(ring) > 0:
                outer[label] = ring
            else:
                holes.setdefault(label, []).append(ring)
    return [Outline(ring, tuple(holes.get(label, ()))) for label, ring in sorted(outer.items())]


_RIGHT_HAND = np.array([[0, 0], [-1, 0], [-1, -1], [0, -1]])  # the tissue pixel beside an edge, from the edge's start


def fill_outlines(outlines: Iterable[Outline], height: int, width: int) -> Bool[np.ndarray, "{height} {width}"]:
    """The mask whose pixels have their centre inside an outline, given in mask pixels; what overlaps is joined.

    Cost: per outline, its bounding box and the rows each of its sides crosses.

    >>> fill_outlines([Outline(np.array([[1.0, 0.0], [3.0, 0.0], [3.0, 1.0], [1.0, 1.0]]))], 1, 4).tolist()
    [[False, True, True, False]]
    """
    mask = np.zeros((height, width), bool)
    for outline in outlines:
        corners = outline.outer
        if not len(corners):
            continue
        size = (width, height)
        x0, y0 = (int(np.clip(np.floor(low), 0, end)) for low, end in zip(corners.min(axis=0), size, strict=True))
        x1, y1 = (int(np.clip(np.ceil(high), 0, end)) for high, end in zip(corners.max(axis=0), size, strict=True))
        if x1 > x0 and y1 > y0:
            size, corner = (y1 - y0, x1 - x0), np.array([x0, y0])
            inside = _inside([corners - corner], *size)
            if outline.holes:
                inside &= ~_inside([hole - corner for hole in outline.holes], *size)
            mask[y0:y1, x0:x1] |= inside
    return mask


def _inside(rings: list[Ring], height: int, width: int) -> Bool[np.ndarray, "{height} {width}"]:
    """Pixels from whose centre a line to the left crosses the rings an odd number of times."""
    start = np.concatenate(rings)
    end = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
    first, last = (np.ceil(side - 0.5).clip(0, height).astype(np.int64) for side in (start[:, 1], end[:, 1]))
    low, high = np.minimum(first, last), np.maximum(first, last)  # rows whose centre lies between the two ends
    count = high - low
    side = np.repeat(np.arange(len(start)), count)
    row = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + low[side]
    along = (row + 0.5 - start[side, 1]) / (end[side, 1] - start[side, 1])
    x = start[side, 0] + along * (end[side, 0] - start[side, 0])
    crossings = np.zeros((height, width + 1), np.uint8)
    np.bitwise_xor.at(crossings, (row, np.ceil(x - 0.5).clip(0, width).astype(np.int64)), 1)
    return np.bitwise_xor.accumulate(crossings, axis=1)[:, :width].view(bool)


def _edges(mask: Bool[np.ndarray, "height width"]) -> tuple[Int[np.ndarray, "edge 2"], Int[np.ndarray, " edge"]]:
    """Pixel edges between tissue and none: where each starts (x, y) and its direction, tissue on the right hand."""
    padded = np.pad(mask, 1)
    inner = padded[1:-1, 1:-1]
    neighbours = (padded[:-2, 1:-1], padded[1:-1, 2:], padded[2:, 1:-1], padded[1:-1, :-2])  # above, right, below, left
    starts, directions = [], []
    for direction, neighbour in enumerate(neighbours):
        y, x = np.nonzero(inner & ~neighbour)
        starts.append(np.stack([x, y], axis=1) - _RIGHT_HAND[direction])
        directions.append(np.full(len(x), direction))
    return np.concatenate(starts), np.concatenate(directions)


def _paths(starts: Int[np.ndarray, "edge 2"], directions: Int[np.ndarray, " edge"], across: int) -> Iterator[list[int]]:
    """Follow the edges round; of each path, those edges where it turns, from the first in raster order."""
    corner = starts[:, 1] * across + starts[:, 0]
    ends = starts + _STEPS[directions]
    at = ends[:, 1] * across + ends[:, 0]
    keys = corner * 4 + directions
    by_key = np.argsort(keys)
    after = np.full(len(keys), -1)
    for turn in _TURNS:
        wanted = at * 4 + (directions + turn) % 4
        found = np.searchsorted(keys, wanted, sorter=by_key).clip(max=len(keys) - 1)
        hit = by_key[found]
        after = np.where((after < 0) & (keys[hit] == wanted), hit, after)
    turned = np.zeros(len(keys), bool)
    turned[after] = directions[after] != directions
    following, turns, seen = after.tolist(), turned.tolist(), bytearray(len(keys))
    for first in by_key.tolist():
        if seen[first] or not turns[first]:
            continue
        path, edge = [], first
        while not seen[edge]:
            seen[edge] = 1
            if turns[edge]:
                path.append(edge)
            edge = following[edge]
        yield path


def _simple_rings(corners: Int[np.ndarray, "corner 2"]) -> list[Ring]:
    """Cut a ring where it passes a corner again."""
    rings, path, place = [], [], {}
    for point in map(tuple, corners.tolist()):
        if point in place:
            cut = place[point]
            rings.append(path[cut:])
            for gone in path[cut:]:
                del place[gone]
            del path[cut:]
        place[point] = len(path)
        path.append(point)
    return [np.array(ring, np.float64) for ring in (*rings, path)]
