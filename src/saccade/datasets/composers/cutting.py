"""Cutting a white blood cell out of its crop: without the glass around it and without the red cells at its rim.

The outline is the closed curve r(θ) around the crop's middle that gains most: inside it, pixels that are neither glass
nor of a red cell's colour count +1, glass and red cells count against it. What a red cell looks like is learned from
each crop's own outskirts, apart for pale and for full colour. The best smooth curve is found exactly, by dynamic
programming over angles (Viterbi), so holes, vacuoles and lobes in the cell do not matter.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float

from saccade.datasets.composers.light import Colour, Light, Picture, density, glass_colour

SIDE = 128  # pixels; the outline is found on the crop at this size
ANGLES, RADII = 72, 60
BEND = 4  # radii; the most by which the outline moves from one angle to the next
STIFFNESS = 0.25  # what such a step costs
OUTSKIRTS = 0.34  # distance from the middle, in sides, beyond which what absorbs light is taken for red cells
FAINT, PALE = (0.08, 0.16), (0.12, 0.4)  # summed densities where something begins; between which a red cell is pale
RED = 2.2  # how strongly a red cell's colour speaks against a pixel
SOLID = 0.85  # least share of the outline's convex hull that it fills; petals around a cell are its neighbours
LONGEST = 2.4  # longest radius over the median one; beyond it the outline ran off into a neighbour

Plane = Float[np.ndarray, "height width"]


@dataclass(frozen=True, eq=False)
class Cutout:
    """A cell without its surroundings.

    Attributes:
        transmittance: Light that each pixel around the cell lets through, per channel; glass is 1.
        outline: (point, 2) x and y of the cell's rim, in pixels of the transmittance.
    """

    transmittance: Light
    outline: Float[np.ndarray, "point 2"]

    @property
    def centre(self) -> Float[np.ndarray, "2"]:
        """Middle of the outline's bounding box."""
        return (self.outline.min(0) + self.outline.max(0)) / 2

    @property
    def across(self) -> float:
        """The longer side of the outline's bounding box."""
        return float(np.ptp(self.outline, axis=0).max())


def cut_cell(crop: Picture) -> Cutout | None:
    """Cut out the cell in the middle of a crop; None where no outline can be trusted.

    Cost: about 8 ms, whatever the size of the crop.

    >>> from saccade.datasets.simulators import simulate_cell
    >>> cell = simulate_cell("monocyte", np.random.default_rng(0), size=128)
    >>> found = cut_cell(cell.image)
    >>> bool(0.8 < found.across / np.ptp(np.nonzero(cell.cell)[1]) < 1.25)
    True
    """
    glass = glass_colour(crop)
    scale = SIDE / max(crop.shape[:2])
    small = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    score = _score(np.asarray(cv2.GaussianBlur(small, (0, 0), 0.7)), glass)
    middle, radii = _outline(score)
    if radii.max() > LONGEST * np.median(radii) or radii.max() > RADII - 2 or np.median(radii) < 3:
        return None
    angles = np.arange(ANGLES) * 2 * np.pi / ANGLES
    points = middle + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
    hull = cv2.contourArea(cv2.convexHull(points.astype(np.float32)))
    if cv2.contourArea(points.astype(np.float32)) < SOLID * hull:
        return None
    whole = (points + 0.5) / scale - 0.5
    return cut_along(crop, glass, whole.astype(np.float32))


def cut_along(picture: Picture, glass: Colour, outline: Float[np.ndarray, "point 2"]) -> Cutout:
    """Cut along a given outline; a margin around it is kept, for the soft rim."""
    margin = 4 + 0.04 * np.ptp(outline, axis=0).max()
    low = np.maximum(np.floor(outline.min(0) - margin), 0).astype(int)
    high = np.ceil(outline.max(0) + margin).astype(int) + 1
    window = picture[low[1] : high[1], low[0] : high[0]]
    return Cutout(np.maximum(window, 1).astype(np.float32) / glass, outline - low.astype(np.float32))


