"""Places for labels: beside the boxes they belong to, inside the picture, and off each other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

_DIRECTIONS = 24
_RINGS = 10


@dataclass(frozen=True)
class Label:
    """Where a label stands.

    Attributes:
        box: Its own x0 y0 x1 y1.
        leader: Whether it stands away from what it belongs to, so that a line should lead there.
    """

    box: tuple[int, int, int, int]
    leader: bool

    def leader_to(self, box: Int[np.ndarray, "4"]) -> tuple[float, float, float, float]:
        """A line from the label's middle to the nearest corner of a box."""
        x, y = (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2
        corners = [(float(cx), float(cy)) for cx in box[[0, 2]] for cy in box[[1, 3]]]
        return (x, y, *min(corners, key=lambda corner: math.dist(corner, (x, y))))


def place_labels(
    boxes: Int[np.ndarray, "site 4"],
    sizes: Sequence[tuple[int, int]],
    extent: tuple[int, int],
    keep_free: Int[np.ndarray, "box 4"],
) -> list[Label]:
    """Find a place for the label of each box, in their order: the earlier ones stand nearer.

    Places on rings around the box are tried. A label never covers another if any of them is free, and covers as
    little as can be of what is to be kept free; among equals the nearest is taken.

    >>> place_labels(np.array([[50, 50, 70, 70]]), [(10, 8)], (100, 100), np.array([[50, 50, 70, 70]]))[0].leader
    False

    Args:
        boxes: What the labels belong to, in pixels of the picture.
        sizes: Width and height of each label.
        extent: Height and width of the picture.
        keep_free: Boxes that labels should not cover.
    """
    taken = np.empty((0, 4))
    labels = []
    for box, size in zip(boxes, sizes, strict=True):
        candidates, distances = _candidates(box, size, extent)
        covered = _overlaps(candidates, keep_free).sum(1) / (size[0] * size[1])
        cost = 1e6 * (_overlaps(candidates, taken) > 0).sum(1) + 4 * covered + distances / size[1]
        best = int(cost.argmin())
        x0, y0, x1, y1 = (int(edge) for edge in candidates[best])
        labels.append(Label((x0, y0, x1, y1), bool(distances[best] > 1)))
        taken = np.concatenate([taken, candidates[best][None]])
    return labels


def _candidates(
    box: Int[np.ndarray, "4"], size: tuple[int, int], extent: tuple[int, int]
) -> tuple[Float[np.ndarray, "place 4"], Float[np.ndarray, " place"]]:
    """Boxes of this size around another one, moved into the picture, and how far each is from touching it."""
    sides = np.array([box[2] - box[0], box[3] - box[1]])
    middle = (box[:2] + box[2:]) / 2
    angles = -3 * np.pi / 4 + 2 * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    square = directions / np.abs(directions).max(1, keepdims=True)  # rings are squares, like the boxes
    away = np.arange(_RINGS)[:, None, None] * size[1] * 0.9
    middles = middle + square * ((sides + np.array(size)) / 2 + 2 + away)
    middles = middles.reshape(-1, 2)
    half = np.array(size) / 2
    middles = np.clip(middles, half, np.maximum(np.array(extent[::-1]) - half, half))
    low = np.floor(middles - half)
    places = np.concatenate([low, low + np.array(size)], axis=1)
    gaps = np.maximum(np.maximum(box[:2] - places[:, 2:], places[:, :2] - box[2:]), 0)
    return places, np.maximum(np.hypot(*gaps.T) - 4, 0)


def _overlaps(places: Float[np.ndarray, "place 4"], others: np.ndarray) -> Float[np.ndarray, "place other"]:
    """Area that each place shares with each of the others."""
    low = np.maximum(places[:, None, :2], others[None, :, :2])
    high = np.minimum(places[:, None, 2:], others[None, :, 2:])
    return np.clip(high - low, 0, None).prod(-1)
