"""Plain images as slides of one level: PNG, JPEG, BMP and TIFF that fit into memory."""

from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from saccade.core.errors import BadInput
from saccade.imaging.image_files import MAX_PIXELS, TIFF_SUFFIXES, load_image
from saccade.imaging.slides.errors import CONVERT, UnreadableSlide, UnsupportedSlide
from saccade.imaging.slides.mpp import judged
from saccade.imaging.slides.reader import (
    Picture,
    SlideFacts,
    SlideLevel,
    checked_name,
    checked_region,
    pasted,
)
from saccade.imaging.tiled_files import stated_sizes


class PictureReader:
    """A plain image, decoded once and kept.

    Args:
        path: The file.
        kind: What it is: ``png``, ``jpeg``, ``bmp`` or ``tiff``.

    Raises:
        UnsupportedSlide: It is too large, or not of 8 bits and grey or RGB.
        UnreadableSlide: It is damaged.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path
        if kind != "tiff":
            _check_size(path)
        try:
            pixels = load_image(path)
        except BadInput as error:
            raise UnreadableSlide(error.message, error.remedy, str(path)) from error
        height, width, channels = pixels.shape
        if pixels.dtype != np.uint8 or channels not in (1, 3):
            message = f"holds {channels} channels of {pixels.dtype}, and slides are of 8 bits, grey or RGB"
            raise UnsupportedSlide(message, CONVERT, str(path))
        stated, doubt = judged(_claims(path))
        self.held = pixels.nbytes
        self._pixels: np.ndarray | None = pixels
        self.facts = SlideFacts("image", kind, (SlideLevel(height, width, 1.0),), stated, doubt)

    def read_region(self, x: int, y: int, level: int, width: int, height: int) -> Picture:
        """The pixels from a place on."""
        pixels = self._pixels
        if pixels is None:
            raise ValueError(f"{self.path}: the slide is closed")
        found = checked_region(self.facts, self.path, level, width, height)
        return pasted(
            found,
            (x, y, width, height),
            self.facts.background,
            lambda rows, columns: pixels[slice(*rows), slice(*columns)].copy(),
        )

    def unpack(self, level: int, threads: int) -> None:
        """Nothing: what is asked for is unpacked then, in little time."""

    def associated_image(self, name: str) -> Picture:
        """There is none: plain images hold one picture."""
        raise AssertionError(checked_name(self.facts, self.path, name))

    def close(self) -> None:
        """Let the pixels go."""
        self._pixels = None


def _check_size(path: Path) -> None:
    """Refuse what is too large to be decoded, by its header alone; what is damaged is told where it is loaded."""
    size = "too many"
    try:
        with Image.open(path, formats=("PNG", "JPEG", "BMP")) as image:
            if image.width * image.height <= MAX_PIXELS:
                return
            size = f"{image.width} x {image.height}"
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):  # Pillow's own limit is higher
        pass
    except Exception:  # as in load_image, which is next
        return
    raise UnsupportedSlide(f"has {size} pixels, and must be decoded whole", CONVERT, str(path))


def _claims(path: Path) -> list[tuple[str, float, float]]:
    """What the resolution tags of a TIFF state; other formats have dots per inch, which nobody sets for microscopes."""
    if path.suffix.lower() not in TIFF_SUFFIXES:
        return []
    with tifffile.TiffFile(path) as tiff:
        sizes = stated_sizes(tiff.ome_metadata if tiff.is_ome else None, tiff.pages[0])
    return [(source, *both) for source, both in sizes.items()]
