"""The table of a data set: one row per image, with its label, its case and what else is known of it.

A manifest is a CSV file with the columns
``path,label[,case_id,split,mpp,site,mask_path,tissue_path,annotation_path,time,event]``; paths are relative to it and
may not leave its folder. The column names of other tools are understood (``COLUMNS``), as are semicolons, tabs,
byte-order marks, blank lines and Windows backslashes.
A table of slides needs no labels, and a slide may be a folder (``load_slide_table``).
"""

import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import Literal

from saccade.core.errors import BadInput, Problem, raise_first
from saccade.core.tables import Table, TableRow, load_table
from saccade.core.units import parse_mpp

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")

COLUMNS: dict[str, tuple[str, ...]] = {
    "path": (
        "path",
        "image_path",
        "file_path",
        "filepath",
        "filename",
        "file",
        "image",
        "slide_path",
        "wsi",
        "slide_id",
    ),
    "label": ("label", "labels", "class", "class_name", "target", "category"),
    "case_id": ("case_id", "patient_id", "patient", "case", "subject_id", "donor_id"),
    "split": ("split", "part", "partition", "subset"),
    "mpp": ("mpp", "spacing_at_level_0", "spacing", "microns_per_pixel"),
    "site": ("site", "centre", "center", "hospital"),
    "mask_path": ("mask_path", "mask"),
    "tissue_path": ("tissue_path", "tissue"),
    "annotation_path": ("annotation_path", "annotations", "annotation"),
    "time": ("time",),
    "event": ("event",),
}
"""Each field with the column names it goes by; where two are present the earlier one counts."""

_PART_NAMES: dict[str, Part] = {
    **dict.fromkeys(("train", "training", "tr"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "tune", "tuning"), "val"),
    **dict.fromkeys(("test", "testing", "holdout"), "test"),
}
_TRUTH = {"1": True, "true": True, "yes": True, "1.0": True, "0": False, "false": False, "no": False, "0.0": False}
_MISSING = {"", "nan"}  # pandas writes the second for a cell that was empty


@dataclass(frozen=True)
class Row:
    """One image of a data set.

    ``path`` is the file and ``member`` the image inside it, for files that hold many. ``name`` is the same on
    every machine: the path relative to the data set, with forward slashes. ``case_id`` is empty where
    unknown, ``split`` where not yet drawn, ``line`` 0 where there is no table. Of a slide, ``tissue_path`` says where
    there is tissue, and ``annotation_path`` what was outlined by hand; ``label`` is empty where none was given.
    """

    path: Path
    label: str
    name: str = ""
    case_id: str = ""
    split: str = ""
    mpp: float | None = None
    site: str = ""
    mask_path: Path | None = None
    tissue_path: Path | None = None
    annotation_path: Path | None = None
    time: float | None = None
    event: bool | None = None
    line: int = 0
    member: str = ""

    @property
    def case(self) -> str:
        """What a split must not cut: the case, or the image itself where no case is known."""
        return self.case_id or self.name or self.path.as_posix()

    @property
    def place(self) -> str:
        """How errors name this image: its file, the image inside it and the manifest's row."""
        inside = f"/{self.member}" if self.member else ""
        return f"{self.path}{inside}" + (f" (row {self.line})" if self.line else "")


@dataclass(frozen=True)
class Manifest:
    """The rows of a data set, its classes in order and the file or folder they came from."""

    rows: tuple[Row, ...]
    classes: tuple[str, ...]
    source: Path

    def __len__(self) -> int:
        return len(self.rows)

    def counts(self) -> dict[str, int]:
        """How many images each class has; a class may have none."""
        found = Counter(row.label for row in self.rows)
        return {name: found[name] for name in self.classes}

    def part(self, part: str) -> "Manifest":
        """The rows of one part of the split; the classes stay, so that their indices do."""
        rows = tuple(row for row in self.rows if row.split == part)
        if not rows:
            held = ", ".join(sorted({row.split for row in self.rows if row.split})) or "none"
            raise BadInput(f"has no images in the part {part!r}", f"parts present: {held}", str(self.source))
        return replace(self, rows=rows)

    def with_parts(self, parts: Iterable[str]) -> "Manifest":
        """The same images with these parts (``train``, ``val``, ``test``), one for each row in order."""
        rows = tuple(replace(row, split=part) for row, part in zip(self.rows, parts, strict=True))
        return replace(self, rows=rows)


