"""Which images of a data set a model may be judged by: those it has not been trained on.

A run knows the part of each image by its name. An image counts as known if it is the file of that name in the data the
run was trained on, or a copy of it; where that data is no longer there, the name must do.
"""

import filecmp
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from saccade.core.errors import BadInput
from saccade.core.manifest import Manifest, Row

DEFAULT_PART = "test"


@dataclass(frozen=True, eq=False)
class Chosen:
    """The images to evaluate.

    Attributes:
        manifest: Their rows.
        part: Which part of a split they are; empty where the data knows none.
        notes: What the user should know about what was left out.
    """

    manifest: Manifest
    part: str
    notes: tuple[str, ...] = ()


def choose_images(
    manifest: Manifest, splits: Mapping[str, str], trained_on: Path | None = None, part: str = ""
) -> Chosen:
    """Choose the part to evaluate: by the run's own split, else by the data's, else everything.

    Args:
        manifest: The data.
        splits: The run's part of each image, by name.
        trained_on: The run's data, to tell its images from others of the same name.
        part: ``train``, ``val`` or ``test``; the test part where not given.

    Raises:
        BadInput: The data has no split though a part was asked for, or no image of the part.
    """
    origin = _Origin(trained_on)
    if not splits and origin.is_source(manifest):
        message = "is what the run was trained on, and its splits.csv, which tells the parts, is missing"
        raise BadInput(
            message, "restore splits.csv in the run's folder, or evaluate other images", str(manifest.source)
        )
    known = [splits.get(row.name, "") if origin.holds(row) else "" for row in manifest.rows]
    if any(known):
        return _of_part(manifest, known, part or DEFAULT_PART, "the run's split")
    given = [row.split for row in manifest.rows]
    if any(given):
        return _of_part(manifest, given, part or DEFAULT_PART, "the data's own split")
    if part:
        message = "has no split, and none of its images were part of the run's"
        raise BadInput(message, "leave out --split to evaluate all of it", str(manifest.source))
    return Chosen(manifest, "")


def _of_part(manifest: Manifest, parts: Sequence[str], part: str, whose: str) -> Chosen:
    rows = [replace(row, split=part) for row, own in zip(manifest.rows, parts, strict=True) if own == part]
    if not rows:
        held = Counter(filter(None, parts))
        listed = ", ".join(f"{name} {count}" for name, count in sorted(held.items()))
        remedy = (
            f"{whose} has {listed}: name one with --split; only images the model was not trained on tell how good it is"
        )
        raise BadInput(f"holds no image of the part {part!r}", remedy, str(manifest.source))
    strangers = sum(not own for own in parts)
    note = f"{strangers} images are not in {whose} and are left out"
    return Chosen(replace(manifest, rows=tuple(rows)), part, (note,) if strangers else ())


class _Origin:
    """The data a run was trained on, where it is still there."""

    def __init__(self, path: Path | None) -> None:
        self.path = path if path is not None and path.exists() else None
        self._same: dict[Path, bool] = {}

    def is_source(self, manifest: Manifest) -> bool:
        """Whether the manifest describes this very data."""
        return self.path is not None and os.path.samefile(self.path, manifest.source)

    def holds(self, row: Row) -> bool:
        """Whether the image is one of this data, or a copy; True where that can no longer be told."""
        if self.path is None or not row.path.exists():  # slides whose features are all there is are told by name
            return True
        folder = self.path if self.path.is_dir() else self.path.parent
        mine = folder / (row.path.name if row.member else row.name)
        if row.path not in self._same:
            self._same[row.path] = _same_content(row.path, mine)
        return self._same[row.path]


def _same_content(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other) or filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False
