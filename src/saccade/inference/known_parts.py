"""What a run knows of images, whatever table names them: in which part of its training they and their cases were.

An image is known if it is the file of that name in the data the run was trained on, or a copy of it; where that data is
no longer there, the name must do. Slides go by several names, and are told as their bags are (``datasets.bags``).
"""

import filecmp
import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from saccade.core.manifest import PARTS, Manifest, Row
from saccade.datasets.bags import named_slide, same_slide

LEARNED = ("train", "val")
"""Parts by which a model was trained, or its epoch chosen."""


class KnownParts:
    """The parts of a run's images and cases.

    >>> known = KnownParts({"slides/a.svs": "train"}, {"patient 1": "train"}, slides=True)
    >>> known.part(Row(Path("a"), "", name="a")), known.learned(Row(Path("b"), "", name="b", case_id="patient 1"))
    ('train', True)

    Args:
        splits: The part of each image, by name.
        cases: The part of each case.
        slides: Whether the images are slides.
        trained_on: The run's data, to tell its images from others of the same name.
    """

    def __init__(
        self,
        splits: Mapping[str, str],
        cases: Mapping[str, str] | None = None,
        slides: bool = False,
        trained_on: Path | None = None,
    ) -> None:
        self.splits, self.cases, self.slides = splits, cases or {}, slides
        self._source = trained_on if trained_on is not None and trained_on.exists() else None
        self._same: dict[tuple[Path, Path], bool] = {}
        self._called: dict[str, list[PurePosixPath]] = defaultdict(list)
        for name in map(PurePosixPath, splits if slides else ()):
            for key in _keys(named_slide(str(name))):
                self._called[key].append(name)

    def is_source(self, manifest: Manifest) -> bool:
        """Whether the manifest describes the very data of the training."""
        return self._source is not None and os.path.samefile(self._source, manifest.source)

    def part(self, row: Row) -> str:
        """The run's part of an image; empty of one that it does not know."""
        return next((self.splits[name] for name in self._names(row) if self._holds(row, name)), "")

    def learned(self, row: Row) -> bool:
        """Whether an image, or another of its case, was trained or validated on."""
        return self.part(row) in LEARNED or self.cases.get(row.case_id, "") in LEARNED

    def _names(self, row: Row) -> list[str]:
        """What the run may call an image: its own name first, then those most alike, of these the trained ones."""
        if row.name in self.splits or not self.slides:
            return [row.name] if row.name in self.splits else []
        wanted = named_slide(row.name)
        found = {
            name for key in _keys(wanted) for name in self._called[key] if same_slide(wanted, named_slide(str(name)))
        }

        def order(name: PurePosixPath) -> tuple[bool, int, str]:
            return len(name.parts) != len(wanted.parts), _RANK.get(self.splits[str(name)], len(_RANK)), str(name)

        return [str(name) for name in sorted(found, key=order)]

    def _holds(self, row: Row, name: str) -> bool:
        """Whether an image is the one of this name in the run's data, or a copy; True where that cannot be told."""
        if self._source is None or not row.path.exists():  # slides whose features are all there is are told by name
            return True
        folder = self._source if self._source.is_dir() else self._source.parent
        mine = folder / (row.path.name if row.member else name)
        if self.slides and not (mine.is_file() and row.path.is_file()):  # archived since, or a folder of DICOM files
            return True
        pair = row.path, mine
        if pair not in self._same:
            self._same[pair] = _same_content(*pair)
        return self._same[pair]


_RANK: dict[str, int] = {part: number for number, part in enumerate(PARTS)}


def _keys(name: PurePosixPath) -> set[str]:
    return {name.name, name.stem}


def _same_content(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other) or filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False
