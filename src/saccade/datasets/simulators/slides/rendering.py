"""From a description to pixels: simulated haematoxylin and eosin on a section under a scanner.

Light through the section is I = glass · exp(−(h · H + e · E)), with h and e the amounts of the two dyes at a pixel and
H, E their absorbances (Beer–Lambert). Amounts come from a texture for each kind of tissue, looked up through a smooth
distortion, and from nuclei and glands pressed on. Everything is a function of place and seed, so any part of the slide
can be rendered by itself. The look was set by eye; no photograph went into it.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from saccade.core.errors import BadInput
from saccade.datasets.simulators.slides.description import PenStroke, SlideDescription
from saccade.datasets.simulators.slides.frames import CHUNK, Frame, Shapes, frame_at
from saccade.datasets.simulators.slides.randomness import smooth_noise
from saccade.datasets.simulators.slides.tissue import dye_amounts

Picture = UInt8[np.ndarray, "height width 3"]

_HAEMATOXYLIN, _EOSIN = (0.86, 1.08, 0.40), (0.08, 0.80, 0.34)
_KEPT = 6  # chunks in memory
_UNEVEN = 4.0  # grey values by which the glass differs over the slide


@dataclass(frozen=True, eq=False)
class Stain:
    """A laboratory's stain and a scanner's lamp: (dye, channel) absorbances and the colour of empty glass."""

    dyes: Float[np.ndarray, "2 3"]
    glass: Float[np.ndarray, "3"]


def draw_stain(seed: int) -> Stain:
    """The stain of a slide: strength and hue vary as between laboratories."""
    rng = np.random.default_rng([31, seed])
    dyes = np.array([_HAEMATOXYLIN, _EOSIN]) * rng.lognormal(0, 0.08, (2, 1)) * rng.lognormal(0, 0.05, (2, 3))
    glass = np.array([243.0, 242.0, 244.0]) + rng.normal(0, 1.2, 3)
    return Stain(dyes.astype(np.float32), glass.astype(np.float32))


class SlideRenderer:
    """A described slide as pixels; a `PixelSource`, safe to read from several threads.

    Cost: about 35 ms for a square of 512 pixels full of tissue, 1 ms for glass; memory a few such squares.

    >>> square = np.array([[20, 20], [180, 20], [180, 180], [20, 180]], float)
    >>> from saccade.datasets.simulators.slides.description import Region
    >>> slide = SlideRenderer(SlideDescription(200, 200, (Region("tumour", square),)), mpp=0.5)
    >>> slide.crop(100, 100, 64, 32).shape, (slide.height, slide.width)
    ((32, 64, 3), (400, 400))

    Args:
        description: What lies on the slide.
        mpp: Micrometres per base pixel.

    Raises:
        BadInput: The resolution is not between 0.1 and 4.
    """

    def __init__(self, description: SlideDescription, mpp: float) -> None:
        if not 0.1 <= mpp <= 4:
            raise BadInput(f"tissue cannot be simulated at {mpp} µm per pixel", "choose 0.1 to 4")
        self.description, self.mpp = description, mpp
        self.height, self.width = round(description.height / mpp), round(description.width / mpp)
        self.stain = draw_stain(description.seed)
        self._shapes = Shapes.of(description, mpp)
        self._grain = np.random.default_rng(32).normal(0, 0.9, (CHUNK, CHUNK, 1)).astype(np.float32)
        self._frame = lru_cache(_KEPT)(self._frame_of)
        self._chunk = lru_cache(_KEPT)(self._render)
        self._glass = lru_cache(32)(self._empty)

    def crop(self, x: int, y: int, width: int, height: int) -> Picture:
        """Base pixels of a box; the same whatever was read before."""
        pixels = np.empty((height, width, 3), np.uint8)
        for top in range(y // CHUNK * CHUNK, y + height, CHUNK):
            for left in range(x // CHUNK * CHUNK, x + width, CHUNK):
                chunk = self._chunk(left, top)
                x0, y0 = max(x, left), max(y, top)
                x1, y1 = min(x + width, left + CHUNK), min(y + height, top + CHUNK)
                pixels[y0 - y : y1 - y, x0 - x : x1 - x] = chunk[y0 - top : y1 - top, x0 - left : x1 - left]
        return pixels

    def plain(self, x: int, y: int, width: int, height: int) -> Hashable | None:
        """A name for a box of bare glass; None where tissue or pen is near."""
        levels = []
        for top in range(y // CHUNK * CHUNK, y + height, CHUNK):
            for left in range(x // CHUNK * CHUNK, x + width, CHUNK):
                if self._frame(left, top) is not None or self._pen_near(left, top):
                    return None
                levels.append(self._level(left, top))
        return x % CHUNK, y % CHUNK, *levels

    def _render(self, x: int, y: int) -> Picture:
        frame, level = self._frame(x, y), self._level(x, y)
        pen = self._pen_near(x, y)
        if frame is None and not pen:
            return self._glass(level)
        amounts = (
            np.zeros((CHUNK, CHUNK, 2), np.float32) if frame is None else dye_amounts(frame, self.description.seed)
        )
        absorbed = cv2.transform(amounts, np.ascontiguousarray(self.stain.dyes.T))
        if pen:
            absorbed += pen_absorbance(self.description.strokes, x, y, self.mpp)
        return self._photograph(absorbed, level)

    def _empty(self, level: int) -> Picture:
        return self._photograph(np.zeros((CHUNK, CHUNK, 3), np.float32), level)

    def _photograph(self, absorbed: Float[np.ndarray, "side side 3"], level: int) -> Picture:
        light = np.asarray(cv2.exp(-absorbed)) * (self.stain.glass - level)
        return np.clip(np.rint(light + self._grain), 0, 255).astype(np.uint8)

    def _frame_of(self, x: int, y: int) -> Frame | None:
        return frame_at(self._shapes, x, y, self.mpp)

    def _level(self, x: int, y: int) -> int:
        """By how many grey values the glass is darker here."""
        middle = [np.array([(start + CHUNK / 2) * self.mpp]) for start in (x, y)]
        return round(
            _UNEVEN / 2 * float(np.clip(smooth_noise(self.description.seed, 90, 2500.0, *middle)[0, 0], -1, 1))
        )

    def _pen_near(self, x: int, y: int) -> bool:
        corner, side = np.array([x, y]) * self.mpp, CHUNK * self.mpp
        return any(
            (stroke.line.min(0) - stroke.width < corner + side).all()
            and (stroke.line.max(0) + stroke.width > corner).all()
            for stroke in self.description.strokes
        )


def pen_absorbance(strokes: Sequence[PenStroke], x: int, y: int, mpp: float) -> Float[np.ndarray, "side side 3"]:
    """What the pen takes of the light in a chunk: full inside a stroke, fading at its edge."""
    coarse = 16
    margin = 4 + max((int(stroke.width / mpp / coarse) for stroke in strokes), default=0)
    count = CHUNK // coarse + 2 * margin
    total = np.zeros((CHUNK, CHUNK, 3), np.float32)
    for stroke in strokes:
        mask = np.zeros((count, count), np.uint8)
        points = (stroke.line / mpp - (x, y)) / coarse + margin - 0.5
        width = max(round(stroke.width / mpp / coarse), 1)
        cv2.polylines(mask, [np.rint(points * 16).astype(np.int32)], False, 255, width, cv2.LINE_8, 4)
        soft = cv2.GaussianBlur(mask, (0, 0), max(width / 25, 0.7)).astype(np.float32) / 255
        low, high = margin - 2, count - margin + 2
        large = cv2.resize(soft[low:high, low:high], None, fx=coarse, fy=coarse, interpolation=cv2.INTER_LINEAR)
        inside = large[2 * coarse : -2 * coarse, 2 * coarse : -2 * coarse, None]
        total += inside * np.array(stroke.absorbance, np.float32)
    return total
