"""Which DICOM files are one slide: those of one folder and one series. OpenSlide opens a series by any of its files."""

from collections.abc import Iterable
from pathlib import Path

import pydicom

_SUFFIXES = {".dcm", ".dicom", ""}


def is_dicom(path: Path) -> bool:
    """Whether the name allows it and the file says so, after 128 bytes of anything."""
    if path.suffix.lower() not in _SUFFIXES or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def series_of(path: Path) -> str:
    """The SeriesInstanceUID of a DICOM file; empty where its header is damaged or has none."""
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["SeriesInstanceUID"])
        return str(header.get("SeriesInstanceUID", ""))
    except Exception:  # of a damaged file pydicom raises whatever it stumbles over; opening it tells what is wrong
        return ""


def series_among(paths: Iterable[Path]) -> list[tuple[Path, ...]]:
    """The files of each series in each folder, in the order they came; a file without a series stands alone."""
    found: dict[tuple[Path, str], list[Path]] = {}
    for path in paths:
        found.setdefault((path.parent, series_of(path) or path.name), []).append(path)
    return [tuple(files) for files in found.values()]
