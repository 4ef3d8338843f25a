"""Slides that are asked when: the time until an event, or until the case was lost from sight, in bins.

The table has the columns ``time`` and ``event``; labels are not needed. Bins are cut where the events of the training
part fall, and no other part is looked at for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from saccade.core.errors import BadInput
from saccade.core.manifest import PARTS, Row
from saccade.core.splits import FRACTIONS, given_or_drawn
from saccade.core.survival import TimeBins, bins_of, times_and_events
from saccade.datasets.bags import open_unlabelled_bags
from saccade.datasets.slides import SlideData, slides_of_parts
from saccade.ops.lattice import Snap

_SEEN, _LOST = "with the event", "lost from sight"
"""What splits are stratified by, and how their notes call it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SurvivalData(SlideData):
    """Embedded slides with their times; the classes are the names of the bins.

    Attributes:
        labels: The bin of each slide, and 1 where the event was seen.
        bins: How time is cut.
    """

    labels: Int[Tensor, "image 2"]
    bins: TimeBins

    @property
    def facts(self) -> dict[str, Any]:
        """The edges of the bins."""
        return {"time_bins": {"edges": list(self.bins.edges)}}


def open_survival_data(
    path: Path | str,
    features: Path | str,
    *,
    bins: int = 4,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
    snap: Snap | None = None,
    standardise: bool = True,
    parts: Sequence[str] = PARTS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> SurvivalData:
    """Open embedded slides with times; where the table has no split, each part gets its share of the events.

    Args:
        path: A table of slides with ``time`` and ``event``.
        features: Feature files at any depth.
        bins: How many bins time is cut into.
        fractions: As of ``open_slide_data``.
        seed: Of the split.
        snap: As of ``open_slide_data``.
        standardise: Likewise.
        parts: The parts to open.
        progress: Told how many of how many files have been looked into.

    Raises:
        BadInput: A row without time, event or features, or too few events for as many bins.
    """
    bags = open_unlabelled_bags(path, features)
    rows = bags.manifest.rows
    times_and_events(rows)  # whatever is missing is told before a file is opened
    split = given_or_drawn([_stratified(row) for row in rows], fractions, seed)
    training = [row for row, part in zip(rows, split.parts, strict=True) if part == "train"]
    try:
        cut = bins_of(training, bins)
    except BadInput as error:
        raise BadInput(error.message, error.remedy, f"{path}, training part") from error
    common = slides_of_parts(bags, split, parts, snap, progress)
    labels = _numbered(common["manifest"].rows, cut)
    data = SurvivalData(**common, classes=cut.names, labels=labels, bins=cut, standardise=standardise)
    return data.fitted() if "train" in parts else data


def _stratified(row: Row) -> Row:
    """The row, labelled by whether its event was seen."""
    return replace(row, label=_SEEN if row.event else _LOST)


def _numbered(rows: Sequence[Row], bins: TimeBins) -> Int[Tensor, "image 2"]:
    """Bin and event of each row."""
    times, events = times_and_events(rows)
    return torch.from_numpy(np.stack([bins.numbers(times), events.astype(np.int64)], axis=1))
