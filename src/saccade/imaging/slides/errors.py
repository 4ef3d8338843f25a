"""Why a slide cannot be used, told apart: nobody knows the kind, the file is damaged, the resolution is missing.

All are ``BadInput``: one line, with the file and the remedy. ``status`` is the word for it in tables and states.
"""

from typing import ClassVar

from saccade.core.errors import BadInput

COPY_AGAIN = "copy it again from its source, or remove it"
CONVERT = "convert it to a tiled TIFF of 8 bits, RGB or grey, such as by `vips tiffsave --tile --pyramid`"


def reason_of(error: Exception) -> str:
    """What a reader of TIFF stumbled over, in words where it gives a bare number; on one line, not too long.

    >>> reason_of(IndexError(0)), reason_of(ValueError("no  such tile"))
    ('its directory of images is missing: the file was cut short', 'no such tile')
    """
    if len(error.args) == 1 and isinstance(error.args[0], int):
        if isinstance(error, IndexError):  # tifffile looks for an image where the directory should be
            return "its directory of images is missing: the file was cut short"
        if isinstance(error, KeyError):
            return f"its directory of images lacks entry {error}: the file was cut short or overwritten"
    return " ".join(str(error).split())[:120] or type(error).__name__


class SlideError(BadInput):
    """A slide cannot be used as it is."""

    status: ClassVar[str] = "failed"


class UnsupportedSlide(SlideError):
    """The file may be sound, but none of the readers knows its kind."""

    status: ClassVar[str] = "unsupported"


class UnreadableSlide(SlideError):
    """The kind is known, but the file is missing, damaged, or fails where it is read.

    >>> print(UnreadableSlide.at("a.svs", 0, (512, 0, 224, 224), "bogus marker"))
    a.svs: cannot be read at x 512, y 0, level 0, 224 x 224 pixels (bogus marker). Copy it again from its source, \
or remove it
    """

    status: ClassVar[str] = "unreadable"

    @classmethod
    def at(cls, path: object, level: int, box: tuple[int, int, int, int], reason: str) -> "UnreadableSlide":
        """The error for a region: its level, and x, y (base pixels), width and height (pixels of the level)."""
        x, y, width, height = box
        message = f"cannot be read at x {x}, y {y}, level {level}, {width} x {height} pixels ({reason})"
        return cls(message, COPY_AGAIN, str(path))


class MissingMpp(SlideError):
    """Nobody said how large a pixel is."""

    status: ClassVar[str] = "no mpp"

    @classmethod
    def of(cls, path: object, reason: str = "") -> "MissingMpp":
        """The error for a file, with what it does say, if anything."""
        message = "does not say its micrometres per pixel" + (f": {reason}" if reason else "")
        return cls(message, "give them in the manifest's mpp column or by --source-mpp", str(path))
