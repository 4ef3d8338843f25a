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
_BLUISH = 18  # levels by which blue is above red in a faint haematoxylin, and not in glass
_EVEN = 8  # levels between neighbours on glass
_SOME = 0.002  # share of the picture below which a peak is no glass
WHITE = (245, 245, 245)
"""Glass where none is to be seen: in a picture full of tissue."""

_NO_SHADOW = round(0.1 / OD_STEP)
_DARK_MEAN, _DARK_LEAST, _LIGHT_SHARE = 50, 10, 0.1
_CELL_SPACING_UM = 16.0  # sigma that joins neighbouring nuclei


@dataclass(frozen=True)
class Glass:
    """The background of a slide."""

    colour: tuple[float, float, float]
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
    return _light_glass(cv2.medianBlur(thumbnail, 3)) or Glass(WHITE, dark=False)


def is_fluorescence(thumbnail: Thumbnail) -> bool:
    """Whether most of the picture is black or of one pure colour, and next to nothing is light."""
    least = extremes(thumbnail)[0]
    mean = cv2.transform(thumbnail, np.full((1, 3), 1 / 3))
    return bool((least > _LIGHT).mean() < _LIGHT_SHARE and (_median(mean) < _DARK_MEAN or _median(least) < _DARK_LEAST))


def extremes(picture: Thumbnail) -> tuple[Distance, Distance]:
    """Least and greatest channel of each pixel."""
    red, green, blue = cv2.split(picture)
    least, most = cv2.min(cv2.min(red, green), blue), cv2.max(cv2.max(red, green), blue)
    return np.asarray(least, np.uint8), np.asarray(most, np.uint8)


def densities(thumbnail: Thumbnail, glass: Glass) -> Thumbnail:
    """Optical density over light glass per channel, in steps of ``OD_STEP``, at most 1.275."""
    values = np.maximum(np.arange(256), 1)[:, None]
    table = np.log10(np.array(glass.colour) / values) / OD_STEP
    return cv2.LUT(thumbnail, np.rint(table).clip(0, 255).astype(np.uint8)[None])


def stain_distance(density: Thumbnail) -> Distance:
    """How far from light glass a pixel is, in steps of ``OD_STEP``."""
    least, most = extremes(density)
    return most - least + np.maximum(least, _NO_SHADOW) - _NO_SHADOW


def glow_distance(thumbnail: Thumbnail, glass: Glass, mpp: float) -> Distance:
    """How far above dark glass a pixel and its surroundings are: 32 steps for each doubling of (1 + brightness)."""
    above = np.zeros(thumbnail.shape[:2], np.float32)
    for channel, level in enumerate(glass.colour):
        smooth = cv2.GaussianBlur(thumbnail[..., channel].astype(np.float32), (0, 0), max(0.5, _CELL_SPACING_UM / mpp))
        above = np.maximum(above, smooth - level)
    return np.rint(32 * np.log2(1 + above)).clip(0, 255).astype(np.uint8)


def _median(values: UInt8[np.ndarray, "..."]) -> int:
    """The middle value, the lower of two; by counting, which is faster than sorting."""
    counts = np.cumsum(np.bincount(values.ravel(), minlength=256))
    return int(np.searchsorted(counts, (counts[-1] + 1) // 2))


def _light_glass(thumbnail: Thumbnail) -> Glass | None:
    """The lightest shade of light, even grey that is common; padding only where there is no other.

    Pale tissue can be as light and grey, but it is not as even.
    """
    least, most = extremes(thumbnail)
    red, green, blue = cv2.split(thumbnail)
    kernel = np.ones((3, 3), np.uint8)
    even = extremes(cv2.dilate(thumbnail, kernel) - cv2.erode(thumbnail, kernel))[1] <= _EVEN
    grey = even & (least >= _LIGHT) & (most - least <= _NEUTRAL)
    grey &= (cv2.subtract(cv2.min(red, blue), green) <= _PINK) & (cv2.subtract(blue, red) <= _BLUISH)
    for usable in (grey & (least < _PADDING), grey):
        counts = np.bincount(least[usable], minlength=256)
        near = np.convolve(counts, np.ones(7), "same")
        if near.max() < max(1, _SOME * least.size):
            continue
        peak = int(np.flatnonzero(near >= max(near.max() / 4, _SOME * least.size)).max())
        peak -= 3 - int(counts[max(0, peak - 3) : peak + 4].argmax())
        around = usable & (cv2.absdiff(least, np.full_like(least, peak)) <= 4)
        shade = [_median(np.asarray(channel)[around]) for channel in (red, green, blue)]
        return Glass((shade[0], shade[1], shade[2]), dark=False)
    return None


def _darkest_common(thumbnail: Thumbnail) -> tuple[float, float, float]:
    """Per channel, what a twentieth of the picture does not exceed, noise apart."""
    smooth = (cv2.GaussianBlur(thumbnail[..., channel].astype(np.float32), (0, 0), 2.0) for channel in range(3))
    red, green, blue = (float(np.percentile(channel, 5)) for channel in smooth)
    return red, green, blue
