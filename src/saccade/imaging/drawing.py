"""Drawing: an image of any kind as a picture to look at, and the sites a model read laid over it.

The one place that decides what a picture looks like: notebooks, overlays on disk and the report all draw with it.

Colour stands for the weight in *equal shares*, weight times the number of sites: 1 is what every site would have if
all counted the same. Weights fall off steeply, so the scale is logarithmic, and it is the same for every image: two
overlays can be compared. The colours are matplotlib's plasma, perceptually uniform and safe for the colour-blind.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Num, UInt8

from saccade.core.errors import BadInput
from saccade.core.results import Sites

Picture = UInt8[np.ndarray, "height width 3"]

Span = tuple[float, float]
"""The values that become black and white."""

COLOURS: UInt8[np.ndarray, "256 3"] = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_PLASMA)[
    :, 0, ::-1
]
"""From little to much, as RGB."""

_TWO_CHANNELS = np.array([[230, 159, 0], [86, 180, 233]], np.float32) / 255  # orange and sky blue, told apart by all
_TAILS = (0.5, 99.5)  # percentiles that become black and white where values are not 8-bit
_GREY = np.array([0.299, 0.587, 0.114])
_DIMMED = 0.42  # of the grey image's brightness: enough to find one's way, dark enough for the darkest colour
_MOSTLY = 0.25  # a box above this share of the image is outlined: filled, it would hide what it is about


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


def as_picture(image: Num[np.ndarray, "height width channel"], span: Span | None = None) -> Picture:
    """Any image as RGB for the eye.

    Values: uint8 stays as it is, and so do colours given as floats from 0 to 1; everything else is stretched between
    its outer half percents, over all channels alike.
    Channels: 1 is grey; 2 are orange and blue light, added; 3 are RGB; of more, their mean is grey.

    Args:
        image: Of any number of channels.
        span: The values that become black and white, of ``value_span``, so that several images can be compared.
    """
    channels = image.shape[2]
    if image.dtype == np.uint8 and channels == 3:
        return np.ascontiguousarray(image)
    values = _unit_range(image, span)
    if channels == 2:
        values = (values @ _TWO_CHANNELS).clip(max=1.0)
    elif channels != 3:
        values = values.mean(axis=2, keepdims=True).repeat(3, axis=2)
    return np.round(255 * values).astype(np.uint8)


def value_span(images: Sequence[Num[np.ndarray, "_ _ _"]]) -> Span | None:
    """The values that ``as_picture`` turns black and white in images of any sizes; none where it keeps values."""
    if any(_is_kept(image) for image in images):
        return None
    values = np.concatenate([_finite(image).ravel() for image in images])
    low, high = (float(edge) for edge in np.percentile(values, _TAILS))
    return (low, high) if high > low else (float(values.min()), float(values.max()))


def picture_key(image: Num[np.ndarray, "height width channel"], span: Span) -> str:
    """What black, white and the colours of a picture stand for, in one line.

    Two channels of counts are events, as recordings of event cameras are loaded. The unit of a single channel is known
    to whoever saved it: of a map of the optical path difference it is to be nanometres.

    >>> picture_key(np.zeros((8, 8, 1), np.float32), (-2.0, 96.5))
    'grey: black -2, white 96.5, as in the files (nm where they hold the optical path difference)'

    Args:
        image: One of those that are shown.
        span: Of ``value_span``.
    """
    low, high = (f"{edge:.3g}" for edge in span)
    if image.shape[2] == 2:
        events = image.dtype.kind == "f" and (image >= 0).all() and (image == np.round(image)).all()
        first, second = ("events: OFF (darker)", "ON (brighter)") if events else ("first channel", "second")
        return f"{first} orange, {second} blue, both white; black {low}, full colour {high} at a pixel"
    if image.shape[2] == 3:
        return f"colours: black {low}, full {high}, as in the files"
    return f"grey: black {low}, white {high}, as in the files (nm where they hold the optical path difference)"


def overlay(image: Num[np.ndarray, "height width channel"], sites: Sites, scale: WeightScale | None = None) -> Picture:
    """Colour the sites of one image by weight; everything else is dimmed and grey.

    A box covers the pixels between its rounded edges, at least one; where boxes overlap, the heavier one shows. Boxes
    above a quarter of the image are outlined on the image as it is. Boxes outside the image are not drawn.

    Args:
        image: In the pixels the boxes are in, of any number of channels (see ``as_picture``).
        sites: Of this image alone: a batch of one.
        scale: Colours of the weights; every overlay in a report shares one.

    Raises:
        BadInput: The sites are of several images.
    """
    if len(sites.weights) != 1:
        raise BadInput(f"sites of {len(sites.weights)} images cannot lie on one", remedy="slice them: sites[i]")
    whole = as_picture(image)
    height, width = whole.shape[:2]
    valid = sites.valid[0].cpu()
    weights = sites.weights[0].detach().cpu()[valid].double().numpy()
    boxes = sites.boxes[0].cpu()[valid].double().numpy()
    colours = (scale or WeightScale()).colours(weights * len(weights))
    edges = pixel_edges(boxes, height, width)
    large = (edges[:, 2] - edges[:, 0]) * (edges[:, 3] - edges[:, 1]) > _MOSTLY * height * width
    picture = whole.copy() if len(large) and large.all() else dimmed(whole)
    for site in np.argsort(weights, kind="stable"):
        x0, y0, x1, y1 = edges[site].tolist()
        if large[site] and height * width > 1:
            thickness = max(1, min(height, width) // 64)
            cv2.rectangle(picture, (x0, y0), (x1 - 1, y1 - 1), colours[site].tolist(), thickness)
        else:
            picture[y0:y1, x0:x1] = colours[site]
    return picture


def dimmed(picture: Picture) -> Picture:
    """A dark grey copy."""
    grey = np.round(picture @ _GREY * _DIMMED).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def enlarged(picture: Picture, side: int = 384) -> UInt8[np.ndarray, "tall wide 3"]:
    """The picture with its pixels repeated until its shorter side is about ``side``, so that each can be seen."""
    factor = max(1, round(side / min(picture.shape[:2])))
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def encode_png(picture: Picture) -> bytes:
    """The picture as the bytes of a PNG file."""
    return cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]))[1].tobytes()


def _unit_range(
    image: Num[np.ndarray, "height width channel"], span: Span | None
) -> Float[np.ndarray, "height width channel"]:
    """The image's values between 0 and 1."""
    if image.dtype == np.uint8:
        return image.astype(np.float32) / 255
    values = _finite(image)
    span = span or value_span([image])
    if span is None:
        return values
    low, high = span
    return ((values - low) / ((high - low) or 1.0)).clip(0, 1)


def _is_kept(image: Num[np.ndarray, "height width channel"]) -> bool:
    """Whether values are shown as they are: of 8 bits, or colours given as floats from 0 to 1."""
    if image.dtype == np.uint8:
        return True
    values = _finite(image)
    return image.shape[2] == 3 and image.dtype.kind == "f" and bool(values.min() >= 0 and values.max() <= 1)


def _finite(image: Num[np.ndarray, "height width channel"]) -> Float[np.ndarray, "height width channel"]:
    """Values as float32; what is no number is black."""
    return np.nan_to_num(image.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)


def pixel_edges(boxes: Float[np.ndarray, "site 4"], height: int, width: int) -> Num[np.ndarray, "site 4"]:
    """Whole pixels a box covers: rounded edges, at least one pixel, cut off at the image."""
    low, high = np.round(boxes[:, :2]), np.round(boxes[:, 2:])
    tiny = high <= low
    low = np.where(tiny, np.floor(boxes[:, :2]), low)
    high = np.where(tiny, low + 1, high)
    edges = np.concatenate([low, high], axis=1)
    return np.clip(edges, 0, [width, height, width, height]).astype(int)
