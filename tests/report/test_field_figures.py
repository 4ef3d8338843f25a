"""What the plots about fields hold, read back from matplotlib."""

import numpy as np
import pytest

from saccade.report.field_figures import box_pointing_figure, runs_figure
from tests.report.miniature import box_pointed, runs


def test_pointing_beside_chance_class_by_class() -> None:
    over = box_pointed()
    (axes,) = box_pointing_figure(over).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["all", "neutrophil", "<b>bold</b> & co"]
    area, hits, heaviest = (line for line in axes.lines if not line.get_label().startswith("_"))
    assert area.get_xdata()[0] == pytest.approx(2)
    assert hits.get_xdata()[0] == pytest.approx(100 * np.nanmean(over.measured.hits))
    assert heaviest.get_xdata()[0] == pytest.approx(100 * np.nanmean(over.measured.heaviest))


def test_runs_have_a_row_each() -> None:
    (axes,) = runs_figure(runs()).axes
    notes = [label.get_text().splitlines()[1] for label in axes.get_yticklabels()]
    assert notes == ["4.8 % read, 4.0 % looked at", "0.8 % read, 4.0 % looked at", "– read, – looked at"]
    marked = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert marked == pytest.approx([94, 87, 90])
