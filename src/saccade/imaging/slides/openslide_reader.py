"""Slides of all vendors through OpenSlide: SVS, NDPI, MRXS, SCN, BIF, DICOM series, tiled TIFF and more.

An OpenSlide handle that met one error fails for ever after, so a new one takes its place. Handles share one cache of
unpacked tiles per process; OpenSlide's own default is a cache for each.

A small level is unpacked whole when any of it is asked for, once: tissue is looked for on it, patches are then cut from
it, and OpenSlide takes longer to compose a region from tiles that it has at hand than a copy of it does.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ctypes import POINTER, c_uint32
from pathlib import Path
from threading import Lock
from typing import Any

import cv2
import numpy as np
from jaxtyping import UInt8
from openslide import OpenSlideError, OpenSlideUnsupportedFormatError, lowlevel

from saccade.imaging.slides.errors import CONVERT, COPY_AGAIN, UnreadableSlide, UnsupportedSlide
from saccade.imaging.slides.mpp import claims_of_properties, judged, objective_of
from saccade.imaging.slides.processes import PerProcess
from saccade.imaging.slides.reader import (
    SIMULATED,
    WHITE,
    Box,
    Picture,
    SlideFacts,
    SlideLevel,
    checked_name,
    checked_region,
    pasted,
)

_OPAQUE = 0xFF000000  # of a pixel as one word: the least with full opacity, which is the highest byte where words are
# little-endian, as OpenSlide gives them on all processors there are wheels for
_BAND = 2**16  # pixels blended at a time: what that takes beside the picture stays small

CACHE_BYTES = 2**26
"""Unpacked tiles kept per process, over all slides."""

WHOLE_PIXELS = 2**23
"""Most pixels of a level that is unpacked whole: 25 MB of them."""

_CACHE = PerProcess(lambda: lowlevel.cache_create(CACHE_BYTES))
_fill: Any = lowlevel._read_region  # the public function makes a picture that is not premultiplied, and that is slow


class OpenSlideReader:
    """A slide opened by OpenSlide.

    Args:
        path: The file; of a DICOM series any of its files, of MRXS the one beside its folder.

    Raises:
        UnsupportedSlide: OpenSlide does not know the kind, or not its compression.
        UnreadableSlide: It is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.held = path, 0
        self._closed = False
        self._lock, self._wholes_lock = Lock(), Lock()
        self._wholes: dict[int, Picture | None] = {}  # none of a level that is damaged somewhere
        self._handle: Any = _opened(path)
        self.facts = _facts(self._handle, path)

    def read_region(self, x: int, y: int, level: int, width: int, height: int) -> Picture:
        """The pixels of a level from a place on; between two pixels of a large coarse level they are interpolated."""
        found = checked_region(self.facts, self.path, level, width, height)
        whole = self._whole(level) if found.height * found.width <= WHOLE_PIXELS else None
        if whole is None:
            return self._composed(x, y, level, width, height)
        box = (x, y, width, height)
        return pasted(found, box, self.facts.background, lambda rows, columns: _cut(whole, rows, columns))

    def unpack(self, level: int, threads: int) -> None:
        """Unpack the tiles of a level that will be wanted whole, by several threads; composing it is left to one."""
        found = self.facts.levels[level]
        sides = [self._tile_side(level, side) for side in ("width", "height")]
        if threads < 2 or found.height * found.width > WHOLE_PIXELS or level in self._wholes or not all(sides):
            return
        across, down = (
            [min(round((place + 0.5 * side) * found.downsample), end - 1) for place in range(0, length, side)]
            for side, length, end in zip(
                sides,
                (found.width, found.height),
                (self.facts.levels[0].width, self.facts.levels[0].height),
                strict=True,
            )
        )

        def touch(place: tuple[int, int]) -> None:
            with suppress(UnreadableSlide):  # composing it tells
                self._composed(*place, level, 1, 1)

        with ThreadPoolExecutor(threads, thread_name_prefix="saccade-unpack") as pool:
            list(pool.map(touch, ((x, y) for y in down for x in across)))

    def _tile_side(self, level: int, side: str) -> int:
        """Width or height of a level's tiles; 0 where OpenSlide does not tell."""
        return int(lowlevel.get_property_value(self._current(), f"openslide.level[{level}].tile-{side}") or 0)

    def _whole(self, number: int) -> Picture | None:
        """All of a level, unpacked when it is first asked for; none where some of it cannot be."""
        with self._wholes_lock:
            if self._closed:
                raise ValueError(f"{self.path}: the slide is closed")
            if number in self._wholes:
                return self._wholes[number]
            level = self.facts.levels[number]
            try:
                whole = self._composed(0, 0, number, level.width, level.height)
                self.held += 3 * level.width * level.height
            except UnreadableSlide:
                whole = None
            self._wholes[number] = whole
            return whole

    def _composed(self, x: int, y: int, level: int, width: int, height: int) -> Picture:
        """A region as OpenSlide composes it from tiles."""
        pixels = np.empty((height, width, 4), np.uint8)
        target = pixels.ctypes.data_as(POINTER(c_uint32))
        try:
            self._twice(lambda handle: _fill(handle, target, int(x), int(y), int(level), int(width), int(height)))
        except OpenSlideError as error:
            raise UnreadableSlide.at(self.path, level, (x, y, width, height), str(error)) from error
        return over(pixels, self.facts.background)

    def associated_image(self, name: str) -> Picture:
        """One of the pictures beside the slide."""
        checked_name(self.facts, self.path, name)
        try:
            picture = self._twice(lambda handle: lowlevel.read_associated_image(handle, name))
        except OpenSlideError as error:
            raise UnreadableSlide(
                f"its picture {name!r} cannot be read ({error})", COPY_AGAIN, str(self.path)
            ) from error
        values = np.asarray(picture.convert("RGBa"))[..., [2, 1, 0, 3]]
        return over(np.ascontiguousarray(values), WHITE)

    def close(self) -> None:
        """Let the handle go; a thread that is reading with it may finish.

        One that is unpacking a level is waited for: it would keep that level in a closed reader.
        """
        with self._wholes_lock, self._lock:
            self._closed = True
            self._handle, self._wholes, self.held = None, {}, 0

    def _twice(self, action: Any) -> Any:
        """Do something with the handle; where it fails, with a new one that no other thread can break meanwhile."""
        shared = self._current()
        try:
            return action(shared)
        except OpenSlideError:
            self._replace(shared, None)
        own = _opened(self.path)
        result = action(own)
        self._replace(None, own)
        return result

    def _current(self) -> Any:
        """The handle that threads share."""
        with self._lock:
            if self._closed:
                raise ValueError(f"{self.path}: the slide is closed")
            if self._handle is None:
                self._handle = _opened(self.path)
            return self._handle

    def _replace(self, old: Any, new: Any) -> None:
        """Share another handle, unless someone has replaced the old one meanwhile."""
        with self._lock:
            if self._handle is old and not self._closed:
                self._handle = new


