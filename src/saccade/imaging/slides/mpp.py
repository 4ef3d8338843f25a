"""Micrometres per pixel as slide files state them, each in its own place, judged before they are believed."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from saccade.core.units import PLAUSIBLE_MPP

_ALIKE = 0.05
"""Pixels may be longer than wide by this share: calibrations differ by a little, mistaken units by a lot."""

Claim = tuple[str, float, float]
"""Where it is stated, and micrometres per pixel across and down."""


@dataclass(frozen=True)
class StatedMpp:
    """Micrometres per base pixel, and who says so: a property of the file, ``manifest`` or ``--source-mpp``."""

    value: float
    source: str


def judged(claims: Iterable[Claim]) -> tuple[StatedMpp | None, str]:
    """The first claim a light microscope can have made, else why none is believed.

    >>> judged([("TIFF resolution", 352.8, 352.8), ("aperio.MPP", 0.25, 0.25)])
    (StatedMpp(value=0.25, source='aperio.MPP'), '')
    >>> judged([("openslide.mpp-x", 0.25, 0.5)])[1]
    'openslide.mpp-x is 0.25 across but 0.5 down'
    """
    low, high = PLAUSIBLE_MPP
    doubts: dict[tuple[float, float], str] = {}  # the same numbers in another place say nothing more
    for source, across, down in claims:
        if not all(math.isfinite(side) and low <= side <= high for side in (across, down)):
            size = f"{across:.4g}" if across == down else f"{across:.4g} x {down:.4g}"
            doubts.setdefault((across, down), f"{source} is {size}, and microscopes have {low:g} to {high:g}")
        elif abs(across - down) > _ALIKE * min(across, down):
            return None, f"{source} is {across:.4g} across but {down:.4g} down"  # known, and no square to train on
        else:
            return StatedMpp((across + down) / 2, source), ""
    return None, "; ".join(doubts.values())


def claims_of_properties(properties: Mapping[str, str], width: int, height: int) -> Iterator[Claim]:
    """What the properties of OpenSlide state, most trusted first; the size is in base pixels.

    >>> list(claims_of_properties({"aperio.MPP": "0.2498"}, 100, 80))
    [('aperio.MPP', 0.2498, 0.2498)]
    """
    layer = "mirax.LAYER_0_LEVEL_0_SECTION.MICROMETER_PER_PIXEL_"
    for across, down in (
        ("openslide.mpp-x", "openslide.mpp-y"),
        ("aperio.MPP", "aperio.MPP"),
        (layer + "X", layer + "Y"),
    ):
        yield from _claim(across, _number(properties, across), _number(properties, down))
    physical = [_number(properties, f"hamamatsu.Physical{side}") for side in ("Width", "Height")]  # nm
    sizes = [value / 1000 / pixels if value else None for value, pixels in zip(physical, (width, height), strict=True)]
    yield from _claim("hamamatsu.PhysicalWidth", *sizes)
    unit = {"inch": 25_400.0, "centimeter": 10_000.0}.get(properties.get("tiff.ResolutionUnit", ""))
    dots = [_number(properties, f"tiff.{axis}Resolution") for axis in "XY"]
    yield from _claim("TIFF resolution", *[unit / value if unit and value else None for value in dots])


def objective_of(properties: Mapping[str, str]) -> str:
    """The magnification written in a file: a label and no measure, but a hint where nothing else is there."""
    power = _number(properties, "openslide.objective-power") or _number(properties, "aperio.AppMag")
    return f"its objective is {power:g}x, usually {10 / power:.2g}" if power else ""


def _claim(source: str, across: float | None, down: float | None) -> Iterator[Claim]:
    if across is not None or down is not None:
        either = across if across is not None else down
        yield source, across or either or 0.0, down or either or 0.0


def _number(properties: Mapping[str, str], name: str) -> float | None:
    """A property as a number; decimal commas are understood, and zero means that nobody knew."""
    text = properties.get(name, "").strip().replace(",", ".")
    return float(text) or None if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text) else None
