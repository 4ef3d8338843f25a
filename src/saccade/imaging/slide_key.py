"""What stands below a map of a slide: what it shows in words, its colours with their meaning, and a scale bar."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from saccade.imaging.drawing import Picture
from saccade.imaging.field_drawing import Drawn, label_height, text_font
from saccade.imaging.slide_drawing import SLIDE_SCALE, evidence_colours, faded, tinted, weight_colours
from saccade.imaging.slide_ground import Ground
from saccade.imaging.tissue.background import is_fluorescence

_PAPER, _INK = (255, 255, 255), (20, 20, 20)
_GLASS, _BLACK = 236, 0  # what the bar's colours are shown on: like the ground, light or dark
_BAR_SHARE = 0.5  # of the width that the colour bar takes, beside the scale bar
_LONGEST_BAR = 0.25  # of the width that the scale bar may take


@dataclass(frozen=True, eq=False)
class ColourBar:
    """Colours from left to right, and marks on them.

    Attributes:
        colours: One row of them.
        marks: What is written, and how far along.
    """

    colours: Picture
    marks: tuple[tuple[str, float], ...]


def weight_bar(ground: Ground, length: int = 512) -> ColourBar:
    """Weights from 1x to the scale's end, as they look over a ground's glass."""
    shares = np.geomspace(SLIDE_SCALE.low, SLIDE_SCALE.high, length)
    *lower, end = (f"{tick:g}x" for tick in SLIDE_SCALE.ticks)
    return ColourBar(_over_glass(ground, weight_colours(shares), shares), _evenly([*lower, f"{end} and more"]))


def evidence_bar(ground: Ground, length: int = 512) -> ColourBar:
    """Evidence from the loudest against, on the left, to the loudest for, as it looks over a ground's glass."""
    half = np.geomspace(SLIDE_SCALE.low, SLIDE_SCALE.high, length // 2)
    signed = np.concatenate([-half[::-1], half])
    ticks = [f"{tick:g}x" for tick in SLIDE_SCALE.ticks[1:]]
    texts = [*ticks[::-1], "below 1x", *ticks]
    return ColourBar(_over_glass(ground, evidence_colours(signed), np.abs(signed)), _evenly(texts))


def with_slide_key(picture: Picture, bar: ColourBar, lines: Sequence[str], ground: Ground) -> Drawn:
    """The picture with a strip below it; every pixel stays where it was.

    >>> ground = Ground(np.zeros((300, 400, 3), np.uint8), downsample=16.0, mpp=0.5)
    >>> with_slide_key(ground.picture, weight_bar(ground), ["what it shows"], ground).shape[1]
    400

    Args:
        picture: The map.
        bar: Its colours.
        lines: What it shows, in words; the first is the heading. Long ones are broken.
        ground: That it was drawn over, which knows how long a millimetre is.
    """
    width, line = picture.shape[1], label_height(picture)
    margin, size = line // 2, max(1, round(0.7 * line))
    pen = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    texts = [part for text in lines for part in _broken(pen, text, size, width - 2 * margin)]
    strip = Image.new("RGB", (width, round((len(texts) + 3.2) * line)), _PAPER)
    draw = ImageDraw.Draw(strip)
    for place, text in enumerate(texts):
        draw.text((margin, margin + place * line), text, _INK, text_font(size))
    top = round((len(texts) + 0.8) * line)
    across = max(1, round(_BAR_SHARE * (width - 3 * margin)))
    _draw_bar(strip, draw, bar, (margin, top, across, round(0.9 * line)), size)
    _draw_scale(draw, ground, (width - margin, top + round(0.9 * line)), width, line, size)
    return np.concatenate([picture, np.asarray(strip)])


def scale_length(mpp: float, longest: float) -> tuple[float, str]:
    """A round length of at most so many pixels, and its name.

    >>> scale_length(8.0, 300)
    (250.0, '2 mm')
    >>> scale_length(0.5, 300)
    (200.0, '0.1 mm')

    Args:
        mpp: Micrometres per pixel of the picture.
        longest: In pixels.
    """
    millimetres = longest * mpp / 1000
    power = 10.0 ** math.floor(math.log10(millimetres))
    length = next(step * power for step in (5, 2, 1) if step * power <= millimetres * (1 + 1e-9))
    return length * 1000 / mpp, f"{length:g} mm"


def _draw_bar(
    strip: Image.Image, draw: ImageDraw.ImageDraw, bar: ColourBar, box: tuple[int, int, int, int], size: int
) -> None:
    """The colours in a box x, y, width, height, their marks below it; only its ends where there is no room for more."""
    left, top, across, high = box
    colours = Image.fromarray(bar.colours).resize((across, high), Image.Resampling.NEAREST)
    strip.paste(colours, (left, top))
    draw.rectangle((left, top, left + across - 1, top + high - 1), outline=(120, 120, 120))
    font = text_font(size)
    for text, share in _fitting(draw, bar.marks, across, size):
        x = left + round(share * (across - 1))
        draw.line((x, top + high, x, top + high + size // 4), _INK)
        anchor = "la" if share == 0 else "ra" if share == 1 else "ma"
        draw.text((x, top + high + size // 3), text, _INK, font, anchor=anchor)


def _fitting(
    draw: ImageDraw.ImageDraw, marks: tuple[tuple[str, float], ...], across: int, size: int
) -> tuple[tuple[str, float], ...]:
    """The marks, or only those at the ends where they would run into each other."""
    end = -float(size)
    for text, share in marks:
        long = draw.textlength(text, text_font(size))
        start = share * across - long * share if share in (0, 1) else share * across - long / 2
        if start < end + size / 2:
            return marks[0], marks[-1]
        end = start + long
    return marks


def _draw_scale(
    draw: ImageDraw.ImageDraw, ground: Ground, end: tuple[int, int], width: int, line: int, size: int
) -> None:
    """A bar that ends at a place, and its length; where it is not known, so it says."""
    x, y = end
    if ground.mpp is None:
        draw.text((x, y), "scale not known", _INK, text_font(size), anchor="rb")
        return
    length, name = scale_length(ground.mpp * ground.downsample, _LONGEST_BAR * width)
    thick = max(2, line // 6)
    draw.rectangle((x - round(length), y - thick, x, y), fill=_INK)
    draw.text((x - length / 2, y + size // 3), name, _INK, text_font(size), anchor="ma")


def _broken(pen: ImageDraw.ImageDraw, text: str, size: int, width: int) -> list[str]:
    """A text in lines that are no wider, broken between words."""
    font, lines = text_font(size), [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and pen.textlength(longer, font) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _over_glass(ground: Ground, colours: np.ndarray, shares: np.ndarray) -> Picture:
    glass = faded(np.full((1, len(shares), 3), _BLACK if is_fluorescence(ground.picture) else _GLASS, np.uint8))
    return tinted(glass, colours[None], shares[None])


def _evenly(texts: list[str]) -> tuple[tuple[str, float], ...]:
    return tuple((text, place / (len(texts) - 1)) for place, text in enumerate(texts))
