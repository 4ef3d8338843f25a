"""Slides of which every patch has a class: their annotations become labels once, when the data is opened."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from saccade.core.errors import BadInput
from saccade.core.manifest import PARTS, Row
from saccade.core.splits import FRACTIONS, given_or_drawn
from saccade.datasets.bags import Bags as StoredBags
from saccade.datasets.bags import open_unlabelled_bags
from saccade.datasets.patch_truth import PatchRules, PatchTruth
from saccade.datasets.slides import SlideData, slides_of_parts
from saccade.ops.lattice import Snap

_REMEDY = "name GeoJSON of QuPath, or a table x,y,label, in the column annotation_path"
_GIVEN, _BARE = "annotated", "without annotation"
"""What splits are stratified by, and how their notes call it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SegmentationData(SlideData):
    """Embedded slides with the classes of their patches.

    Attributes:
        labels: Of every patch.
        rules: How they came about.
    """

    labels: PatchTruth  # pyright: ignore[reportIncompatibleVariableOverride] - frozen: nobody assigns to it
    rules: PatchRules

    @property
    def facts(self) -> dict[str, Any]:
        """What outlines mean, so that an evaluation takes them likewise."""
        return {"patch_rules": self.rules.as_dict()}


def open_segmentation_data(
    path: Path | str,
    features: Path | str,
    rules: PatchRules,
    *,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
    snap: Snap | None = None,
    standardise: bool = True,
    parts: Sequence[str] = PARTS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> SegmentationData:
    """Open embedded slides with annotations; where the table has no split, annotated slides are shared out evenly.

    Cost: as of ``open_slide_data``; each annotation is gone through once, and each slide's places a second time.

    Args:
        path: A table of slides with ``annotation_path``.
        features: Feature files at any depth.
        rules: How annotations become classes.
        fractions: As of ``open_slide_data``.
        seed: Of the split.
        snap: As of ``open_slide_data``.
        standardise: Likewise.
        parts: The parts to open.
        progress: Told how many of how many files have been looked into.

    Raises:
        BadInput: An annotation cannot be understood, or a part that is opened has not a single patch with a class.
    """
    bags = open_unlabelled_bags(path, features)
    rows = bags.manifest.rows
    if not any(row.annotation_path for row in rows):
        raise BadInput(f"none of its {len(rows)} slides has an annotation", _REMEDY, str(path))
    split = given_or_drawn([_stratified(row) for row in rows], fractions, seed)
    common = slides_of_parts(bags, split, parts, snap, progress)
    truth = _truth(common["bags"], rules, snap, progress)
    told = (note for note in common["notes"] if _BARE not in note)  # where those are that count nowhere is no matter
    common["notes"] = (*told, *_notes(common["manifest"].rows))
    data = SegmentationData(**common, classes=rules.classes, labels=truth, rules=rules, standardise=standardise)
    for part in parts:
        _require_told(data, part)
    return data.fitted() if "train" in parts else data


def _stratified(row: Row) -> Row:
    """The row, labelled by whether it has an annotation."""
    return replace(row, label=_GIVEN if row.annotation_path else _BARE)


def _truth(bags: StoredBags, rules: PatchRules, snap: Snap | None, progress: Callable[[int, int], None]) -> PatchTruth:
    """The labels of all slides."""
    found = []
    for number, row in enumerate(bags.manifest.rows):
        found.append(rules.labels(row, bags[number], snap))
        progress(number + 1, len(bags))
    return PatchTruth(tuple(found))


def _notes(rows: Sequence[Row]) -> tuple[str, ...]:
    """How many slides nobody annotated."""
    bare = sum(row.annotation_path is None for row in rows)
    return (f"{bare} of {len(rows)} slides have no annotation: their patches count nowhere",) if bare else ()


def _require_told(data: SegmentationData, part: str) -> None:
    """Refuse a part of which nothing can be learned, or by which no epoch can be chosen.

    Raises:
        BadInput: No patch of it has a class; of the training part, all patches are of one class.
    """
    source = f"{data.manifest.source}, part {part!r}"
    counts = data.part(part).labels.counts(len(data.classes))
    if not sum(counts):
        raise BadInput("not a single patch of its slides has a class", _REMEDY, source)
    if part == "train" and sum(count > 0 for count in counts) < 2:
        only = data.classes[counts.index(max(counts))]
        remedy = "check the names in data.patch_classes, and that the annotations are of these slides"
        raise BadInput(f"all labelled patches are of the class {only!r}", remedy, source)
