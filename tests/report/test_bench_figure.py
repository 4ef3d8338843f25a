from typing import Any

import pytest
from matplotlib.collections import LineCollection

from saccade.evaluation.paired_rows import mean_accuracy
from saccade.report.bench_figure import bench_figure


def row(model: str, value: float, flops: float) -> dict[str, Any]:
    return {"model": model, "accuracy": {"value": value}, "flops_per_image": flops}


def named(figure: Any) -> list[str]:
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


def test_one_mark_a_model_at_the_mean_of_its_seeds() -> None:
    rows = [row("ours", 0.8, 1e6), row("ours", 0.9, 1e6), row("other", 0.7, 1e9)]
    figure = bench_figure(rows, "cells (simulated)")
    assert figure.get_suptitle() == "cells (simulated)"
    (axes,) = figure.axes
    marks = [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in axes.lines]
    assert [(x, round(y, 6)) for x, y in marks] == [(1e6, 85.0), (1e9, 70.0)]
    assert named(figure) == ["ours (2 seeds)", "other"]
    assert axes.get_xscale() == "log"


def intervals(figure: Any) -> list[list[float]]:
    """The ends of each line that is no mark, in per cent."""
    lines = [one for one in figure.axes[0].collections if isinstance(one, LineCollection)]
    return [[round(float(y), 6) for _, y in segment] for line in lines for segment in line.get_segments()]


def test_intervals_are_those_of_the_rows() -> None:
    """Of one seed its own, of several that of their mean over cases; none where a row has none."""
    one = {**row("ours", 0.8, 1e6), "accuracy": {"value": 0.8, "low": 0.7, "high": 0.9}}
    assert intervals(bench_figure([one, row("other", 0.8, 1e6)])) == [[70.0, 90.0]]
    cases = [f"p{number}" for number in range(40)]
    seeds = [{**one, "right": [1] * count + [0] * (40 - count), "cases": cases} for count in (30, 34)]
    found = mean_accuracy(seeds)
    assert found.low is not None and found.high is not None and found.value == 0.8
    assert intervals(bench_figure(seeds)) == [[round(100 * found.low, 6), round(100 * found.high, 6)]]


def test_models_at_one_place_do_not_hide_each_other() -> None:
    (axes,) = bench_figure([row("ours", 0.8, 1e6), row("other", 0.8, 1e6)]).axes
    assert all(line.get_fillstyle() == "none" for line in axes.lines)
    assert len({line.get_marker() for line in axes.lines}) == 2


def test_other_recipes_have_marks_of_their_own() -> None:
    changed = {**row("ours", 0.6, 1e6), "changes": ["training.epochs=4"]}
    assert named(bench_figure([row("ours", 0.8, 1e6), changed])) == ["ours", "ours, changed recipe"]


@pytest.mark.parametrize(
    "flops", [(7.34e8,), (7.34e8, 7.341e8), (3.8e8, 7.34e8), (2e6, 3e7), (2.3e6, 4e10), (1.0, 1e15)]
)
def test_ticks_are_few_plain_and_all_different(flops: tuple[float, ...]) -> None:
    (axes,) = bench_figure([row(str(one), 0.5, one) for one in flops]).axes
    low, high = axes.get_xlim()
    shown = [axes.xaxis.get_major_formatter()(tick) for tick in axes.get_xticks() if low <= tick <= high]
    assert 2 <= len(shown) <= 6
    assert len(set(shown)) == len(shown)
    assert axes.get_xticks(minor=True).size == 0
    assert low < min(flops) and max(flops) < high


def test_what_was_timed_side_by_side_is_drawn_against_time_too() -> None:
    """A model that was not trained stands at its cost with no accuracy; the others keep theirs."""
    ours = {**row("ours", 0.8, 1e6), "images_per_second": {"1": 100.0, "256": 1000.0}, "measured": {}}
    large = {
        **ours,
        "changes": ["training.epochs=4"],
        "model": "large",
        "accuracy": None,
        "flops_per_image": 1e9,
        "images_per_second": {"256": 10.0},
    }
    figure = bench_figure([ours, large])
    by_flops, by_time = figure.axes
    assert named(figure) == ["ours", "large, not trained"], "cost does not depend on epochs"
    for axes, costs in ((by_flops, [1e6, 1e9]), (by_time, [1e3, 1e5])):
        assert [float(line.get_xdata()[0]) for line in axes.lines] == pytest.approx(costs)
        low, high = axes.get_xlim()
        assert low < costs[0] and costs[1] < high
