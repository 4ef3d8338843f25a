"""What the plots of faithfulness and pointing hold, read back from matplotlib."""

import numpy as np
import pytest

from saccade.explanation.faithfulness import Curve, Faithfulness
from saccade.report.data import OverImages
from saccade.report.trust_figures import faithfulness_figure, pointing_figure
from tests.report.miniature import faithful, pointed


def test_curves_are_means_in_per_cent() -> None:
    over = faithful()
    left, right = faithfulness_figure(over).axes
    for axes, kind in ((left, "deletion"), (right, "insertion")):
        assert [line.get_label() for line in axes.lines] == ["own", "twin", "chance"]
        for line, curve in zip(axes.lines, over.measured.curves.values(), strict=True):
            np.testing.assert_allclose(line.get_ydata(), 100 * getattr(curve, kind).mean(axis=0))
            np.testing.assert_allclose(line.get_xdata(), [0, 5, 10, 15])
    styles = {(line.get_color(), str(line.get_linestyle())) for line in left.lines}
    assert len(styles) == 3, "curves are told apart by colour and dashes"


def test_one_image_has_curves_without_a_band() -> None:
    curve = Curve(np.array([0.0, 0.1]), np.array([[0.9, 0.2]]), np.array([[0.2, 0.9]]))
    over = OverImages(Faithfulness({"own": curve}, "grey"), np.array([0]), ("a",), ["one"])
    left, _ = faithfulness_figure(over).axes
    np.testing.assert_allclose(left.lines[0].get_ydata(), [90, 20])


def test_of_one_class_there_is_one_row() -> None:
    over = pointed()
    alone = OverImages(over.measured, np.ones_like(over.labels), over.classes, over.cases)
    (axes,) = pointing_figure(alone).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["<b>bold</b> & co"]


def test_pointing_has_a_row_for_all_and_for_every_class_with_images() -> None:
    over = pointed()
    (axes,) = pointing_figure(over).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["all", "neutrophil", "<b>bold</b> & co"]
    area, read, weight = (line for line in axes.lines if not line.get_label().startswith("_"))
    assert area.get_xdata()[0] == pytest.approx(25)
    assert read.get_xdata()[0] == pytest.approx(100 * over.measured.read.mean().item(), rel=1e-5)
    assert weight.get_xdata()[0] == pytest.approx(100 * over.measured.weight.mean().item(), rel=1e-5)
