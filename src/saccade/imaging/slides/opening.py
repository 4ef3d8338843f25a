"""From a path to an open slide, by what the file is: its first bytes, what OpenSlide detects, what a TIFF holds."""

from pathlib import Path

import tifffile
from openslide import OpenSlide

from saccade.core.errors import BadInput
from saccade.imaging.image_files import MAX_PIXELS
from saccade.imaging.slides.dicom import is_dicom, series_among
from saccade.imaging.slides.errors import CONVERT, COPY_AGAIN, UnreadableSlide, UnsupportedSlide, reason_of
from saccade.imaging.slides.openslide_reader import OpenSlideReader
from saccade.imaging.slides.picture_reader import PictureReader
from saccade.imaging.slides.reader import SlideReader
from saccade.imaging.slides.tiff_reader import TiffReader
from saccade.imaging.tiled_files import TiledFile

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PICTURES = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"BM": "bmp"}
_TIFF_SUFFIXES = {".svs", ".ndpi", ".scn", ".bif", ".tif", ".tiff", ".svslide"}


def open_reader(path: Path) -> SlideReader:
    """The reader for a file, or for a folder that holds one DICOM series.

    Raises:
        UnsupportedSlide: No reader knows what it is.
        UnreadableSlide: It is missing or damaged.
    """
    file = _one_series(path) if path.is_dir() else path
    return _reader(file, _beginning(file))


def _reader(path: Path, head: bytes) -> SlideReader:
    """The reader for a file that begins like this."""
    vendor = OpenSlide.detect_format(path)
    if vendor is not None and vendor != "generic-tiff":
        return OpenSlideReader(path)
    if head.startswith(_TIFF):
        return _tiff_reader(path, vendor is not None)
    for mark, kind in _PICTURES.items():
        if head.startswith(mark):
            return PictureReader(path, kind)
    if path.suffix.lower() in _TIFF_SUFFIXES:
        raise UnreadableSlide("is damaged: it does not begin as a TIFF does", COPY_AGAIN, str(path))
    if head[128:132] == b"DICM":
        raise UnsupportedSlide("is DICOM, but not of a slide that OpenSlide knows", CONVERT, str(path))
    raise UnsupportedSlide("is of no kind that can be read", CONVERT, str(path))


def _tiff_reader(path: Path, known: bool) -> SlideReader:
    """The reader for a TIFF that no vendor claims; ``known`` says whether OpenSlide takes it all the same.

    Tiles that tifffile's decoders unpack are read so: twice as fast as through OpenSlide, which composes regions from
    tiles pixel by pixel, sees no pyramid in SubIFDs, and spreads 16 bits over 8 without a word. It knows compressions
    and levels that the other does not.
    """
    try:
        with tifffile.TiffFile(path) as tiff:
            page, series = tiff.pages.first, tiff.series[0]
            ome, tiled, levels = bool(tiff.is_ome), page.is_tiled, len(series.levels)
            bits, hidden, pixels = page.bitspersample, bool(page.subifds), page.imagewidth * page.imagelength
    except Exception as error:  # tifffile fails in every way there is, as in image_files
        raise UnreadableSlide(f"is damaged ({reason_of(error)})", COPY_AGAIN, str(path)) from error
    if bits != 8:
        raise UnsupportedSlide(f"holds {bits} bits per channel, and slides are of 8", CONVERT, str(path))
    if known and not ome and not hidden and not _fit_tifffile(path, levels):
        return OpenSlideReader(path)
    if ome or tiled or levels > 1 or pixels > MAX_PIXELS:
        return TiffReader(path)
    return PictureReader(path, "tiff")


def _fit_tifffile(path: Path, levels: int) -> bool:
    """Whether ``TiledFile`` knows the kind of a TIFF and all of its levels."""
    try:
        return len(TiledFile(path).levels) == levels
    except BadInput:
        return False


def _beginning(path: Path) -> bytes:
    """The first bytes of a file, as many as tell what it is."""
    try:
        with path.open("rb") as file:
            head = file.read(132)
    except FileNotFoundError:
        raise UnreadableSlide("there is no such file", "check the path", str(path)) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise UnreadableSlide(f"cannot be opened ({reason})", "check its permissions", str(path)) from error
    if not head:
        raise UnreadableSlide("the file is empty", COPY_AGAIN, str(path))
    return head


def _one_series(folder: Path) -> Path:
    """The first file of the one DICOM series in a folder."""
    found = series_among(file for file in sorted(folder.iterdir()) if is_dicom(file))
    if len(found) != 1:
        message = f"is a folder of {len(found)} DICOM series, and a slide is one"
        raise UnsupportedSlide(message, "give a file, or a folder that holds the files of one series", str(folder))
    return found[0][0]
