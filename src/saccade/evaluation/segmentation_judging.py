"""How well a run of segmentation tells patches apart: what was predicted beside what was annotated."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from saccade.core.errors import BadInput
from saccade.core.manifest import Row
from saccade.datasets.patch_labels import OVERLAP
from saccade.datasets.patch_truth import PatchRules
from saccade.evaluation.segmentation import SegmentationMetrics, evaluate_patches
from saccade.features.store import open_bag
from saccade.inference.bag_loading import bag_item
from saccade.inference.segmentation_predictor import SegmentationPredictor, SegmentationResult
from saccade.inference.segmentation_table import Counts

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class JudgedSegmentation:
    """What was predicted, slide by slide; slides that could not be opened are counted and left out.

    Attributes:
        classes: Their names, what is none of the others first.
        rows: What the table says of each slide.
        counts: Labelled patches of each by true and predicted class.
        failed: Slides that could not be opened.
    """

    classes: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    counts: list[Counts] = field(default_factory=list)
    failed: int = 0

    @property
    def bare(self) -> int:
        """Slides without a single labelled patch; they count nowhere."""
        return sum(not counts.any() for counts in self.counts)

    def metrics(self) -> SegmentationMetrics:
        """The figures with their intervals, over slides of which something is known."""
        known = [(row.case, counts) for row, counts in zip(self.rows, self.counts, strict=True) if counts.any()]
        if not known:
            message = f"none of the {len(self.rows)} slides has a patch with a class to compare with"
            raise BadInput(message, "give annotations in the column annotation_path")
        cases, counts = zip(*known, strict=True)
        return evaluate_patches(np.stack(counts), cases, self.classes)


def rules_of(config: Mapping[str, Any]) -> PatchRules:
    """How annotations become classes, as they did in a run's training.

    Args:
        config: Its ``config.json``.
    """
    told = config.get("extra", {}).get("patch_rules", {})
    return PatchRules(tuple(config["classes"]), tuple(told.get("ignored", ())), told.get("overlap", OVERLAP))


def judge_segmentation(
    predictor: SegmentationPredictor,
    rules: PatchRules,
    rows: Sequence[Row],
    bags: Mapping[str, Path],
    progress: Callable[[int, int], None] = lambda done, total: None,
    keep: Callable[[SegmentationResult, Row, Counts | None], None] = lambda result, row, counts: None,
    warn: Callable[[str], None] = _log.warning,
) -> JudgedSegmentation:
    """Segment slides whose annotations are known.

    Args:
        predictor: The model to judge.
        rules: How annotations become classes.
        rows: The slides.
        bags: The file of each slide's features, by the name of its row.
        progress: Told how many of how many slides are done.
        keep: Handed each result with its row and counts, failed ones without.
        warn: Given a line for each slide that cannot be opened or has a note.

    Raises:
        BadInput: An annotation cannot be understood, or no slide can be predicted.
    """
    judged = JudgedSegmentation(predictor.classes)
    results = predictor.stream([bag_item(bags[row.name], row.mpp) for row in rows])
    for done, (row, result) in enumerate(zip(rows, results, strict=True), start=1):
        if line := f"skipped: {result.error}" if result.error else f"note: {result.note}" if result.note else "":
            warn(line)
        counts = None
        if result.error:
            judged.failed += 1
        else:
            truth = rules.labels(row, open_bag(bags[row.name], mpp=row.mpp), predictor.preprocessing.snap)
            counts = counted(truth, result.labels, len(rules.classes))
            judged.rows.append(row)
            judged.counts.append(counts)
        keep(result, row, counts)
        progress(done, len(rows))
    if not judged.rows:
        raise BadInput(f"none of the {len(rows)} slides could be predicted", "the lines above say why")
    return judged


def counted(truth: Int[np.ndarray, " patch"], predicted: Int[np.ndarray, " patch"], classes: int) -> Counts:
    """Patches by true and predicted class; those that nobody labelled are left out.

    >>> counted(np.array([0, 1, -1, 1]), np.array([0, 1, 1, 0]), 2).tolist()
    [[1, 0], [1, 1]]
    """
    known = truth >= 0
    pairs = truth[known].astype(np.int64) * classes + predicted[known]
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
