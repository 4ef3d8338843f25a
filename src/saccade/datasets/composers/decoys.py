"""Decoys: pieces of a smear, cut in the outline of a cell, that hold nothing but red cells."""

import cv2
import numpy as np
from jaxtyping import Float

from saccade.datasets.composers.cutting import Cutout, cut_along
from saccade.datasets.composers.light import Picture
from saccade.datasets.composers.smears import Smear, components, wipe

TRIES = 16  # red cells drawn; taken is the one around which the outline cuts least
LEAST = 0.5  # of the usual red cell's area, so that a platelet is none


def cut_decoy(smear: Smear, outline: Float[np.ndarray, "point 2"], across: float, rng: np.random.Generator) -> Cutout:
    """Cut a piece of a smear in the shape of a cell's outline, brought to `across` pixels.

    Red cells that lie mostly outside the outline are wiped away first, as a cell's neighbours are left behind in its
    crop. In a smear smaller than that the piece is as large as fits.
    """
    length = np.array(smear.objects.shape[::-1])
    across = min(across, float(length.min()) - 4)
    shape = (outline - (outline.min(0) + outline.max(0)) / 2) * (across / np.ptp(outline, axis=0).max())
    middles = _middles(smear, shape, across, rng)
    rims = np.clip(middles[:, None] + shape, 0, length - 1).astype(int)
    cut = smear.objects[rims[..., 1], rims[..., 0]].mean(1)
    middle = middles[int(np.argmin(cut))]
    piece = (middle + shape).astype(np.float32)
    low = np.maximum(np.floor(piece.min(0)).astype(int) - round(smear.red_cell) - 8, 0)
    high = np.ceil(piece.max(0)).astype(int) + round(smear.red_cell) + 8
    window = (slice(low[1], high[1]), slice(low[0], high[0]))
    picture = smear.image[window].copy()
    moved = piece - low.astype(np.float32)
    _wipe_neighbours(smear, picture, smear.objects[window], moved, rng)
    return cut_along(picture, smear.glass, moved)


def _middles(
    smear: Smear, shape: Float[np.ndarray, "point 2"], across: float, rng: np.random.Generator
) -> Float[np.ndarray, "try 2"]:
    """The middles of some red cells, or of small clumps of them, around which the shape fits; anywhere if none."""
    low, high = -shape.min(0), np.array(smear.objects.shape[::-1]) - 1 - shape.max(0)
    left, top, width, height, area = components(smear.objects).boxes[1:].T
    middles = np.stack([left + width / 2, top + height / 2], 1)
    fits = ((middles >= low) & (middles <= high)).all(1) & (np.maximum(width, height) < 0.9 * across)
    middles = middles[fits & (area > LEAST * np.pi / 4 * smear.red_cell**2)]
    return rng.permutation(middles)[:TRIES] if len(middles) else rng.uniform(low, high, (TRIES, 2))


def _wipe_neighbours(
    smear: Smear,
    picture: Picture,
    objects: np.ndarray,
    outline: Float[np.ndarray, "point 2"],
    rng: np.random.Generator,
) -> None:
    """Fill in glass, in place, where objects lie mostly outside the outline."""
    inside = np.zeros(objects.shape, np.uint8)
    cv2.fillPoly(inside, [np.rint(outline).astype(np.int32)], 1)
    count, labels = cv2.connectedComponents(objects.astype(np.uint8))
    within = np.bincount(labels[inside > 0], minlength=count) / np.bincount(labels.ravel(), minlength=count)
    outside = np.isin(labels, np.flatnonzero(within[1:] < 0.5) + 1)
    cover = cv2.dilate(outside.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(np.float32)
    wipe(picture, np.asarray(cover), smear.glass, smear.grain, rng)