def _cut(picture: Picture, rows: tuple[int, int], columns: tuple[int, int]) -> Picture:
    """A copy of some rows and columns: the picture may not be changed through it."""
    return picture[slice(*rows), slice(*columns)].copy()


def over(pixels: UInt8[np.ndarray, "_height _width 4"], background: tuple[int, int, int]) -> Picture:
    """Lay premultiplied blue, green, red and opacity over a colour.

    >>> half = np.array([[[0, 0, 100, 128]]], np.uint8)
    >>> over(half, (255, 255, 255)).tolist()
    [[[227, 127, 127]]]
    """
    colours = cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB)
    if int(pixels.view(np.uint32).min()) >= _OPAQUE:  # all of it, nearly always: one pass over whole words
        return colours
    flat, blended = pixels.reshape(-1, 4), colours.reshape(-1, 3)
    for start in range(0, len(flat), _BAND):
        band = slice(start, start + _BAND)
        if int(flat[band].view(np.uint32).min()) < _OPAQUE:
            bare = 255 - flat[band, 3:].astype(np.uint16)
            light = (bare * np.array(background, np.uint16) + 127) // 255
            blended[band] = np.minimum(blended[band] + light, 255)
    return colours


def _opened(path: Path) -> Any:
    """A handle, sharing the tiles of this process."""
    try:
        handle = lowlevel.open(path)
    except OpenSlideUnsupportedFormatError:
        raise UnsupportedSlide("is of no kind that OpenSlide knows", CONVERT, str(path)) from None
    except OpenSlideError as error:
        reason = " ".join(str(error).split())
        if "unsupported" in reason.lower() or "not supported" in reason.lower():
            raise UnsupportedSlide(f"cannot be read by OpenSlide ({reason})", CONVERT, str(path)) from error
        raise UnreadableSlide(f"is damaged ({reason})", COPY_AGAIN, str(path)) from error
    lowlevel.set_cache(handle, _CACHE.get())
    return handle


def _facts(handle: Any, path: Path) -> SlideFacts:
    """What the slide says of itself."""
    levels = []
    for number in range(lowlevel.get_level_count(handle)):
        width, height = lowlevel.get_level_dimensions(handle, number)
        levels.append(SlideLevel(height, width, lowlevel.get_level_downsample(handle, number)))
    names = lowlevel.get_property_names(handle)
    properties = {name: lowlevel.get_property_value(handle, name) or "" for name in names}
    stated, doubt = judged(claims_of_properties(properties, levels[0].width, levels[0].height))
    if stated is None:
        doubt = "; ".join(filter(None, (doubt, objective_of(properties))))
    return SlideFacts(
        backend="openslide",
        vendor=properties.get("openslide.vendor", "unknown"),
        levels=tuple(levels),
        stated_mpp=stated,
        mpp_doubt=doubt,
        bounds=_bounds(properties),
        associated=tuple(lowlevel.get_associated_image_names(handle)),
        background=_colour(properties.get("openslide.background-color", "")),
        simulated=properties.get("tiff.ImageDescription", "").startswith(SIMULATED),
    )


def _bounds(properties: dict[str, str]) -> Box | None:
    found = [properties.get(f"openslide.bounds-{side}", "") for side in ("x", "y", "width", "height")]
    if not all(text.isdecimal() for text in found):
        return None
    x, y, width, height = map(int, found)
    return (x, y, width, height)


def _colour(text: str) -> tuple[int, int, int]:
    """A colour written as six hexadecimal digits; white where there is none."""
    try:
        red, green, blue = bytes.fromhex(text)
    except ValueError:
        return WHITE
    return (red, green, blue)
