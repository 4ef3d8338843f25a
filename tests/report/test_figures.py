"""What the plots hold, read back from matplotlib; and that no names of classes overlap."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from saccade.evaluation.intervals import Interval
from saccade.report.figures import column, confusion_figure, recall_figure, reliability_figure, short, training_figure
from saccade.report.style import BLUE, figure_html
from tests.report.miniature import CLASSES, history, metrics


def overlaps(figure: Figure, labels: list) -> bool:
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    boxes = [label.get_window_extent(renderer) for label in labels]
    return any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_training_leaves_out_panels_without_values() -> None:
    assert len(training_figure(history()).axes) == 3
    rows = [{"epoch": "0", "train_loss": "0.5", "val_loss": "", "budget": ""}, {"epoch": "1", "train_loss": "0.25"}]
    (axes,) = training_figure(rows).axes
    assert axes.get_title(loc="left") == "Loss"
    assert axes.lines[0].get_ydata().tolist() == [0.5, 0.25]


def test_budget_is_in_per_cent() -> None:
    last = training_figure(history()).axes[2]
    assert last.lines[0].get_ydata().tolist() == [40, 40, 40]
    assert last.get_title(loc="right") == ""


def test_pixels_read_stand_beside_pixels_looked_at() -> None:
    rows = [{**row, "pixels_looked_fraction": 0.25} for row in history()]
    *others, last = training_figure(rows).axes
    assert last.get_title(loc="right") == "looked at: 25 %"
    assert not any(axes.get_title(loc="right") for axes in others)


def test_confusion_shows_counts_and_shares() -> None:
    measured = metrics()
    (axes,) = confusion_figure(measured).axes
    shown = {(round(t.get_position()[1]), round(t.get_position()[0])): int(t.get_text()) for t in axes.texts}
    counts = np.array(measured.confusion)
    assert shown == {(r, c): n for (r, c), n in np.ndenumerate(counts) if n}
    cells = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert {to_hex(cell.get_facecolor()) for cell in cells} == {BLUE}
    alphas = np.array([cell.get_alpha() for cell in cells]).reshape(3, 3)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    np.testing.assert_allclose(alphas, 0.04 + 0.96 * shares)


@pytest.mark.parametrize("classes", [8, 12])
def test_class_names_do_not_overlap(classes: int) -> None:
    names = tuple(f"erythroblast, orthochromatic {i}" for i in range(classes))
    for figure in (confusion_figure(metrics(names)), recall_figure(metrics(names))):
        (axes,) = figure.axes
        assert not overlaps(figure, axes.get_yticklabels())
    (axes,) = confusion_figure(metrics(names)).axes
    step = axes.transData.transform([(1, 0), (0, 0)])
    height = 9.5 / 72 * axes.figure.dpi
    assert (step[0] - step[1])[0] * np.sin(np.radians(40)) > height, "turned names run into each other"


def test_recall_has_a_row_for_every_class_and_marks_only_those_with_images() -> None:
    (axes,) = recall_figure(metrics()).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == list(CLASSES)
    marked = [line for line in axes.lines if line.get_marker() == "o"]
    assert len(marked) == 2
    assert [text.get_text() for text in axes.texts] == ["n = 12", "n = 12", "n = 0"]


def test_reliability_shows_the_bins_that_have_images() -> None:
    measured = metrics().calibration
    above, below = reliability_figure(measured).axes
    filled = [one for one in measured.bins if one.n]
    points = above.collections[0].get_offsets()
    np.testing.assert_allclose(points, [[100 * (one.confidence or 0), 100 * (one.accuracy or 0)] for one in filled])
    assert [bar.get_height() for bar in below.patches] == [one.n for one in filled]


def test_short_names_and_columns() -> None:
    assert short("x" * 22) == "x" * 22
    assert short("x" * 23) == "x" * 21 + "…"
    found = column([{"a": "1.5"}, {"a": ""}, {"a": None}, {}, {"a": 2}], "a")
    np.testing.assert_array_equal(found, [1.5, np.nan, np.nan, np.nan, 2])


@pytest.mark.parametrize("low", [0.0, 0.4])
def test_the_axis_of_recall_holds_every_interval(low: float) -> None:
    """Also one that begins at zero: drawn beyond the axis, it left the figure no room."""
    measured = metrics(("a", "b"))
    one = replace(measured.per_class["a"], recall=Interval(0.5, low, 0.9))
    figure = recall_figure(replace(measured, per_class={"a": one, "b": one}))
    assert figure.axes[0].get_xlim()[0] == pytest.approx(max(0.0, 100 * low - 6))
    figure_html(figure, "recall", "recall")  # a warning about its size would be an error
