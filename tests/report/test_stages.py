"""Training in stages: told from the history's columns, shaded, and summed up."""

import math
from typing import Any

import numpy as np
import pytest

from saccade.report.stages import SPREAD, has_stages, staged_figure, stages_of, stages_section, with_spread
from tests.report.miniature import history, staged_history


def test_stages_are_told_from_the_losses_or_named() -> None:
    assert stages_of(staged_history()) == ["warm-up", "warm-up", "reading", "joint", "joint"]
    named = [{"stage": "warm-up", "train_cross_entropy": 1.0}, {"stage": "", "train_cross_entropy": 1.0}]
    assert stages_of(named) == ["warm-up", "reading"]


def test_only_trainings_in_stages_have_them() -> None:
    assert has_stages(staged_history()) and has_stages(staged_history()[:3])
    assert has_stages(warm_up_alone())
    assert not has_stages(history()) and not has_stages([])
    assert not has_stages([{"epoch": 1, "train_loss": 1.0, "train_cross_entropy": 1.0}] * 3)


def test_the_spread_of_an_even_map_is_its_number_of_cells() -> None:
    entropy, cells = 0.002, 400
    rows = with_spread([{"epoch": 1, "train_entropy": -entropy * math.log(cells)}, {"epoch": 2}], entropy)
    assert rows[0][SPREAD] == pytest.approx(cells) and math.isnan(rows[1][SPREAD])
    assert math.isnan(with_spread(staged_history(), None)[-1][SPREAD])


def test_panels_hold_the_columns_and_shades_the_stages() -> None:
    rows = with_spread(staged_history(), 0.002)
    losses, accuracy, spread = staged_figure(rows).axes
    np.testing.assert_allclose(losses.lines[0].get_ydata(), [np.nan, np.nan, 1.2, 0.8, 0.4])
    np.testing.assert_allclose(losses.lines[1].get_ydata(), [row["val_loss"] for row in rows])
    np.testing.assert_allclose(accuracy.lines[0].get_ydata(), [0, 20, 40, 60, 80])
    np.testing.assert_allclose(spread.lines[0].get_ydata()[3:], [math.exp(4), math.e])
    bands = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in accuracy.patches]
    assert bands == [(0.5, 2.5), (2.5, 3.5), (3.5, 5.5)]


def test_panels_without_values_are_left_out() -> None:
    assert len(staged_figure(with_spread(staged_history(), None)).axes) == 2


def test_the_section_sums_up() -> None:
    finding = stages_section(with_spread(staged_history(), 0.002)).finding
    assert finding == (
        "5 epochs: 2 for the look, by labels, 1 for the reader alone, 2 for both; "
        "in the last of these the look narrowed from 55 cells to 2.7."
    )
    assert stages_section(staged_history()).finding.endswith("2 for both.")


def test_a_training_that_ended_in_its_warm_up_is_called_untrained() -> None:
    finding = stages_section(warm_up_alone()).finding
    assert finding.startswith("2 epochs: 2 for the look, by labels. The training ended before the reader learned")
    assert "guessing" not in stages_section(staged_history()).finding


def warm_up_alone() -> list[dict[str, Any]]:
    """Two epochs, in which nothing but the look learned."""
    return [{"epoch": i, "train_loss": 9.0, "train_warm_up": 9.0, "val_accuracy": 0.2} for i in (1, 2)]
