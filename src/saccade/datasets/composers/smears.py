"""Smears to compose on: red cells on evenly lit glass.

A photograph of a smear becomes a `Smear` in three steps: the lamp's uneven light is divided out, what is no red cell
and larger than a platelet (a white cell, a pointer, an arrow, a scale bar) is wiped away, and the red cells are
measured.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int

from saccade.datasets.composers.light import Colour, Light, Picture, density

COARSE = 8  # pixels to a side that are averaged where the lamp's light is found
UNREST, FAINTEST = 2.5, (0.1, 0.3)  # an object's density over the glass's unrest, and its bounds
RED_CELL = (0.25, 4.0)  # areas, over the usual one, of objects that count when red cells are measured
FOREIGN = (0.16, 3.5)  # density off a red cell's colour, density over the usual one: what lies beyond is foreign
CLUMP = 3.0  # of a red cell's area; what is larger is not wiped away whole
SPECK = 0.3  # of a red cell's area; smaller foreign things, platelets, stay


@dataclass(frozen=True, eq=False)
class Smear:
    """Red cells on evenly lit glass.

    Attributes:
        image: The picture.
        objects: True where something lies on the glass.
        glass: Colour of the glass.
        grain: Standard deviation of the glass, per channel.
        red_cell: Diameter of the usual red cell in pixels; 0 where there are none.
    """

    image: Picture
    objects: Bool[np.ndarray, "height width"]
    glass: Colour
    grain: Colour
    red_cell: float


@dataclass(frozen=True, eq=False)
class Components:
    """The connected pieces of a mask: the number of each pixel's, and left, top, width, height and area of each.

    Piece 0 is what the mask leaves out.
    """

    labels: Int[np.ndarray, "height width"]
    boxes: Int[np.ndarray, "piece 5"]


def components(mask: Bool[np.ndarray, "height width"]) -> Components:
    """Number the connected pieces of a mask.

    >>> components(np.eye(3, dtype=bool)).boxes[1:].tolist()
    [[0, 0, 3, 3, 3]]
    """
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return Components(np.asarray(labels, np.int32), np.asarray(boxes, np.int32))


def prepare_smear(picture: Picture, rng: np.random.Generator) -> Smear:
    """Even out the light of a smear's photograph and wipe away what is no red cell.

    Args:
        picture: The photograph.
        rng: Gives the grain of the glass that is filled in.
    """
    picture, glass = _evenly_lit(picture)
    absorbed = density(picture, glass)
    objects = _objects(absorbed)
    area = _usual_area(objects)
    steps = np.diff(picture.astype(np.float32), axis=1)[~objects[:, 1:]]
    grain = np.clip(1.05 * np.median(np.abs(steps), axis=0), 0.5, 6) if len(steps) else np.full(3, 0.5)
    foreign = _foreign(absorbed, objects, area)
    if foreign.any():
        picture = picture.copy()
        wipe(picture, foreign.astype(np.float32), glass, grain.astype(np.float32), rng)
        objects = objects & ~foreign
    return Smear(picture, objects, glass, grain.astype(np.float32), float(np.sqrt(4 * area / np.pi)))


def wipe(
    picture: Picture,
    cover: Float[np.ndarray, "height width"],
    glass: Colour,
    grain: Colour,
    rng: np.random.Generator,
) -> None:
    """Fill in glass, with its grain, in place; `cover` says how much of each pixel."""
    left, top, width, height = cv2.boundingRect((cover > 0).astype(np.uint8))
    if not width:
        return
    rows, columns = (slice(max(start - 5, 0), start + length + 5) for start, length in ((top, height), (left, width)))
    window = picture[rows, columns]
    soft = np.asarray(cv2.GaussianBlur(cover[rows, columns], (0, 0), 1.5))[..., None]
    noise = np.asarray(cv2.GaussianBlur(rng.standard_normal(window.shape, dtype=np.float32), (0, 0), 0.7))
    filled = glass + noise * (grain / max(float(noise.std()), 1e-6))
    window[:] = np.clip(np.rint(window + soft * (filled - window)), 0, 255)


def _evenly_lit(picture: Picture) -> tuple[Picture, Colour]:
    """Divide out the lamp's light, a quadratic surface through the glass of each channel."""
    size = (max(picture.shape[1] // COARSE, 8), max(picture.shape[0] // COARSE, 8))
    coarse = np.maximum(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), 1)
    logs = np.asarray(cv2.log(coarse.astype(np.float32)))
    x, y = np.meshgrid(np.linspace(-1, 1, size[0]), np.linspace(-1, 1, size[1]))
    basis = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], -1).astype(np.float32)
    total = logs.sum(2)
    glass = _brightest_of_tiles(total)
    for tolerance in (0.4, 0.2, 0.12, 0.12):
        if glass.sum() < 60:
            break
        terms = np.linalg.lstsq(basis[glass], total[glass], rcond=None)[0]
        glass = np.abs(total - basis @ terms) < tolerance
    if glass.sum() < 60:
        glass = total >= np.quantile(total, 0.9)
    surface = basis @ np.linalg.lstsq(basis[glass], logs[glass], rcond=None)[0]
    surface = surface + _smooth(logs - surface, glass)
    mean = surface.mean((0, 1))
    gain = np.asarray(cv2.resize(np.exp(mean - surface), picture.shape[1::-1], interpolation=cv2.INTER_LINEAR))
    return np.clip(np.rint(picture * gain), 0, 255).astype(np.uint8), np.minimum(np.exp(mean), 255).astype(np.float32)


