"""Drawing slides: patches tinted over a ground by what they weigh, or by which way they speak.

Colour stands for *equal shares*: 1x is what every patch would have if all were alike. Below 1x a patch is left clear,
from 4x on its colour covers what it can and still lets the tissue shine through. The scale is logarithmic and the same
for every slide, so that two maps can be compared; a map that stays clear says that no patch stands out. The ground is
darker and paler than the slide, and weights go from teal over green to yellow, the upper part of matplotlib's viridis:
safe for the colour-blind, and not the violet and pink of the usual stain. Fluorescence becomes grey and keeps its
brightness. A thin line goes around all patches read.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from saccade.imaging.drawing import Picture, WeightScale, pixel_edges
from saccade.imaging.slide_ground import Ground
from saccade.imaging.tissue.background import is_fluorescence
from saccade.imaging.tissue.outlines import Outline

SLIDE_SCALE = WeightScale(1.0, 16.0)
"""Of weights, and of evidence either way; what is beyond looks like its end."""

_VIRIDIS = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_VIRIDIS)[:, 0, ::-1]

WEIGHT: UInt8[np.ndarray, "stop 3"] = np.ascontiguousarray(_VIRIDIS[[100, 140, 180, 220, 255]])
"""Colours of weights, from little to much."""

PRO: UInt8[np.ndarray, "stop 3"] = np.array([[153, 52, 4], [236, 112, 20], [254, 196, 79]], np.uint8)
CONTRA: UInt8[np.ndarray, "stop 3"] = np.array([[8, 69, 148], [33, 133, 208], [140, 214, 255]], np.uint8)
"""Colours for and against, from little to much: all eyes tell orange from blue, and lightness says how much."""

_COVER = 0.65  # of a colour where it covers most; the ground shines through
_COVERS_FROM = 4.0  # equal shares from which it does; below, down to 1, it fades
_PALER, _DARKER = 0.7, 0.86  # of the ground's colour that goes, and of its brightness that stays
_GREY = np.array([0.299, 0.587, 0.114])
_LINE = 0.55  # of the line around the patches that covers the ground
_SHIFT = 4  # bits of a pixel's fraction that lines are placed by
_INK, _LIGHT = 25.0, 215.0  # of that line over light and over dark ground


def weight_picture(ground: Ground, boxes: Float[np.ndarray, "patch 4"], shares: Float[np.ndarray, " patch"]) -> Picture:
    """Patches tinted by weight; where they overlap, or a pixel holds several, the heaviest shows.

    Cost: the ground, and a rectangle for each patch.

    >>> ground = Ground(np.full((8, 8, 3), 250, np.uint8), downsample=1.0)
    >>> picture = weight_picture(ground, np.array([[0.0, 0, 4, 8], [4, 0, 8, 8]]), np.array([16.0, 0.5]))
    >>> picture[4, 2].tolist() != picture[4, 6].tolist()
    True

    Args:
        ground: What to draw over.
        boxes: Of the patches in base pixels.
        shares: Weights in equal shares.
    """
    return _laid(ground, boxes, shares, weight_colours(shares))


def evidence_picture(
    ground: Ground, boxes: Float[np.ndarray, "patch 4"], loudness: Float[np.ndarray, " patch"]
) -> Picture:
    """Patches tinted orange where they speak for a class and blue where against it; the loudest shows.

    Args:
        ground: What to draw over.
        boxes: Of the patches in base pixels.
        loudness: Evidence in equal shares, below zero against the class.
    """
    return _laid(ground, boxes, np.abs(loudness), evidence_colours(loudness))


def weight_colours(shares: Float[np.ndarray, " patch"]) -> UInt8[np.ndarray, "patch 3"]:
    """The colour of weights in equal shares.

    >>> weight_colours(np.array([0.2, 99.0])).tolist() == [WEIGHT[0].tolist(), WEIGHT[-1].tolist()]
    True
    """
    return _between(np.broadcast_to(WEIGHT, (len(shares), *WEIGHT.shape)), shares)


def evidence_colours(loudness: Float[np.ndarray, " patch"]) -> UInt8[np.ndarray, "patch 3"]:
    """The colour of evidence in equal shares, either way.

    >>> evidence_colours(np.array([16.0, -16.0])).tolist()
    [[254, 196, 79], [140, 214, 255]]
    """
    return _between(np.where(loudness[:, None, None] < 0, CONTRA, PRO), np.abs(loudness))


def with_region(picture: Picture, ground: Ground, region: Sequence[Outline]) -> Picture:
    """A white line on a dark rim around what was annotated.

    Args:
        picture: A map.
        ground: That it was drawn over.
        region: In base pixels.
    """
    drawn = picture.copy()
    thickness = max(1, round(max(picture.shape[:2]) / 700))
    rings = [ring for outline in region for ring in (outline.outer, *outline.holes)]
    moved = [(ring - np.array(ground.corner)) / ground.downsample for ring in rings]
    corners = [np.rint(ring * 2**_SHIFT).astype(np.int32) for ring in moved]
    for colour, width in (((20, 20, 20), thickness + 2), ((255, 255, 255), thickness)):
        cv2.polylines(drawn, corners, True, colour, width, cv2.LINE_AA, _SHIFT)
    return drawn


def tinted(
    ground: Picture, colours: UInt8[np.ndarray, "height width 3"], shares: Float[np.ndarray, "height width"]
) -> Picture:
    """Lay colours over a ground, the more the larger their shares."""
    with np.errstate(divide="ignore"):
        cover = _COVER * np.clip(np.log(shares) / math.log(_COVERS_FROM), 0, 1)[..., None]
    return np.round(ground + (colours - ground.astype(np.float32)) * cover).astype(np.uint8)


def faded(picture: Picture) -> Picture:
    """Darker and paler, and still to be recognised; what glows on black is grey, each pixel as bright as its channels.

    >>> faded(np.full((9, 9, 3), 200, np.uint8))[0, 0].tolist()
    [172, 172, 172]
    """
    if is_fluorescence(picture):
        return np.repeat(picture.max(2, keepdims=True), 3, axis=2)
    grey = (picture @ _GREY)[..., None]
    return np.round(_DARKER * (picture + _PALER * (grey - picture))).astype(np.uint8)


def shown_patches(
    ground: Ground, boxes: Float[np.ndarray, "patch 4"], strength: Float[np.ndarray, " patch"]
) -> Int[np.ndarray, "height width"]:
    """Which patch each pixel of the ground shows, the strongest of those on it; −1 beside them all."""
    height, width = ground.picture.shape[:2]
    shown = np.full((height, width), -1, np.int32)
    edges = pixel_edges(ground.pixels(boxes), height, width).tolist()
    for site in np.argsort(strength, kind="stable").tolist():
        x0, y0, x1, y1 = edges[site]
        shown[y0:y1, x0:x1] = site
    return shown


def _laid(
    ground: Ground,
    boxes: Float[np.ndarray, "patch 4"],
    strength: Float[np.ndarray, " patch"],
    colours: UInt8[np.ndarray, "patch 3"],
) -> Picture:
    shown = shown_patches(ground, boxes, strength)
    # the last row is of pixels that show no patch
    shares = np.append(strength, 0.0)[shown]
    painted = np.concatenate([colours, np.zeros((1, 3), np.uint8)])[shown]
    return _outlined(tinted(faded(ground.picture), painted, shares), shown >= 0, is_fluorescence(ground.picture))


def _between(stops: UInt8[np.ndarray, "patch stop 3"], shares: Float[np.ndarray, " patch"]) -> np.ndarray:
    """Colours between the stops of each patch, by the place of its shares on the scale."""
    clipped = np.clip(shares, SLIDE_SCALE.low, SLIDE_SCALE.high)
    place = np.log(clipped / SLIDE_SCALE.low) / math.log(SLIDE_SCALE.high / SLIDE_SCALE.low) * (stops.shape[1] - 1)
    lower = np.minimum(place.astype(int), stops.shape[1] - 2)
    each = np.arange(len(place))
    low, high = stops[each, lower].astype(float), stops[each, lower + 1].astype(float)
    return np.round(low + (high - low) * (place - lower)[:, None]).astype(np.uint8)


def _outlined(picture: Picture, read: Bool[np.ndarray, "height width"], dark: bool) -> Picture:
    """A thin line just outside of everything that was read."""
    thickness = max(1, round(max(read.shape) / 1200))
    around = cv2.dilate(read.astype(np.uint8), np.ones((2 * thickness + 1,) * 2, np.uint8))
    on = around.astype(bool) & ~read
    ink = _LIGHT if dark else _INK
    picture[on] = np.round(picture[on] * (1 - _LINE) + ink * _LINE)
    return picture
