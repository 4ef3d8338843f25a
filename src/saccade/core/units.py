"""Micrometres per pixel (mpp): the true resolution. A magnification is only a label for it (20x = 0.5)."""

import math

from saccade.core.errors import BadInput

PLAUSIBLE_MPP = (0.05, 5.0)
"""Light microscopy lies between these; outside, the number is nearly always in another unit."""

_ALIKE = 1.25  # scanners of one magnification differ by less (our choice)

_MAGNIFICATIONS = (1.25, 2.5, 5, 10, 20, 40, 60, 80)


def plausible_mpp(value: float, source: str = "") -> float:
    """Return the value, or raise ``BadInput`` where no light microscope has such a pixel.

    >>> plausible_mpp(0.25)
    0.25
    """
    low, high = PLAUSIBLE_MPP
    if not (math.isfinite(value) and low <= value <= high):
        remedy = f"give micrometres per pixel between {low:g} and {high:g}, or leave it out"
        raise BadInput(f"{value:g} micrometres per pixel is not plausible", remedy, source)
    return value


def alike_mpp(one: float, other: float) -> bool:
    """Whether two resolutions show a model the same things: they differ by less than a quarter of the finer.

    >>> alike_mpp(0.25, 0.23), alike_mpp(0.25, 0.5)
    (True, False)
    """
    return max(one, other) < _ALIKE * min(one, other)


def parse_mpp(text: str, source: str = "") -> float | None:
    """Micrometres per pixel from a table's cell; an empty cell is None, a decimal comma is understood."""
    text = text.strip()
    if not text or text.lower() in {"nan", "none"}:
        return None
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        remedy = "write micrometres per pixel, such as 0.25, or leave it out"
        raise BadInput(f"mpp {text!r} is not a number", remedy, source) from None
    return plausible_mpp(value, source)


def magnification(mpp: float) -> int | float:
    """The label other tools put on a resolution: 10 / mpp, as the nearest objective within an eighth, if any.

    >>> magnification(0.5), magnification(0.2426), magnification(0.7)
    (20, 40, 14.29)
    """
    value = 10 / mpp
    nearest = min(_MAGNIFICATIONS, key=lambda each: abs(each - value))
    return nearest if abs(nearest - value) <= nearest / 8 else round(value, 2)


def factor_for(wanted_mpp: float, file_mpp: float | None, source: str = "") -> int:
    """The factor of an overview whose cells have the wanted side in micrometres: the nearest whole number.

    >>> factor_for(1.25, 0.25)
    5

    Raises:
        BadInput: The file's resolution is unknown, or coarser than what is wanted.
    """
    if file_mpp is None:
        raise BadInput("carries no micrometres per pixel", "give those of the file yourself", source)
    if not (math.isfinite(wanted_mpp) and wanted_mpp > 0):
        raise BadInput(f"{wanted_mpp:g} micrometres per cell is no size", "give a number above zero", source)
    factor = math.floor(wanted_mpp / file_mpp + 0.5)
    if factor < 1:
        message = f"has {file_mpp:g} micrometres per pixel, coarser than the {wanted_mpp:g} wanted"
        raise BadInput(message, "ask for coarser cells, or scan it finer", source)
    return factor