def _smooth(left: Light, glass: Bool[np.ndarray, "height width"], reach: float = 6) -> Light:
    """What a quadratic surface leaves of the lamp's light: its local mean over glass, 0 far from any."""
    weight = glass.astype(np.float32)[..., None]
    values = np.concatenate([left * weight, weight], axis=2).astype(np.float32)
    blurred = np.asarray(cv2.GaussianBlur(values, (0, 0), reach, borderType=cv2.BORDER_REFLECT))
    return blurred[..., :3] / (blurred[..., 3:] + 0.02)


def _brightest_of_tiles(total: Float[np.ndarray, "height width"], tiles: int = 6) -> Bool[np.ndarray, "height width"]:
    """True for the brightest fifth of each tile: glass, unless a tile holds none."""
    bright = np.zeros(total.shape, bool)
    for rows in np.array_split(np.arange(total.shape[0]), tiles):
        for columns in np.array_split(np.arange(total.shape[1]), tiles):
            here = np.ix_(rows, columns)
            bright[here] = total[here] >= np.quantile(total[here], 0.8)
    return bright


def _objects(absorbed: Light) -> Bool[np.ndarray, "height width"]:
    """What lies on the glass: a red cell's pale middle is filled."""
    total = np.asarray(cv2.GaussianBlur(absorbed.sum(2), (0, 0), 1))
    unrest = max(float(-np.quantile(total, 0.08)), 0)  # what is brighter than the glass is noise, and tells how much
    found = (total > np.clip(UNREST * unrest, *FAINTEST)).astype(np.uint8)
    contours = cv2.findContours(found, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    holes = [
        line
        for line, family in zip(contours[0], contours[1][0] if len(contours[0]) else (), strict=True)
        if family[3] >= 0 and len(line) < 100
    ]
    return cv2.drawContours(found, holes, -1, 1, cv2.FILLED) > 0


def _usual_area(objects: Bool[np.ndarray, "height width"]) -> float:
    """Area of the usual red cell: the median of objects that are neither specks nor clumps nor cut by the edge."""
    boxes = components(objects).boxes[1:]
    ends = boxes[:, :2] + boxes[:, 2:4]
    inside = (boxes[:, :2] > 0).all(1) & (ends < objects.shape[::-1]).all(1)
    round_ = boxes[:, 4] > 0.6 * boxes[:, 2] * boxes[:, 3]
    areas = np.sort(boxes[inside & round_, 4])
    areas = areas[areas > 40]
    if not len(areas):
        return 0.0
    weighty = areas[np.searchsorted(np.cumsum(areas), areas.sum() / 2)]
    return float(np.median(areas[(areas > RED_CELL[0] * weighty) & (areas < RED_CELL[1] * weighty)]))


def _foreign(
    absorbed: Light, objects: Bool[np.ndarray, "height width"], area: float
) -> Bool[np.ndarray, "height width"]:
    """Objects, or their parts, of another colour than red cells and larger than platelets."""
    none = np.zeros_like(objects)
    if objects.sum() < 40 or area == 0:
        return none
    usual = np.median(absorbed[objects], axis=0)
    along = absorbed @ (usual / np.linalg.norm(usual))
    off = np.linalg.norm(absorbed - along[..., None] * (usual / np.linalg.norm(usual)), axis=2)
    core = (off > FOREIGN[0]) | (along > FOREIGN[1] * np.linalg.norm(usual))
    core = cv2.morphologyEx(core.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((13, 13), np.uint8))
    pieces = components(core > 0)
    large = np.flatnonzero(pieces.boxes[:, 4] > SPECK * area)
    large = large[large > 0]
    if not len(large):
        return none
    reach = 2 * round(0.5 * np.sqrt(area)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    near = cv2.dilate(np.isin(pieces.labels, large).astype(np.uint8), disc) > 0
    pieces = components(objects)
    touched = np.unique(pieces.labels[near & objects])
    cells = np.isin(pieces.labels, touched[pieces.boxes[touched, 4] < CLUMP * area])
    return near | (cv2.dilate(cells.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
