"""Sections about performance: their findings, tables and headline."""

from dataclasses import replace

import numpy as np

from saccade.evaluation.intervals import Interval
from saccade.evaluation.metrics import Metrics, evaluate_predictions
from saccade.report.data import CostRow
from saccade.report.performance import (
    budget_section,
    confusion_section,
    cost_section,
    headline,
    recall_section,
    reliability_section,
    training_section,
)
from tests.report.miniature import costs, history, metrics


def perfect() -> Metrics:
    return evaluate_predictions(np.eye(2)[[0, 1, 1]], np.array([0, 1, 1]), ["a", "b", "c"], ("x", "y"), resamples=20)


def test_headline_never_shows_pixels_read_without_pixels_looked_at() -> None:
    html = headline(metrics(), costs())
    assert "15.0 %" in html and "6.2 %" in html and "looked at first" in html
    assert "58.0 k" in html and "2.40 M" in html and "1.23 k" in html
    unknown = headline(None, [replace(costs()[0], pixels_looked_fraction=None)])
    assert "15.0 %" in unknown and "–" in unknown and "looked at first" in unknown


def test_slides_are_called_slides() -> None:
    """Nothing on the page speaks of images, and nothing that is not known has a tile."""
    row = replace(costs()[0], pixels_read_fraction=None, pixels_looked_fraction=None, patches=148)
    tiles = headline(metrics(), [row], "slides")
    assert "Accuracy on 24 slides" in tiles and "Slides per second" in tiles and "Pixels" not in tiles
    assert "per slide of 148 patches" in tiles and "without reading and embedding" in tiles
    given = metrics(), metrics(), metrics(), [row], history()
    builds = (confusion_section, recall_section, reliability_section, cost_section, training_section)
    for value, build in zip(given, builds, strict=True):
        told = build(value, counted="slides")  # pyright: ignore[reportArgumentType]
        words = told.finding + told.lead + told.limits + told.html
        assert "slide" in words and "image" not in words.replace("<image", "").replace("image/", "")


def test_headline_without_anything_is_empty() -> None:
    assert headline(None, None) == headline(None, []) == ""
    assert "no interval" in headline(replace(metrics(), accuracy=Interval(0.5, None, None)), None)


def test_confusion_names_the_most_frequent_mistakes() -> None:
    measured = replace(metrics(), confusion=((5, 3, 0), (0, 7, 1), (2, 0, 6)))
    finding = confusion_section(measured).finding
    assert finding.startswith(
        "Most frequent: neutrophil taken for <b>bold</b> & co (3); basophil taken for neutrophil (2)"
    )
    assert confusion_section(perfect()).finding == "No image was taken for another class."


def test_recall_names_the_lowest_class() -> None:
    measured = metrics()
    lowest = min(("neutrophil", "<b>bold</b> & co"), key=lambda name: measured.per_class[name].recall.value or 0)
    assert recall_section(measured).finding.startswith(f"Lowest: {lowest}, ")
    assert recall_section(perfect()).finding == "All classes, 100.0 %; the lowest bound has x, 100.0 % (20.7–100.0)."


def test_reliability_states_the_error() -> None:
    assert f"{100 * metrics().calibration.ece:.1f} %" in reliability_section(metrics()).finding


def test_training_states_where_the_budget_went() -> None:
    rows = history()
    rows[-1]["pixels_read_fraction"] = 0.149
    assert training_section(rows).finding == "3 epochs; the budget k went from 40.0 % to 14.9 % of the pixels."
    for row in rows:
        row["pixels_looked_fraction"] = "1"
    looked = "3 epochs; the budget k went from 40.0 % to 14.9 % of the pixels read, 100.0 % looked at."
    section = training_section(rows)
    assert section.finding == looked
    assert "14.9 % of the pixels read, 100.0 % looked at" in section.html
    assert training_section([{"epoch": 0, "train_loss": 1}]).finding == "1 epoch."


def searched(kept: int) -> list[dict[str, float]]:
    losses = (0.3, 0.24, 0.26, 0.5)
    shares = (0.3, 0.15, 0.1, 0.02)
    return [
        {"share": share, "val_loss": loss, "kept": float(place == kept)}
        for place, (share, loss) in enumerate(zip(shares, losses, strict=True))
    ]


def test_the_search_tells_what_was_enough() -> None:
    section = budget_section(searched(2), counted="cells")
    expected = "10.0 % of the pixels were kept: validation loss 0.260, the least, 0.240, with 15.0 %."
    assert section.finding == expected and expected in section.html and "validation cells" in section.limits
    assert budget_section(searched(1)).finding.endswith("validation loss 0.240, the least of all.")


def test_a_budget_that_stayed_is_not_called_learned() -> None:
    rows = [{**row, "pixels_read_fraction": 0.15, "pixels_looked_fraction": 1} for row in history()]
    section = training_section(rows)
    assert section.title == "Training" and "budget" not in section.lead
    assert section.finding == "3 epochs; 15.0 % of the pixels read, 100.0 % looked at throughout."


def test_cost_shows_only_columns_that_some_model_has() -> None:
    alone = cost_section([CostRow("only", parameters=5)])
    assert alone.title == "Cost" and "parameters" in alone.html and "FLOPs" not in alone.html
    beside = cost_section(costs())
    assert beside.title == "Cost, beside other models"
    assert beside.html.count("<tr") == 3 and "90.0 % (80.0–95.0)" in beside.html and "40.0 MB" in beside.html
