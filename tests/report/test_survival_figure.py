"""The two curves: their steps are those of the estimate, and the picture says how the halves were parted."""

from pathlib import Path

import numpy as np
import pytest

from saccade.core.manifest import Row
from saccade.evaluation.survival_judging import JudgedSurvival
from saccade.inference.plotting import figure_png
from saccade.report.survival_figure import survival_figure


def judged(times: list[float], events: list[bool], risks: list[float]) -> JudgedSurvival:
    rows = [Row(Path(str(n)), "", str(n), time=t, event=e) for n, (t, e) in enumerate(zip(times, events, strict=True))]
    return JudgedSurvival(rows, risks)


def test_curves_marks_and_numbers_at_risk() -> None:
    figure = survival_figure(judged([10, 8, 3, 1], [True, False, True, True], [0.1, 0.2, 0.8, 0.9]), "concordance 1")
    axes, below = figure.axes
    assert axes.get_title(loc="left") == "concordance 1"
    low, low_lost, high, _ = axes.lines
    assert low.get_xydata().tolist() == [[0, 100], [8, 100], [10, 0], [10, 0]]
    assert low_lost.get_xydata().tolist() == [[8, 100]]
    assert high.get_xydata().tolist() == [[0, 100], [1, 50], [3, 0]], "nothing is drawn beyond its last case"
    (legend,) = figure.legends
    assert "median of the predicted risks" in legend.get_title().get_text()
    assert [text.get_text() for text in legend.get_texts()] == [
        "lower risk: 2 slides, 1 with the event",
        "higher risk: 2 slides, 2 with the event",
    ]
    told = {(text.get_position()[0], text.get_position()[1]): text.get_text() for text in below.texts}
    assert told[(0, 0)] == "2" and told[(10, 0)] == "1" and told[(2, 1)] == "1" and told[(4, 1)] == "0"


@pytest.mark.parametrize("times", [[0.0, 0.0], [5.0, 5.0], [5.0]])
def test_small_sets_can_be_drawn(times: list[float]) -> None:
    events = [True] * len(times)
    figure = survival_figure(judged(times, events, np.linspace(0, 1, len(times)).tolist()))
    assert figure_png(figure)[:4] == b"\x89PNG"