def load_manifest(path: Path | str) -> Manifest:
    """Load a manifest; the first bad row raises ``BadInput`` with its number and the remedy.

    >>> load_manifest("cells/manifest.csv").classes
    ('basophil', 'eosinophil', 'lymphocyte', 'monocyte', 'neutrophil')
    """
    manifest, problems = inspect_manifest(path)
    raise_first(problems)
    return manifest


def inspect_manifest(path: Path | str) -> tuple[Manifest, tuple[Problem, ...]]:
    """The good rows of a manifest and a problem for each bad one.

    A table without a single usable column or row raises ``BadInput``: there is nothing to inspect.
    """
    table = load_table(path)
    return _inspected(table, ("path", "label"), _Files(table.source.parent, os.path.isfile))


def inspect_labels(path: Path | str) -> tuple[Manifest, tuple[Problem, ...]]:
    """The same for a table whose images need not be here: their names are all that is wanted of them."""
    table = load_table(path)
    return _inspected(table, ("path", "label"), _Names(table.source.parent))


def inspect_names(path: Path | str) -> tuple[Manifest, tuple[Problem, ...]]:
    """The same where labels are not needed either: of slides asked for a time, or for a class of each patch."""
    table = load_table(path)
    return _inspected(table, ("path",), _Names(table.source.parent))


def load_image_table(path: Path | str) -> Manifest:
    """Load a manifest of images to predict, where labels may be missing.

    An image that is not there is told by whoever opens it, so that it costs no other image anything. The first bad row
    raises ``BadInput`` with its number and the remedy.
    """
    table = load_table(path)
    manifest, problems = _inspected(table, ("path",), _Images(table.source.parent, os.path.isfile))
    raise_first(problems)
    return manifest


def load_slide_table(path: Path | str) -> Manifest:
    """Load a manifest of slides, where labels may be missing and a path may be a folder, of one DICOM series.

    Slides may lie anywhere, for archives do; one that is not there is told by whoever opens it, so that it costs no
    other slide anything. The first bad row raises ``BadInput`` with its number and the remedy.
    """
    manifest, problems = inspect_slide_table(path)
    raise_first(problems)
    return manifest


def inspect_slide_table(path: Path | str) -> tuple[Manifest, tuple[Problem, ...]]:
    """The good rows of a manifest of slides, and a problem for each bad one; raises as ``inspect_manifest`` does."""
    table = load_table(path)
    return _inspected(table, ("path",), _Slides(table.source.parent, _is_slide))


def _is_slide(path: str) -> bool:
    """A file or a folder, but not the folder beside an MRXS file, whose name may be given without its suffix."""
    return os.path.isfile(path) or (os.path.isdir(path) and not os.path.isfile(f"{path}.mrxs"))


def _inspected(table: Table, needed: tuple[str, ...], files: "_Files | _Names") -> tuple[Manifest, tuple[Problem, ...]]:
    """The good rows of a table with the columns needed, and a problem for each bad one."""
    columns = _fields(table, needed)
    problems = list(table.problems)
    rows: list[Row] = []
    for entry in table.rows:
        try:
            rows.append(_row(entry, columns, needed, files, table.place(entry.line)))
        except BadInput as error:
            problems.append(Problem.of(error))
    if not table.rows and not problems:
        raise BadInput("has a header but no rows", "write one row per image", str(table.source))
    problems += _repeated(rows, table)
    problems.sort(key=lambda problem: _row_number(problem.source))
    classes = ordered_classes(row.label for row in rows if row.label)
    return Manifest(tuple(rows), classes, table.source), tuple(problems)