def _score(small: Picture, glass: Colour) -> Plane:
    """From −1 (glass, red cell) to 1 (something else that absorbs) for each pixel."""
    absorbed = density(small, glass)
    total = np.maximum(absorbed.sum(2), 1e-3)
    away = _distance(total.shape)
    something = np.clip((total - FAINT[0]) / (FAINT[1] - FAINT[0]), 0, 1)
    score = something * (1 - RED * _redness(absorbed, total, away > OUTSKIRTS)) - (1 - something)
    full = total[(away > OUTSKIRTS) & (total > PALE[1])]
    if len(full):
        nucleus = (total > 1.5 * np.median(full)) & (away < OUTSKIRTS)
        score = np.where(nucleus, np.maximum(score, 0.5), score)
    return np.asarray(cv2.GaussianBlur(score.astype(np.float32), (0, 0), 1))


def _redness(absorbed: Light, total: Plane, outskirts: np.ndarray) -> Plane:
    """How much each pixel's colour is that of the red cells in the outskirts, 0 to 1."""
    grey = np.ptp(absorbed, axis=2).max() < 1e-3
    colour = total[..., None] if grey else absorbed[..., [0, 2]] / total[..., None]
    redness = np.zeros_like(total)
    for low, high in (PALE, (PALE[1], np.inf)):
        here = (total >= low) & (total < high)
        examples = colour[here & outskirts]
        if len(examples) >= 20:
            usual = np.median(examples, axis=0)
            spread = 1.5 * np.median(np.abs(examples - usual), axis=0) + (0.1 if grey else 0.01)
            redness[here] = np.exp(-(((colour[here] - usual) / (1.5 * spread)) ** 2).sum(1) / 2)
    return redness


def _outline(score: Plane) -> tuple[Float[np.ndarray, "2"], Float[np.ndarray, "angle"]]:
    """Middle (x, y) and radius at each angle of the smooth closed curve that holds the highest score."""
    weight = np.maximum(score, 0) * np.exp(-((_distance(score.shape) / 0.14) ** 2)) + 1e-6
    rows, columns = weight.sum(1), weight.sum(0)
    middle = np.array([columns @ np.arange(len(columns)), rows @ np.arange(len(rows))]) / weight.sum()
    # Without the last flag, what rays find beyond the crop is whatever lay in memory.
    flags = cv2.WARP_POLAR_LINEAR | cv2.INTER_LINEAR | cv2.WARP_FILL_OUTLIERS
    rays = cv2.warpPolar(score, (RADII, ANGLES), (float(middle[0]), float(middle[1])), RADII, flags)
    gain = np.cumsum(rays * (np.arange(RADII) + 4) / RADII, axis=1)  # farther pixels of a ray stand for more area
    radii = _best_path(np.concatenate([gain, gain, gain]))[ANGLES : 2 * ANGLES] + 0.7
    around = np.concatenate([radii[-2:], radii, radii[:2]])
    return middle, np.convolve(around, [0.1, 0.2, 0.4, 0.2, 0.1], "valid")


def _best_path(gain: Float[np.ndarray, "step radius"]) -> np.ndarray:
    """The radius at each step of the path that gains most, by Viterbi; large steps cost."""
    moves = np.arange(-BEND, BEND + 1)
    cost = STIFFNESS * np.abs(moves[:, None]) ** 1.5
    padded = np.full(gain.shape[1] + 2 * BEND, -1e9)
    reached = np.lib.stride_tricks.sliding_window_view(padded, gain.shape[1])
    best, origins = gain[0], []
    for here in gain[1:]:
        padded[BEND:-BEND] = best
        options = reached - cost
        move = options.argmax(0)
        origins.append(np.arange(gain.shape[1]) + moves[move])
        best = options.max(0) + here
    path = [int(best.argmax())]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    return np.array(path[::-1])


def _distance(shape: tuple[int, ...]) -> Plane:
    """Distance of each pixel from the middle, in units of the longer side."""
    rows, columns = (np.arange(length) + 0.5 - length / 2 for length in shape)
    return np.hypot(rows[:, None], columns).astype(np.float32) / max(shape)
