from typing import Any

from saccade.report.bench_figure import bench_figure


def row(model: str, value: float, flops: float) -> dict[str, Any]:
    return {"model": model, "accuracy": {"value": value}, "flops_per_image": flops}


def test_one_mark_a_model_at_the_mean_of_its_seeds() -> None:
    figure = bench_figure([row("ours", 0.8, 1e6), row("ours", 0.9, 1e6), row("other", 0.7, 1e9)])
    (axes,) = figure.axes
    marks = [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in axes.lines]
    assert [(x, round(y, 6)) for x, y in marks] == [(1e6, 85.0), (1e9, 70.0)]
    assert [text.get_text() for text in axes.texts] == ["ours (2 seeds)", "other"]
    assert axes.get_xscale() == "log"
