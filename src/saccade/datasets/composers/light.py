"""Light through a smear: the colour of the empty glass, and how much of it each pixel lets through.

A stained cell darkens the light by what it absorbs, whatever the lamp: I = glass · T, with T the transmittance
(Beer–Lambert). So a cell photographed under one lamp is shown under another by taking T from the one picture and
multiplying it onto the other; where the first picture is glass, T is 1 and nothing changes. That is why no square and
no halo comes along.
"""

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from saccade.core.errors import BadInput
from saccade.imaging.image_files import Array

Picture = UInt8[np.ndarray, "height width 3"]
Light = Float[np.ndarray, "height width 3"]
Colour = Float[np.ndarray, "3"]

GLASS_SHARE = 0.08  # the brightest part of a picture, whose median is taken for glass


def as_picture(image: Array, source: str = "the image") -> Picture:
    """Bring an 8-bit image to three channels; grey is repeated.

    >>> as_picture(np.zeros((4, 5, 1), np.uint8)).shape
    (4, 5, 3)

    Raises:
        BadInput: The values are not 8-bit, or there are two channels or more than three.
    """
    if image.dtype != np.uint8 or image.shape[2] not in (1, 3):
        message = f"has {image.shape[2]} channels of {image.dtype}"
        raise BadInput(message, "convert it to 8-bit grey or RGB", source)
    return np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))


def glass_colour(picture: Picture) -> Colour:
    """The colour of the empty glass: the median of the brightest pixels."""
    flat = picture.reshape(-1, 3)
    brightness = flat.sum(1, dtype=np.int32)
    brightest = flat[brightness >= np.quantile(brightness, 1 - GLASS_SHARE)]
    return np.maximum(np.median(brightest, axis=0), 1).astype(np.float32)


def density(picture: Picture, glass: Colour | Light) -> Light:
    """Optical density −log(I / glass) of each channel: 0 for glass, above 0 for what absorbs."""
    return np.log(glass) - np.asarray(cv2.log(np.maximum(picture, 1).astype(np.float32)))
