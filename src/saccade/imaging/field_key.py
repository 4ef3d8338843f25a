"""A key to the colours of a look map, for a picture that stands alone: in a report the page has one for all."""

import math

import numpy as np
from PIL import Image, ImageDraw

from saccade.imaging.drawing import Picture, WeightScale
from saccade.imaging.field_drawing import MAP_SCALE, Drawn, label_height, map_colours, text_font

CAPTIONS = (
    "probability of a cell; 1x is what every cell would have if none were preferred",
    "probability; 1x: of every cell, if alike",
)
"""What the colours mean, in many words or in few."""

_PAPER, _INK = (255, 255, 255), (20, 20, 20)


def with_key(picture: Picture, scale: WeightScale = MAP_SCALE) -> Drawn:
    """The picture with a colour bar below it; every pixel stays where it was.

    >>> with_key(np.zeros((480, 640, 3), np.uint8)).shape
    (551, 640, 3)
    """
    width, line = picture.shape[1], label_height(picture)
    margin = line // 2
    strip = Image.new("RGB", (width, 3 * line + margin // 2), _PAPER)
    draw = ImageDraw.Draw(strip)
    left, across = min(margin, width // 4), max(1, width - 2 * margin)
    size, top, bottom = round(0.7 * line), line + line // 4, 2 * line
    caption = next((each for each in CAPTIONS if draw.textlength(each, text_font(size)) <= across), CAPTIONS[-1])
    fitting = size * min(1.0, across / draw.textlength(caption, text_font(size)))
    _text(draw, (left, line // 4), caption, "la", max(1, math.floor(fitting)))
    bar = Image.fromarray(map_colours(scale, across).repeat(bottom - top, 0))
    strip.paste(bar, (left, top))
    for tick, share in _places(draw, scale, size, across):
        x = left + round(share * (across - 1))
        draw.line((x, bottom, x, bottom + line // 5), _INK)
        anchor = "la" if share == 0 else "ra" if share == 1 else "ma"
        _text(draw, (x, bottom + line // 4), tick, anchor, size)
    return np.concatenate([picture, np.asarray(strip)])


def _places(draw: ImageDraw.ImageDraw, scale: WeightScale, size: int, across: int) -> list[tuple[str, float]]:
    """Marks of the scale and how far along the bar they lie; only its ends where there is no room for more."""
    marks = [(f"{tick:g}x", math.log(tick / scale.low) / math.log(scale.high / scale.low)) for tick in scale.ticks]
    widest = max(draw.textlength(text, text_font(size)) for text, _ in marks)
    step = across / (len(marks) - 1)  # the last one ends where its mark is, the others lie around theirs
    return marks if step > 1.5 * widest + size / 2 else [marks[0], marks[-1]]


def _text(draw: ImageDraw.ImageDraw, place: tuple[int, int], text: str, anchor: str, size: int) -> None:
    draw.text(place, text, _INK, text_font(size), anchor=anchor)
