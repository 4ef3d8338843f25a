"""Numbers as the report writes them."""

from math import isnan

from saccade.evaluation.intervals import Interval

_UNKNOWN = "–"
_SCALES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def percent(value: int | float | None, digits: int = 1) -> str:
    """A share in per cent.

    >>> percent(0.9634), percent(None)
    ('96.3 %', '–')
    """
    return _UNKNOWN if value is None or isnan(value) else f"{100 * value:.{digits}f} %"


def percent_interval(interval: Interval | None) -> str:
    """A share in per cent with its interval, where it has one.

    >>> percent_interval(Interval(0.5, 0.4, 0.625))
    '50.0 % (40.0–62.5)'
    """
    if interval is None or interval.value is None:
        return _UNKNOWN
    return f"{percent(interval.value)}{_bounds(interval, 100, 1)}"


def number_interval(interval: Interval | None) -> str:
    """A number to three decimals with its interval, where it has one.

    >>> number_interval(Interval(0.5, 0.4, 0.625))
    '0.500 (0.400–0.625)'
    """
    if interval is None or interval.value is None:
        return _UNKNOWN
    return f"{interval.value:.3f}{_bounds(interval, 1, 3)}"


def amount(value: int | float | None, unit: str = "") -> str:
    """A large number with three digits and k, M, G or T.

    >>> amount(57_803), amount(2_410_000, "FLOP"), amount(12)
    ('57.8 k', '2.41 MFLOP', '12')
    """
    if value is None or isnan(value):
        return _UNKNOWN
    for scale, letter in _SCALES:
        if abs(value) >= 0.9995 * scale:
            scaled = value / scale
            digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
            return f"{scaled:.{digits}f} {letter}{unit}"
    return f"{value:.0f} {unit}".rstrip()


def _bounds(interval: Interval, factor: int, digits: int) -> str:
    if interval.low is None or interval.high is None:
        return ""
    dash = "–" if interval.low >= 0 else " to "  # a dash before a minus sign cannot be read
    return f" ({factor * interval.low:.{digits}f}{dash}{factor * interval.high:.{digits}f})"
