"""Overlays: the sites a model read, coloured by weight, over a dimmed grey copy of the image.

Colour stands for the weight in *equal shares*, weight times the number of sites: 1 is what every site would have if
all counted the same. Weights fall off steeply, so the scale is logarithmic, and it is the same for every image: two
overlays can be compared. The colours are matplotlib's plasma, perceptually uniform and safe for the colour-blind.
"""

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from jaxtyping import Float, Num, UInt8

from saccade.core.errors import BadInput
from saccade.core.results import Sites

COLOURS: UInt8[np.ndarray, "256 3"] = cv2.applyColorMap(
    np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_PLASMA
)[:, 0, ::-1]
"""From little to much, as RGB."""

_TWO_CHANNELS = np.array([[230, 159, 0], [86, 180, 233]]) / 255.0  # orange and sky blue, told apart by everybody
_GREY = np.array([0.299, 0.587, 0.114])
_DIMMED = 0.42  # of the grey image's brightness: enough to find one's way, dark enough for the darkest colour


@dataclass(frozen=True)
class WeightScale:
    """Where weights in equal shares lie on the colour scale: logarithmic, clipped at both ends."""

    low: float = 0.25
    high: float = 16.0

    def colours(self, shares: Float[np.ndarray, "*axes"]) -> UInt8[np.ndarray, "*axes 3"]:
        """RGB of weights in equal shares.

        >>> WeightScale().colours(np.array([0.0, 100.0])).tolist()
        [[13, 8, 135], [240, 249, 33]]
        """
        clipped = np.clip(shares, self.low, self.high)
        position = np.log(clipped / self.low) / math.log(self.high / self.low)
        return COLOURS[np.round(255 * position).astype(int)]

    @property
    def ticks(self) -> tuple[float, ...]:
        """Marks for a colour bar: powers of four from one end to the other."""
        steps = round(math.log(self.high / self.low, 4))
        return tuple(self.low * 4.0**step for step in range(steps + 1))


def overlay(
    image: Num[np.ndarray, "height width channel"], sites: Sites, scale: WeightScale | None = None
) -> UInt8[np.ndarray, "height width 3"]:
    """Colour the sites of one image by weight; everything else is dimmed and grey.

    A box covers the pixels between its rounded edges, at least one; where boxes overlap, the heavier one shows. Boxes
    outside the image are not drawn.

    Args:
        image: In the pixels the boxes are in, of any number of channels (see ``displayable``).
        sites: Of this image alone: a batch of one.
        scale: Colours of the weights; every overlay in a report shares one.

    Raises:
        BadInput: The sites are of several images.
    """
    if len(sites.weights) != 1:
        raise BadInput(f"sites of {len(sites.weights)} images cannot lie on one", remedy="slice them: sites[i]")
    picture = dimmed(displayable(image))
    height, width = picture.shape[:2]
    valid = sites.valid[0].cpu()
    weights = sites.weights[0].detach().cpu()[valid].double().numpy()
    boxes = sites.boxes[0].cpu()[valid].double().numpy()
    colours = (scale or WeightScale()).colours(weights * len(weights))
    edges = _pixel_edges(boxes, height, width)
    for site in np.argsort(weights, kind="stable"):
        x0, y0, x1, y1 = edges[site]
        picture[y0:y1, x0:x1] = colours[site]
    return picture


def displayable(image: Num[np.ndarray, "height width channel"]) -> UInt8[np.ndarray, "height width 3"]:
    """Any image as RGB for the eye.

    Values: uint8 stays as it is, and so do colours given as floats from 0 to 1; everything else is stretched so that
    the least is black and the most is white (values that are not finite are black).
    Channels: 1 is grey; 2 are orange and blue light, added; 3 are RGB; of more, their mean is grey.
    """
    values = _unit_range(image)
    channels = values.shape[2]
    if channels == 2:
        values = (values @ _TWO_CHANNELS).clip(max=1.0)
    elif channels != 3:
        values = values.mean(axis=2, keepdims=True).repeat(3, axis=2)
    return np.round(255 * values).astype(np.uint8)


def dimmed(picture: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "height width 3"]:
    """A dark grey copy."""
    grey = np.round(picture @ _GREY * _DIMMED).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def at_side(
    image: Num[np.ndarray, "height width channel"], sites: Sites, side: int
) -> tuple[UInt8[np.ndarray, "height2 width2 3"], Sites]:
    """The image for the eye, its longer side brought down to at most ``side``, and the sites moved with it."""
    picture = displayable(image)
    factor = side / max(picture.shape[:2])
    if factor >= 1:
        return picture, sites
    height, width = (max(1, round(length * factor)) for length in picture.shape[:2])
    across = torch.tensor([width / picture.shape[1], height / picture.shape[0]]).repeat(2)
    smaller = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return smaller, replace(sites, boxes=sites.boxes.cpu() * across)


def _unit_range(image: Num[np.ndarray, "height width channel"]) -> Float[np.ndarray, "height width channel"]:
    """The image's values between 0 and 1."""
    if image.dtype == np.uint8:
        return image / 255.0
    values = image.astype(np.float64)
    finite = np.isfinite(values)
    least, most = (values[finite].min(), values[finite].max()) if finite.any() else (0.0, 0.0)
    if values.shape[2] == 3 and least >= 0 and most <= 1 and np.issubdtype(image.dtype, np.floating):
        return np.where(finite, values, 0.0)
    values = np.where(finite, values, least) - least
    return values / (most - least) if most > least else values


def _pixel_edges(boxes: Float[np.ndarray, "site 4"], height: int, width: int) -> Num[np.ndarray, "site 4"]:
    """Whole pixels a box covers: rounded edges, at least one pixel, cut off at the image."""
    low, high = np.round(boxes[:, :2]), np.round(boxes[:, 2:])
    tiny = high <= low
    low = np.where(tiny, np.floor(boxes[:, :2]), low)
    high = np.where(tiny, low + 1, high)
    edges = np.concatenate([low, high], axis=1)
    return np.clip(edges, 0, [width, height, width, height]).astype(int)
