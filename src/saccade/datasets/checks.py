"""Every problem of a data set before training starts, one line each.

An ``error`` is what training refuses or what would spoil its result: unreadable images, other channels or kinds of
values than the rest, missing labels, one image in two parts of the split. A ``note`` is what it copes with.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from saccade.core.errors import BadInput, Problem
from saccade.core.manifest import Manifest, Row
from saccade.core.splits import assign_parts, cut_cases
from saccade.datasets.sources import each_image, inspect_data
from saccade.imaging.event_files import lacks_sensor
from saccade.imaging.image_files import Array
from saccade.imaging.tiled_files import stated_mpp

_ELONGATED = 1.5  # an image this many times longer than wide is noticeably distorted when made square
_UNEQUAL = 1.25  # fields of view that differ by this factor show the same cell at noticeably different sizes


@dataclass(frozen=True)
class Report:
    """What a data set holds and what is wrong with it."""

    source: Path
    images: int
    counts: dict[str, int]
    problems: tuple[Problem, ...]
    what: str = "images"

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What must be mended before training."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def notes(self) -> tuple[Problem, ...]:
        """What is good to know."""
        return tuple(problem for problem in self.problems if problem.severity == "note")

    def lines(self) -> list[str]:
        """The report as text: a line for each problem, errors first, and a line of counts."""
        found = [f"{problem.severity}: {problem}" for problem in (*self.errors, *self.notes)]
        classes = ", ".join(f"{name} {count}" for name, count in self.counts.items())
        found.append(f"{self.images} {self.what}" + (f" in {len(self.counts)} classes ({classes})" if classes else ""))
        return found


@dataclass(frozen=True)
class _Facts:
    """What one decoded image tells."""

    row: Row
    height: int
    width: int
    channels: int
    kind: str
    mpp: float | None
    digest: tuple[object, ...]


def check_data(path: Path | str, progress: Callable[[int, int], None] = lambda done, total: None) -> Report:
    """Check a folder of classes, a manifest or a MedMNIST file; every image is decoded once.

    >>> report = check_data("cells")
    >>> report.images, len(report.errors)
    (60, 0)

    Args:
        path: The data set.
        progress: Told how many of how many images are done.

    Returns:
        The report; what cannot be opened at all is its only error.
    """
    try:
        manifest, problems = inspect_data(path)
    except BadInput as error:
        return Report(Path(path), 0, {}, (Problem.of(error),))
    facts: dict[int, _Facts] = {}

    def examine(index: int, image: Array) -> None:
        kind = str(image.dtype)
        digest = (kind, image.shape, hashlib.blake2b(image.tobytes(), digest_size=16).digest())
        height, width, channels = image.shape
        row = manifest.rows[index]
        mpp = stated_mpp(row.path) if row.mpp is None else row.mpp
        facts[index] = _Facts(row, height, width, channels, kind, mpp, digest)

    damaged = each_image(manifest.rows, examine, progress)
    known = [facts[index] for index in sorted(facts)]
    found = [
        *problems,
        *damaged,
        *_unlike(known),
        *_twins(known),
        *_extents(known, str(manifest.source)),
        *_rows(manifest, {fact.row.place for fact in known if fact.mpp is not None}),
    ]
    return Report(manifest.source, len(manifest), manifest.counts(), tuple(found))


def _unlike(facts: Sequence[_Facts]) -> list[Problem]:
    """Images with other channels or another kind of values than most."""
    problems = []
    if not facts:
        return problems
    kind = Counter(fact.kind for fact in facts).most_common(1)[0][0]
    channels = Counter(fact.channels for fact in facts).most_common(1)[0][0]
    for fact in facts:
        if fact.kind != kind:
            message = f"holds {fact.kind} values, most images {kind}"
            problems.append(Problem(message, f"save it as {kind}", fact.row.place))
        elif fact.channels != channels:
            grey = fact.channels == 1 and channels == 3
            remedy = (
                "grey images are repeated into three channels" if grey else "convert it to the channels of the rest"
            )
            message = f"has {fact.channels} channel{'s'[: fact.channels != 1]}, most images {channels}"
            problems.append(Problem(message, remedy, fact.row.place, "note" if grey else "error"))
    return problems


def _twins(facts: Sequence[_Facts]) -> list[Problem]:
    """Images with the same pixels: an error where label or part differ, for then one of them is wrong or leaks."""
    problems = []
    first: dict[tuple[object, ...], Row] = {}
    for fact in facts:
        row, twin = fact.row, first.setdefault(fact.digest, fact.row)
        if twin is row:
            continue
        message, remedy = f"has the same pixels as {twin.place}", "keep one of the two"
        if twin.label != row.label:
            message += f", but the label {row.label!r} where that has {twin.label!r}"
        elif twin.split != row.split:
            message += f", but is in {row.split} where that is in {twin.split}"
        severity = "note" if (twin.label, twin.split) == (row.label, row.split) else "error"
        problems.append(Problem(message, remedy, row.place, severity))
    return problems


def _extents(facts: Sequence[_Facts], source: str) -> list[Problem]:
    """Notes on images of one pixel, of several sizes in pixels or in µm, and far from square."""
    notes = []
    for fact in facts:
        if fact.height * fact.width == 1:
            message, remedy = "is a single pixel", "it trains as a plain square; remove it if that is not meant"
            notes.append(Problem(message, remedy, fact.row.place, "note"))
    sizes = Counter((fact.height, fact.width) for fact in facts)
    if len(sizes) > 1:
        (low, high) = min(sizes), max(sizes)
        message = f"images have {len(sizes)} sizes, from {low[1]} x {low[0]} to {high[1]} x {high[0]}"
        notes.append(Problem(message, "cells are all resized to one square, fields keep their size", source, "note"))
        if bare := sum(lacks_sensor(fact.row.path) for fact in facts):
            message = (
                f"{bare} recordings are NPY, which cannot state the sensor: each is as large as its events ask for"
            )
            remedy = "give HDF5 with height and width, or images by `saccade frames --sensor`"
            notes.append(Problem(message, remedy, source, "note"))
    long = sum(
        count for (height, width), count in sizes.items() if max(height, width) > _ELONGATED * min(height, width)
    )
    if long:
        message = f"{long} images are more than {_ELONGATED} times longer than wide"
        notes.append(Problem(message, "cells are stretched to a square; crop them if shape matters", source, "note"))
    fields = [fact.width * fact.row.mpp for fact in facts if fact.row.mpp is not None]
    if fields and max(fields) > _UNEQUAL * min(fields):
        message = f"images are from {min(fields):.3g} to {max(fields):.3g} µm wide"
        notes.append(Problem(message, "all fill one square, so crop them to one width in µm", source, "note"))
    return notes


def _rows(manifest: Manifest, with_mpp: Collection[str]) -> list[Problem]:
    """What the rows tell without their pixels: the split, cases, and what is not known.

    Args:
        manifest: The rows.
        with_mpp: Places of the images whose row or file tells their micrometres per pixel.
    """
    problems = []
    source = str(manifest.source)
    cut = cut_cases(manifest.rows)
    problems += cut
    try:
        for note in assign_parts(manifest.rows).notes if not cut else ():
            problems.append(Problem(note, "add cases, or read the figures with care", source, "note"))
    except BadInput as error:
        problems.append(Problem(error.message, error.remedy, error.source or source))
    for label, count in manifest.counts().items():
        if count == 1:
            row = next(row for row in manifest.rows if row.label == label)
            message, remedy = f"the only image of the class {label!r}", "it can be trained on but not tested; add more"
            problems.append(Problem(message, remedy, row.place, "note"))
    rows = manifest.rows
    for missing, column, consequence in (
        (sum(not row.case_id for row in rows), "case_id", "a split may then put one patient in two parts"),
        (sum(row.mpp is None and row.place not in with_mpp for row in rows), "mpp", "sizes then stay in pixels"),
    ):
        if missing:
            message = f"{missing} of {len(rows)} images have no {column}"
            problems.append(Problem(message, f"{consequence}; a manifest can give it", source, "note"))
    return problems
