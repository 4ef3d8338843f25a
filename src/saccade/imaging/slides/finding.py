"""Slides of a folder, a manifest or a single file, before any is opened.

What counts is the name: a damaged slide is found as well, so that someone says what is wrong with it. Hidden files and
folders are passed over, and so is what belongs to something else: the folder beside an MRXS file, the pictures that a
VMS file lists, further files of a DICOM series, the folder of a job. A link that leads nowhere counts by its name.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from saccade.core.errors import BadInput, Problem, raise_first
from saccade.core.manifest import Row, inspect_slide_table
from saccade.imaging.slides.dicom import is_dicom, series_among
from saccade.imaging.slides.slide import Slide, open_slide

SLIDE_SUFFIXES = frozenset({".svs", ".ndpi", ".vms", ".vmu", ".scn", ".mrxs", ".svslide", ".bif", ".czi"})
"""Formats of slide scanners; DICOM files are known by what is in them."""

PICTURE_SUFFIXES = frozenset({".tif", ".tiff", ".png", ".jpg", ".jpeg", ".bmp"})
"""Formats of slides, and of images of any other scale."""

TABLE_SUFFIXES = (".csv", ".tsv", ".txt")
MANIFEST_NAME = "manifest.csv"
JOB_NAME = "job.yaml"
_IGNORED_FOLDERS = {"__MACOSX", "__pycache__"}
_FEATURES = "*x_*px_*px_overlap/features_*"  # in TRIDENT's jobs as in ours


@dataclass(frozen=True)
class FoundSlide:
    """A slide, and what a manifest knows of it; label, case and part are empty where nobody said.

    Attributes:
        path: The file, or the folder of a DICOM series.
        name: The same on every machine: the path relative to the folder or manifest, with forward slashes.
        mpp: Micrometres per base pixel in the manifest.
        tissue_path: Where there is tissue, as an image or GeoJSON.
        annotation_path: What was outlined by hand.
        label: Its class.
        case_id: Who it comes from.
        split: ``train``, ``val`` or ``test``.
        site: Where it was scanned.
        time: Until the event, or until nothing more is known.
        event: Whether it came.
        line: The row of the manifest; 0 where there is none.
        parts: Further files of a DICOM series that was found in a folder.
    """

    path: Path
    name: str
    mpp: float | None = field(default=None, kw_only=True)
    tissue_path: Path | None = field(default=None, kw_only=True)
    annotation_path: Path | None = field(default=None, kw_only=True)
    label: str = field(default="", kw_only=True)
    case_id: str = field(default="", kw_only=True)
    split: str = field(default="", kw_only=True)
    site: str = field(default="", kw_only=True)
    time: float | None = field(default=None, kw_only=True)
    event: bool | None = field(default=None, kw_only=True)
    line: int = field(default=0, kw_only=True)
    parts: tuple[Path, ...] = field(default=(), kw_only=True)

    @property
    def is_there(self) -> bool:
        """Whether there is a file or folder of that path."""
        return self.path.exists()

    def files(self) -> tuple[Path, ...]:
        """The files the slide is kept in: of a folder all, of MRXS those in the folder beside it, of DICOM its series.

        Cost: a look at the folder; of one file, nothing.
        """
        if self.path.is_dir():
            return tuple(sorted(file for file in self.path.rglob("*") if file.is_file()))
        if self.path.suffix.lower() == ".mrxs" and self.path.with_suffix("").is_dir():
            return (self.path, *sorted(file for file in self.path.with_suffix("").iterdir() if file.is_file()))
        return (self.path, *self.parts)

    @property
    def place(self) -> str:
        """How errors name it: the file and the manifest's row."""
        return f"{self.path}" + (f" (row {self.line})" if self.line else "")

    def open(self, source_mpp: float | None = None) -> Slide:
        """The slide, with the micrometres per pixel that count.

        The manifest's come first: who wrote them meant this slide. ``source_mpp`` is for files that say nothing.

        Raises:
            UnsupportedSlide: No reader knows what it is.
            UnreadableSlide: It is missing or damaged.
        """
        slide = open_slide(self.path)
        if self.mpp is not None:
            return slide.with_mpp(self.mpp, "manifest")
        if source_mpp is not None and slide.stated_mpp is None:
            return slide.with_mpp(source_mpp, "--source-mpp")
        return slide

    @classmethod
    def of(cls, row: Row) -> "FoundSlide":
        """The slide of a manifest's row."""
        return cls(
            row.path,
            row.name,
            mpp=row.mpp,
            tissue_path=row.tissue_path,
            annotation_path=row.annotation_path,
            label=row.label,
            case_id=row.case_id,
            split=row.split,
            site=row.site,
            time=row.time,
            event=row.event,
            line=row.line,
        )


