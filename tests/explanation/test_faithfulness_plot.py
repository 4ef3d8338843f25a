"""The picture has the curves that were measured, and their areas in words."""

import numpy as np

from saccade.explanation.faithfulness import Curve, Faithfulness
from saccade.explanation.faithfulness_plot import faithfulness_plot

X = np.array([0.0, 0.25, 1.0])
MEASURED = Faithfulness(
    {
        "heaviest first": Curve(X, np.array([[0.9, 0.5, 0.1]]), np.array([[0.1, 0.8, 0.9]])),
        "random patches": Curve(X, np.array([[0.9, 0.9, 0.1]]), np.array([[0.1, 0.1, 0.9]])),
    },
    "nothing",
    "patches",
    "those of the slide",
)


def test_both_panels_have_every_curve() -> None:
    left, right = faithfulness_plot(MEASURED, "tumour").axes
    for axes, kind in ((left, "deletion"), (right, "insertion")):
        assert len(axes.lines) == 2
        for line, (name, curve) in zip(axes.lines, MEASURED.curves.items(), strict=True):
            np.testing.assert_allclose(line.get_xdata(), 100 * X)
            np.testing.assert_allclose(line.get_ydata(), 100 * getattr(curve, kind)[0])
            assert line.get_label() == f"{name}: {getattr(curve, f'{kind}_area')[0]:.2f}"
    assert "tumour" in left.get_ylabel() and "patches" in right.get_xlabel()


def test_lines_are_told_apart_without_colours() -> None:
    curves = {str(number): MEASURED.curves["heaviest first"] for number in range(5)}
    left, _ = faithfulness_plot(Faithfulness(curves, "nothing"), "a").axes
    dashes = {str(line._dash_pattern) for line in left.lines}
    assert len(dashes) == 5


def test_a_title_stands_above_both() -> None:
    assert faithfulness_plot(MEASURED, "a", "SIMULATED SLIDE").get_suptitle() == "SIMULATED SLIDE"
    assert faithfulness_plot(MEASURED, "a").get_suptitle() == ""
