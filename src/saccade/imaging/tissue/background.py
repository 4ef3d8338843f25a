"""What a slide looks like where nothing is, and how far each pixel is from that.

Two kinds of slide are told apart by the picture itself: light glass that tissue darkens (any stain), and dark glass
that tissue outshines (fluorescence). Distances are uint8, so that whatever follows is exact, whichever way the
picture is turned.

**Light glass.** The optical density over the glass's own colour, ``OD = log10(glass / pixel)``, per channel; a pixel
that is lighter than glass, such as the padding of a scanner, has none. Stains differ between channels and shadows do
not: ``distance = (max OD − min OD) + max(0, min OD − 0.1)``, so light that falls off towards the corners counts for
nothing until it has lost a fifth, and silver or pigment still counts.

**Dark glass.** How much brighter than glass the brightest channel is, on a logarithmic scale, smoothed over
the distance between cells: there is tissue between nuclei.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import UInt8

Thumbnail = UInt8[np.ndarray, "height width 3"]
Distance = UInt8[np.ndarray, "height width"]

OD_STEP = 0.005
"""Optical density per unit of a distance on light glass."""

_PADDING = 253  # from here a pixel is white that no camera saw
_LIGHT, _NEUTRAL = 150, 36  # least channel of glass, and the most its channels differ
_PINK = 6  # levels by which green is least in stained tissue, and never in glass
_SOME = 0.002  # share of the picture below which a peak is no glass
_WHITE = (245, 245, 245)  # glass where none is to be seen
_NO_SHADOW = round(0.1 / OD_STEP)
_DARK_MEAN, _DARK_LEAST, _LIGHT_SHARE = 40, 10, 0.1
_CELL_SPACING_UM = 20.0  # sigma that joins neighbouring nuclei


@dataclass(frozen=True)
class Glass:
    """The background of a slide."""

    colour: tuple[int, int, int]
    """RGB."""
    dark: bool
    """Whether tissue is brighter than it: fluorescence."""


def find_glass(thumbnail: Thumbnail) -> Glass:
    """The background's colour: its commonest light shade, or its darkest common one.

    >>> find_glass(np.full((9, 9, 3), 240, np.uint8))
    Glass(colour=(240, 240, 240), dark=False)
    """
    if is_fluorescence(thumbnail):
        return Glass(_darkest_common(thumbnail), dark=True)
    return Glass(_light_glass(thumbnail), dark=False)


def is_fluorescence(thumbnail: Thumbnail) -> bool:
    """Whether most of the picture is black or of one pure colour, and next to nothing is light."""
    least = thumbnail.min(axis=2)
    light = (least > _LIGHT).mean()
    mean = np.median(thumbnail.mean(axis=2, dtype=np.float32))
    return bool(light < _LIGHT_SHARE and (mean < _DARK_MEAN or np.median(least) < _DARK_LEAST))


def densities(thumbnail: Thumbnail, glass: Glass) -> Thumbnail:
    """Optical density over light glass per channel, in steps of ``OD_STEP``, at most 1.275."""
    values = np.maximum(np.arange(256), 1)[:, None]
    table = np.log10(np.array(glass.colour) / values) / OD_STEP
    return cv2.LUT(thumbnail, np.rint(table).clip(0, 255).astype(np.uint8)[None])


def stain_distance(density: Thumbnail) -> Distance:
    """How far from light glass a pixel is, in steps of ``OD_STEP``."""
    least = density.min(axis=2)
    colour = density.max(axis=2) - least
    return cv2.add(colour, cv2.subtract(least, np.full_like(least, _NO_SHADOW)))


def glow_distance(thumbnail: Thumbnail, glass: Glass, mpp: float) -> Distance:
    """How far above dark glass a pixel and its surroundings are: 32 steps for each doubling of (1 + brightness)."""
    above = cv2.subtract(thumbnail, np.full_like(thumbnail, glass.colour)).max(axis=2)
    smooth = cv2.GaussianBlur(above.astype(np.float32), (0, 0), max(0.5, _CELL_SPACING_UM / mpp))
    return np.rint(32 * np.log2(1 + smooth)).clip(0, 255).astype(np.uint8)


def _light_glass(thumbnail: Thumbnail) -> tuple[int, int, int]:
    """The lightest shade of light grey that is common; padding only where there is no other."""
    red, green, blue = (thumbnail[..., channel].astype(np.int16) for channel in range(3))
    least, most = np.minimum(np.minimum(red, green), blue), np.maximum(np.maximum(red, green), blue)
    grey = (least >= _LIGHT) & (most - least <= _NEUTRAL) & (green >= np.minimum(red, blue) - _PINK)
    for usable in (grey & (least < _PADDING), grey):
        counts = np.bincount(least[usable], minlength=256)[:256]
        near = np.convolve(counts, np.ones(7), "same")
        if near.max() < max(1, _SOME * least.size):
            continue
        peak = int(np.flatnonzero(near >= max(near.max() / 4, _SOME * least.size)).max())
        peak -= 3 - int(counts[max(0, peak - 3) : peak + 4].argmax())
        around = usable & (np.abs(least - peak) <= 4)
        shade = [int(np.median(channel[around])) for channel in (red, green, blue)]
        return shade[0], shade[1], shade[2]
    return _WHITE


def _darkest_common(thumbnail: Thumbnail) -> tuple[int, int, int]:
    """Per channel, what a twentieth of the picture does not exceed."""
    red, green, blue = (int(np.percentile(thumbnail[..., channel], 5)) for channel in range(3))
    return red, green, blue