def slides_of(path: Path | str) -> tuple[FoundSlide, ...]:
    """The slides of a folder and the folders below it, of a manifest (``.csv``), or the one file.

    A folder that holds a ``manifest.csv`` is described by it, as it is for images of other scales.

    >>> [slide.name for slide in slides_of("images")]
    ['first.png', 'fourth.tiff', 'second.bmp', 'third.jpg']

    Raises:
        BadInput: Nothing is there, the folder holds no slide, or a row of the manifest cannot be used.
    """
    slides, problems = inspect_slides(path)
    raise_first(problems)
    return slides


def inspect_slides(path: Path | str) -> tuple[tuple[FoundSlide, ...], tuple[Problem, ...]]:
    """The same with the rows of a manifest that cannot be used as problems, so that they cost no other row anything.

    Raises:
        BadInput: Nothing is there, or it holds no slide at all.
    """
    path = described_by(Path(path))
    if path.is_dir():
        found = find_slides(path)
        if not found:
            kinds = " ".join(sorted(SLIDE_SUFFIXES | PICTURE_SUFFIXES))
            raise BadInput("the folder holds no slide", f"give one with DICOM files or files of {kinds}", str(path))
        return found, ()
    if not path.exists() and not path.is_symlink():
        raise BadInput("there is no such file or folder", "check the path", str(path))
    if path.suffix.lower() not in TABLE_SUFFIXES:
        return (FoundSlide(path, path.name),), ()
    manifest, problems = inspect_slide_table(path)
    if not manifest.rows:
        raise_first(problems)
    rows: dict[Path, Row] = {}
    for row in manifest.rows:
        rows.setdefault(row.path, row)  # a second one is among the problems
    return tuple(map(FoundSlide.of, rows.values())), problems


def described_by(path: Path) -> Path:
    """The manifest in a folder, if it holds one; else what was given."""
    return path / MANIFEST_NAME if (path / MANIFEST_NAME).is_file() else path


def find_slides(folder: Path | str) -> tuple[FoundSlide, ...]:
    """The slides of a folder and the folders below it, in natural order: ``s2`` before ``s10``."""
    folder = Path(folder)
    dicom: list[Path] = []
    found: list[tuple[Path, ...]] = []
    for path in _files(folder):
        if path.suffix.lower() in SLIDE_SUFFIXES | PICTURE_SUFFIXES:
            found.append((path,))
        elif is_dicom(path):
            dicom.append(path)
    found += series_among(dicom)
    slides = [
        FoundSlide(path, path.relative_to(folder).as_posix(), parts=parts)
        for path, parts in ((each[0], each[1:]) for each in found)
    ]
    return tuple(sorted(slides, key=lambda slide: natural(slide.name)))


def is_job(folder: Path) -> bool:
    """Whether a folder is that of a job of ``saccade embed`` or TRIDENT, whose previews are pictures but no slides."""
    ours = (folder / JOB_NAME).is_file() and (folder / "state").is_dir()
    return ours or any(folder.glob(_FEATURES))


def natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """A key that sorts numbers in names by their value.

    >>> sorted(["s10", "s2", "S1"], key=natural)
    ['S1', 's2', 's10']
    """
    parts = re.split(r"(\d+)", name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], name


def _files(folder: Path, above: frozenset[str] = frozenset()) -> Iterator[Path]:
    """Every file below a folder that is not part of another, sorted; a link back to a folder above is not followed."""
    place = os.path.realpath(folder)
    if place in above:
        return
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    owned = _owned(entries)
    for entry in entries:
        if entry.name in owned:
            continue
        if entry.is_dir() and entry.name not in _IGNORED_FOLDERS and not is_job(entry):
            yield from _files(entry, above | {place})
        elif entry.is_file() or (entry.is_symlink() and not entry.exists()):
            yield entry


def _owned(entries: list[Path]) -> set[str]:
    """Names of what belongs to another file: folders beside an MRXS file, and whatever a VMS or VMU file lists."""
    owned = {entry.stem for entry in entries if entry.suffix.lower() == ".mrxs"}
    for entry in entries:
        if entry.suffix.lower() in (".vms", ".vmu"):
            lines = entry.read_text(encoding="utf-8", errors="replace").splitlines()
            owned |= {line.partition("=")[2].strip() for line in lines if "=" in line}
    return owned - {""}