def ordered_classes(labels: Iterable[str]) -> tuple[str, ...]:
    """Class names without repeats, in order of their numbers where all are numbers, else of the alphabet.

    >>> ordered_classes(["10", "2", "2"])
    ('2', '10')
    """
    names = set(labels)
    if all(name.isdecimal() for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))


def part_of(text: str, source: str = "") -> str:
    """The part a table's word means, in the words train, val and test; an empty cell stays empty."""
    if text.lower() in _MISSING:
        return ""
    part = _PART_NAMES.get(text.lower())
    if part is None:
        raise BadInput(f"split {text!r} is not a part", "write train, val or test", source)
    return part


def _fields(table: Table, needed: tuple[str, ...]) -> dict[str, str]:
    """Which column of the table holds which field; those needed must be there."""
    columns = {field: next((name for name in names if name in table.columns), "") for field, names in COLUMNS.items()}
    for field in needed:
        if not columns[field]:
            found = ", ".join(table.columns)
            message = f"has no column for the {field} (found: {found})"
            raise BadInput(message, f"name a column {field}", str(table.source))
    return {field: name for field, name in columns.items() if name}


def _row(
    entry: TableRow, columns: Mapping[str, str], needed: tuple[str, ...], files: "_Files | _Names", place: str
) -> Row:
    """One row from a line of the table; raises ``BadInput`` naming the line."""
    cells = {
        field: "" if entry.cells[name].lower() in _MISSING else entry.cells[name] for field, name in columns.items()
    }
    if not cells["path"]:
        raise BadInput("the path is missing", "fill it in or remove the row", place)
    path = files.find(cells["path"], place)
    if "label" in needed and not cells["label"]:
        raise BadInput("the label is missing", "fill it in or remove the row", place)
    beside = {field: cells.get(field, "") for field in ("mask_path", "tissue_path", "annotation_path")}
    found = {field: files.beside(name, place) for field, name in beside.items() if name}
    return Row(
        path=path,
        label=cells.get("label", ""),
        name=files.name(path),
        case_id=cells.get("case_id", ""),
        split=part_of(cells.get("split", ""), place),
        mpp=parse_mpp(cells.get("mpp", ""), place),
        site=cells.get("site", ""),
        mask_path=found.get("mask_path"),
        tissue_path=found.get("tissue_path"),
        annotation_path=found.get("annotation_path"),
        time=_number(cells.get("time", ""), place),
        event=_truth(cells.get("event", ""), place),
        line=entry.line,
    )


def _repeated(rows: Iterable[Row], table: Table) -> list[Problem]:
    """A problem for each row whose image an earlier row already names."""
    first: dict[Path, int] = {}
    problems = []
    for row in rows:
        line = first.setdefault(row.path, row.line)
        if line != row.line:
            message = f"{row.name!r} is already in row {line}"
            problems.append(Problem(message, "keep one of the two rows", table.place(row.line)))
    return problems


def _row_number(source: str) -> int:
    found = re.search(r", row (\d+)$", source)
    return int(found.group(1)) if found else 0


