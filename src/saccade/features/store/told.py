"""What a file of features says in its attributes, read by type: nonsense is told by name, in one line."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from saccade.core.errors import BadInput

_LARGEST = 2**52  # beyond, float64 no longer holds every whole number
_REMEDY = "correct the attribute, or embed this slide again"


@dataclass(frozen=True)
class Told:
    """The attributes of a file or dataset.

    Absent ones are None, or the empty text; what is there has to make sense, except for ``known`` and ``text``, which
    are for what only informs.

    >>> told = Told({"patch_size": 224.0, "overlap": "none"}, Path("a.h5"))
    >>> told.pixels("patch_size"), told.pixels("patch_size_level0"), told.known("overlap")
    (224, None, None)
    >>> told.pixels("overlap", least=0)
    Traceback (most recent call last):
    saccade.core.errors.BadInput: a.h5: its attribute overlap is 'none', which is no length in pixels. Correct ...

    Attributes:
        values: Plain values by name.
        path: The file.
    """

    values: Mapping[str, Any]
    path: Path

    @classmethod
    def of(cls, place: Any, path: Path) -> "Told":
        """The attributes of a file or dataset as plain values."""
        return cls({name: _plain(value) for name, value in place.attrs.items()}, path)

    def pixels(self, name: str, least: int = 1) -> int | None:
        """A length in whole pixels; None where it is absent.

        Raises:
            BadInput: It is something else.
        """
        if name not in self.values:
            return None
        value = _number(self.values[name])
        if value is None or not least <= round(value) < _LARGEST:
            raise self._nonsense(name, "no length in pixels")
        return round(value)

    def number(self, name: str) -> float | None:
        """A number above zero; None where it is absent.

        Raises:
            BadInput: It is something else.
        """
        if name not in self.values:
            return None
        value = _number(self.values[name])
        if value is None or not 0 < value < _LARGEST:
            raise self._nonsense(name, "no number above zero")
        return value

    def pair(self, name: str) -> tuple[float, float] | None:
        """Two numbers above zero, for x and y, or one for both; None where they are absent.

        Raises:
            BadInput: They are something else.
        """
        if name not in self.values:
            return None
        told = self.values[name]
        values = told if isinstance(told, list) else [told]
        first, *others = [_number(value) or 0.0 for value in values] or [0.0]
        if len(others) > 1 or not all(0 < value < _LARGEST for value in (first, *others)):
            raise self._nonsense(name, "no pair of numbers above zero")
        return first, (others or [first])[0]

    def known(self, name: str) -> int | None:
        """A length in whole pixels; None where it is anything else."""
        try:
            return self.pixels(name)
        except BadInput:
            return None

    def text(self, name: str) -> str:
        """A text; empty where it is anything else."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def _nonsense(self, name: str, what: str) -> BadInput:
        value = self.values[name]
        shown = "empty" if value is None else repr(value)[:40]
        return BadInput(f"its attribute {name} is {shown}, which is {what}", _REMEDY, str(self.path))


def _number(value: Any) -> float | None:
    """A finite number; None for anything else."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if plain and math.isfinite(value) else None


def _plain(value: Any) -> Any:
    """An attribute as h5py gives it, without NumPy's and HDF5's own types; None for HDF5's empty one."""
    if isinstance(value, h5py.Empty):
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, np.ndarray):
        return [_plain(each) for each in value.tolist()]
    return value.item() if isinstance(value, np.generic) else value
