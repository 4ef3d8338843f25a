"""Every problem of a set of slides before hours are spent on them, one line each.

An ``error`` is what would stop or spoil the work: files that are missing, damaged or of an unknown kind, no micrometres
per pixel, one slide under two labels or in two parts, a case in two parts. A ``note`` is what can be coped with.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from saccade.core.errors import BadInput, Problem
from saccade.core.manifest import Row, inspect_slide_table, ordered_classes
from saccade.core.splits import cut_cases
from saccade.datasets.checks import Report
from saccade.imaging.slides.dicom import is_dicom, series_of
from saccade.imaging.slides.errors import MissingMpp, SlideError
from saccade.imaging.slides.finding import (
    SLIDE_SUFFIXES,
    TABLE_SUFFIXES,
    FoundSlide,
    described_by,
    find_slides,
    inspect_slides,
    slides_of,
)
from saccade.imaging.slides.handles import HANDLES
from saccade.imaging.slides.probing import probe
from saccade.imaging.slides.slide import Slide, open_slide

_ENDS = 2**20  # bytes at either end of a file that tell whether two files of one length are copies
_APART = 0.05  # two statements of the resolution that differ by more are not the same
_LARGE = 2**26  # pixels above which a missing pyramid is felt


def holds_slides(path: Path | str) -> bool:
    """Whether a folder, manifest or file is of slides, as far as names tell: one is of a scanner's format, or DICOM.

    >>> holds_slides("cells")
    False
    """
    path = described_by(Path(path))
    try:
        paths = [row.path for row in inspect_slide_table(path)[0].rows] if _is_table(path) else _files(path)
    except BadInput:  # whoever checks it says what is wrong with it
        return False
    return any(file.is_dir() or file.suffix.lower() in SLIDE_SUFFIXES or is_dicom(file) for file in paths)


def check_slides(
    path: Path | str,
    progress: Callable[[int, int], None] = lambda done, total: None,
    source_mpp: float | None = None,
) -> Report:
    """Check a folder or a manifest of slides, or one file; of every slide a little is read.

    >>> report = check_slides("images", source_mpp=0.25)
    >>> report.lines()[-1]
    '4 slides'

    Args:
        path: The slides.
        progress: Told how many of how many slides are done.
        source_mpp: Micrometres per base pixel of files that do not say.

    Returns:
        The report; what cannot be opened at all is its only error.
    """
    path = described_by(Path(path))
    try:
        slides, rows, problems = _listed(path)
    except BadInput as error:
        return Report(path, 0, {}, (Problem.of(error),), "slides")
    for done, slide in enumerate(slides, 1):
        problems += [*_problems_of(slide, source_mpp), *_missing_beside(slide)]
        progress(done, len(slides))
    problems += [*_copies(slides), *cut_cases(rows), *_unknown(slides, str(path))]
    labels = Counter(slide.label for slide in slides if slide.label)
    counts = {name: labels[name] for name in ordered_classes(labels)}
    return Report(path, len(slides), counts, tuple(problems), "slides")


def _is_table(path: Path) -> bool:
    return path.suffix.lower() in TABLE_SUFFIXES


def _files(path: Path) -> list[Path]:
    return [slide.path for slide in find_slides(path)] if path.is_dir() else [path]


def _listed(path: Path) -> tuple[tuple[FoundSlide, ...], tuple[Row, ...], list[Problem]]:
    """The slides, the rows that named them and what is wrong with other rows."""
    if not _is_table(path) or not path.is_file():
        return slides_of(path), (), []
    slides, problems = inspect_slides(path)
    return slides, inspect_slide_table(path)[0].rows, list(problems)


def _problems_of(found: FoundSlide, source_mpp: float | None) -> list[Problem]:
    """What is wrong with one slide."""
    try:
        slide = found.open(source_mpp)
        probe(slide)
        notes = _notes(found, slide)
    except SlideError as error:
        return [Problem(f"{error.status}: {error.message}", error.remedy, found.place)]
    finally:
        HANDLES.get().drop(found.path)  # it is not needed again
    if slide.stated_mpp is None:
        missing = MissingMpp.of(found.path, slide.facts.mpp_doubt)
        return [Problem(f"{missing.status}: {missing.message}", missing.remedy, found.place), *notes]
    return notes


def _missing_beside(found: FoundSlide) -> list[Problem]:
    """What a row names beside the slide and is not there."""
    named = (path for path in (found.tissue_path, found.annotation_path) if path is not None and not path.is_file())
    remedy = "correct the path, which is relative to the table"
    return [Problem(f"there is no file {str(path)!r}", remedy, found.place) for path in named]


def _notes(found: FoundSlide, slide: Slide) -> list[Problem]:
    """What can be coped with: two resolutions, no pyramid."""
    notes = []
    stated = open_slide(found.path).stated_mpp if found.mpp is not None else None
    if stated is not None and abs(stated.value - slide.mpp.value) > _APART * stated.value:
        message = f"has {found.mpp:g} micrometres per pixel in the manifest, but {stated.value:.4g} in {stated.source}"
        notes.append(Problem(message, "the manifest's count; leave the cell empty for the file's", found.place, "note"))
    if not slide.has_pyramid and slide.width * slide.height > _LARGE:
        message = f"has no pyramid: every thumbnail unpacks all {slide.width} x {slide.height} pixels"
        notes.append(Problem(message, "it works, but slowly; save it with a pyramid", found.place, "note"))
    return notes


def _copies(slides: Sequence[FoundSlide]) -> list[Problem]:
    """Slides that are there twice: an error where label or part differ, for then one of them is wrong or leaks."""
    problems = []
    first: dict[tuple[object, ...], FoundSlide] = {}
    for slide in slides:
        twin = first.setdefault(_identity(slide.path), slide)
        if twin is slide:
            continue
        message = f"is the same slide as {twin.place}"
        if twin.label != slide.label:
            message += f", but has the label {slide.label!r} where that has {twin.label!r}"
        elif twin.split != slide.split:
            message += f", but is in {slide.split or 'no part'} where that is in {twin.split or 'none'}"
        severity = "note" if (twin.label, twin.split) == (slide.label, slide.split) else "error"
        problems.append(Problem(message, "keep one of the two", slide.place, severity))
    return problems


def _identity(path: Path) -> tuple[object, ...]:
    """What two copies of a slide share: the series, or the length and both ends of the file."""
    if path.is_dir():
        dicom = next((file for file in sorted(path.iterdir()) if is_dicom(file)), None)
        return _identity(dicom) if dicom else (path,)
    if is_dicom(path) and (series := series_of(path)):
        return ("series", series)
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            digest = hashlib.blake2b(file.read(_ENDS), digest_size=16)
            file.seek(max(0, size - _ENDS))
            digest.update(file.read(_ENDS))
    except OSError:  # opening it has told
        return (path,)
    return (size, digest.digest()) if size else (path,)


def _unknown(slides: Sequence[FoundSlide], source: str) -> list[Problem]:
    """Notes on what only some rows say."""
    notes = []
    for field, consequence in (
        ("label", "they can be embedded, but not trained on"),
        ("case_id", "a split may cut a case"),
    ):
        missing = sum(not getattr(slide, field) for slide in slides)
        if 0 < missing < len(slides):
            message = f"{missing} of {len(slides)} slides have no {field}"
            notes.append(Problem(message, f"{consequence}; fill it in", source, "note"))
    return notes
