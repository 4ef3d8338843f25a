"""How well a run of survival orders slides in time: what was predicted, and the figures of ``metrics.json``."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from saccade.core.errors import BadInput
from saccade.core.manifest import Row
from saccade.core.survival import times_and_events
from saccade.evaluation.intervals import CaseBootstrap
from saccade.evaluation.survival import concordance_interval
from saccade.inference.bag_loading import bag_item
from saccade.inference.survival_predictor import SurvivalPredictor, SurvivalResult

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class JudgedSurvival:
    """What was predicted, slide by slide; slides that could not be opened are counted and left out.

    Attributes:
        rows: What the table says of each slide.
        risks: Higher for those expected earlier.
        failed: Slides that could not be opened.
    """

    rows: list[Row] = field(default_factory=list)
    risks: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def times(self) -> Float[np.ndarray, " slide"]:
        """Until the event, or until the case was lost from sight."""
        return times_and_events(self.rows)[0]

    @property
    def events(self) -> Bool[np.ndarray, " slide"]:
        """Whether the event was seen."""
        return times_and_events(self.rows)[1]

    @property
    def threshold(self) -> float:
        """The median risk of these slides, which parts them into halves."""
        return float(np.median(self.risks))

    @property
    def high(self) -> Bool[np.ndarray, " slide"]:
        """The half with the higher risk; slides at the median itself are in the other."""
        return np.array(self.risks) > self.threshold

    def metrics(self) -> dict[str, Any]:
        """Harrell's concordance with its interval over cases, and what it was counted on."""
        cases = [row.case for row in self.rows]
        bootstrap = CaseBootstrap.of(cases)
        interval = concordance_interval(self.times, self.events, np.array(self.risks), bootstrap)
        return {
            "concordance": interval.as_dict(),
            "n": len(self.rows),
            "cases": bootstrap.count,
            "events": int(self.events.sum()),
            "median_risk": self.threshold,
        }


def judge_survival(
    predictor: SurvivalPredictor,
    rows: Sequence[Row],
    bags: Mapping[str, Path],
    progress: Callable[[int, int], None] = lambda done, total: None,
    keep: Callable[[SurvivalResult, Row], None] = lambda result, row: None,
    warn: Callable[[str], None] = _log.warning,
) -> JudgedSurvival:
    """Predict slides whose times are known.

    Args:
        predictor: The model to judge.
        rows: The slides.
        bags: The file of each slide's features, by the name of its row.
        progress: Told how many of how many slides are done.
        keep: Handed each result with its row, failed ones too.
        warn: Given a line for each slide that cannot be opened or has a note.

    Raises:
        BadInput: A row lacks its time or event, or no slide can be predicted.
    """
    times_and_events(rows)
    judged = JudgedSurvival()
    results = predictor.stream([bag_item(bags[row.name], row.mpp) for row in rows])
    for done, (row, result) in enumerate(zip(rows, results, strict=True), start=1):
        keep(result, row)
        if line := f"skipped: {result.error}" if result.error else f"note: {result.note}" if result.note else "":
            warn(line)
        if result.error:
            judged.failed += 1
        else:
            judged.rows.append(row)
            judged.risks.append(result.risk)
        progress(done, len(rows))
    if not judged.rows:
        raise BadInput(f"none of the {len(rows)} slides could be predicted", "the lines above say why")
    return judged