def _number(text: str, place: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadInput(f"time {text!r} is not a number", "write a number, or leave it out", place)
    return value


def _truth(text: str, place: str) -> bool | None:
    if not text:
        return None
    if text.lower() not in _TRUTH:
        raise BadInput(f"event {text!r} is neither 0 nor 1", "write 1 where the event happened, else 0", place)
    return _TRUTH[text.lower()]


class _Files:
    """Finds the files a table names, all inside one folder."""

    def __init__(self, folder: Path, is_there: Callable[[str], bool]) -> None:
        self.folder = folder
        self._is_there = is_there
        self._root = os.path.abspath(folder)
        self._listings: dict[Path, dict[str, list[str]]] = {}

    def find(self, text: str, place: str) -> Path:
        """The file a cell names; a name without its suffix will do where only one file fits (CLAM, STAMP)."""
        path = self.folder / self._inside(text, place)
        if self._is_there(os.fspath(path)):
            return path
        fitting = self._by_stem(path.parent).get(path.name, [])
        if len(fitting) == 1:
            return path.with_name(fitting[0])
        if fitting:
            raise BadInput(f"{text!r} fits {len(fitting)} files", "write the name with its suffix", place)
        return self._missing(path, text, place)

    def _missing(self, path: Path, text: str, place: str) -> Path:
        raise BadInput(f"there is no file {text!r}", "correct the path, which is relative to the table", place)

    def beside(self, text: str, place: str) -> Path:
        """The file a cell names beside the image; no folder, whatever an image may be."""
        return _Files(self.folder, os.path.isfile).find(text, place)

    def name(self, path: Path) -> str:
        """The path relative to the folder, with forward slashes."""
        return path.relative_to(self.folder).as_posix()

    def _inside(self, text: str, place: str) -> str:
        """The cell as a path relative to the folder; it may be absolute or hold ``..`` if it ends up inside."""
        plain = text if self._is_there(os.path.join(self._root, text)) else text.replace("\\", "/")
        whole = os.path.normpath(os.path.join(self._root, plain))
        for path, root in ((whole, self._root), (os.path.realpath(whole), os.path.realpath(self._root))):
            if Path(path).is_relative_to(root) and not PureWindowsPath(plain).drive:
                return os.path.relpath(path, root)
        remedy = "move the file into the table's folder and write its path relative to it"
        raise BadInput(f"the path {text!r} leaves the folder of the table", remedy, place)

    def _by_stem(self, folder: Path) -> dict[str, list[str]]:
        """The names of the folder's files by their name without suffix."""
        if folder not in self._listings:
            stems: dict[str, list[str]] = {}
            for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
                if entry.suffix and not entry.is_dir():
                    stems.setdefault(entry.stem, []).append(entry.name)
            self._listings[folder] = stems
        return self._listings[folder]


class _Images(_Files):
    """Finds images inside one folder; what is not there keeps the path it should have."""

    def _missing(self, path: Path, text: str, place: str) -> Path:
        return path

    def beside(self, text: str, place: str) -> Path:
        """The path of what lies beside the image, there or not: nobody is to open it."""
        return _Names(self.folder).beside(text, place)


class _Slides(_Files):
    """Finds slides wherever a table says; one that is not there keeps the path it should have."""

    def _inside(self, text: str, place: str) -> str:
        plain = text if self._is_there(os.path.join(self._root, text)) else text.replace("\\", "/")
        whole = os.path.normpath(os.path.join(self._root, plain))
        return os.path.relpath(whole, self._root) if Path(whole).is_relative_to(self._root) else whole

    def _missing(self, path: Path, text: str, place: str) -> Path:
        return path

    def beside(self, text: str, place: str) -> Path:
        """What a cell names beside the slide, there or not."""
        return _Slides(self.folder, os.path.isfile).find(text, place)

    def name(self, path: Path) -> str:
        """The path relative to the folder, or whole where it leads elsewhere."""
        return _Names(self.folder).name(path)


class _Names:
    """Takes what a table names as it stands, wherever that may be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, text: str, place: str) -> Path:
        """The path a cell names, relative to the table where it is relative."""
        return self.folder / text.replace("\\", "/")

    def beside(self, text: str, place: str) -> Path:
        """The path of what lies beside the image."""
        return self.find(text, place)

    def name(self, path: Path) -> str:
        """The path relative to the folder, or whole where it leads elsewhere."""
        return (path.relative_to(self.folder) if path.is_relative_to(self.folder) else path).as_posix()
