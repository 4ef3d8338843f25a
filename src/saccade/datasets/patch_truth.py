"""The class of every patch of some slides, made once from what somebody outlined or wrote into tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from saccade.core.manifest import Row
from saccade.datasets.patch_labels import OVERLAP, labels_from_outlines, labels_from_table
from saccade.features.loading import lattice_boxes
from saccade.features.qupath import qupath_offset
from saccade.features.store import Bag
from saccade.ops.lattice import Snap

_TABLES = (".csv", ".tsv", ".txt")
UNTOLD = -1
"""The label of a patch of which nobody said anything; it counts nowhere."""


@dataclass(frozen=True, eq=False)
class PatchTruth:
    """Labels of some slides, patch by patch; it is indexed as a tensor of labels would be.

    >>> truth = PatchTruth((np.array([0, 1], np.int16), np.array([-1], np.int16)))
    >>> truth[torch.tensor([1, 0])].joined.tolist(), truth.counts(2), truth.told
    ([-1, 0, 1], [1, 1], 1)

    Attributes:
        slides: Number of each patch's class in the order of the slide's bag, −1 where nobody said.
    """

    slides: tuple[Int[np.ndarray, " _"], ...]  # arrays, which go to other processes by value

    def __len__(self) -> int:
        """Slides."""
        return len(self.slides)

    def __getitem__(self, rows: Int[Tensor, " row"]) -> "PatchTruth":
        """Some of the slides, in this order."""
        return PatchTruth(tuple(self.slides[row] for row in rows.tolist()))

    @property
    def joined(self) -> Int[Tensor, " patch"]:
        """All labels, slide after slide, as bags are concatenated."""
        return torch.from_numpy(np.concatenate([np.zeros(0, np.int64), *self.slides]))

    @property
    def told(self) -> int:
        """Slides with a patch that has a class."""
        return sum(bool((labels >= 0).any()) for labels in self.slides)

    def counts(self, classes: int) -> list[int]:
        """Patches of each class."""
        found = [np.bincount(labels[labels >= 0], minlength=classes) for labels in self.slides]
        return np.sum([np.zeros(classes, np.int64), *found], axis=0).tolist()


@dataclass(frozen=True)
class PatchRules:
    """How annotations become classes of patches.

    Attributes:
        classes: Their names; the first is that of patches of an annotated slide without any other.
        ignored: Names of outlines that say nothing, such as of tissue.
        overlap: Part of a patch that a class must cover.
    """

    classes: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    overlap: float = OVERLAP

    def labels(self, row: Row, bag: Bag, snap: Snap | None = None) -> Int[np.ndarray, " patch"]:
        """The class of each patch of a slide, in the order in which its bag is loaded; −1 where nobody said.

        ``annotation_path`` names GeoJSON as QuPath exports it, or a table ``x,y,label`` of patches. QuPath counts from
        the corner of the scanned part, which is added where the bag notes it.

        Args:
            row: Of the slide.
            bag: Its features; their places alone are read.
            snap: How patches that fit no lattice are treated.

        Raises:
            BadInput: The annotation cannot be understood, or names another class; or the bag fits no lattice.
        """
        boxes = lattice_boxes(bag.lattice(snap)).astype(np.float64)
        if row.annotation_path is None:
            return np.full(len(boxes), UNTOLD, np.int16)
        return self._told(row, boxes, qupath_offset(stored=bag)).astype(np.int16)

    def check(self, rows: Sequence[Row]) -> None:
        """Go through the annotations without a look at any features.

        Raises:
            BadInput: For the first that cannot be understood.
        """
        for row in rows:
            if row.annotation_path is not None:
                self._told(row, np.zeros((0, 4)), (0, 0))

    def as_dict(self) -> dict[str, Any]:
        """Plain values for ``config.json``, which has the classes already."""
        return {"ignored": list(self.ignored), "overlap": self.overlap}

    def _told(self, row: Row, boxes: np.ndarray, offset: tuple[int, int]) -> Int[np.ndarray, " patch"]:
        path = row.annotation_path
        assert path is not None
        if path.suffix.lower() in _TABLES:
            return labels_from_table(path, boxes, self.classes)
        return labels_from_outlines(path, boxes, self.classes, self.overlap, offset, self.ignored)
