"""Networks of a bench are built again from its rows, measured together, and once."""

from pathlib import Path
from typing import Any

import pytest
from torch import rand

from saccade.evaluation.cost import count_flops, count_parameters
from saccade.evaluation.machine import describe_machine
from saccade.inference.fast import FastModel
from saccade.models import create_model
from saccade.training import bench_costs as module
from saccade.training.bench_costs import BATCHES, cost_row, measure_together
from saccade.training.recipe import Recipe


def row(model: str, seed: int | None = 0, **options: Any) -> dict[str, Any]:
    network = {"classes": ["a", "b"], "options": {"channels": 1, **options}, "shape": [1, 16, 16]}
    return {"model": model, "seed": seed, "network": network}


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """No timing and no child processes: how many models were timed together, and the batch."""
    asked: list[tuple[int, int]] = []

    def speeds(models: dict[str, Any], images: Any, *, batch: int, rounds: int) -> dict[str, float]:
        assert all(isinstance(model, FastModel) for model in models.values()), "as prediction uses them"
        asked.append((len(models), batch))
        return {name: float(model(images[:2]).logits.shape[1]) for name, model in models.items()}

    monkeypatch.setattr(module, "compare_speed", speeds)
    monkeypatch.setattr(module, "peak_memory_bytes", lambda factory, arguments, shape: shape[0] * 1000)
    return asked


def test_networks_built_alike_are_measured_once_and_together(timed: list[tuple[int, int]]) -> None:
    rows = [row("tiny-cnn"), row("tiny-cnn", 1), row("random-pixels", budget=8), row("random-pixels", 1, budget=9)]
    assert measure_together(rows)
    assert timed == [(3, batch) for batch in BATCHES]
    assert rows[0]["flops_per_image"] == count_flops(
        create_model("tiny-cnn", ("a", "b"), channels=1), rand(1, 1, 16, 16)
    )
    few, more = (rows[number]["flops_per_image"] for number in (2, 3))
    assert few < more, "the budget that was learned counts"
    assert rows[0]["images_per_second"] == {"1": 2.0, "256": 2.0}
    assert rows[0]["peak_memory_bytes"] == 256_000
    assert describe_machine().items() <= rows[0]["measured"].items(), "a figure without its machine says little"
    assert not measure_together(rows) and len(timed) == 2, "what is there is not measured again"
    assert measure_together([*rows, row("all-pixels")]), "one more, and all are measured together again"
    assert timed[2:] == [(4, batch) for batch in BATCHES]


def test_images_of_another_shape_are_measured_apart(timed: list[tuple[int, int]]) -> None:
    other = row("tiny-cnn")
    other["network"] = {**other["network"], "shape": [1, 20, 20]}
    assert measure_together([row("tiny-cnn"), other])
    assert timed == [(1, batch) for _ in range(2) for batch in BATCHES]


def test_rows_of_other_scales_are_left_alone(timed: list[tuple[int, int]]) -> None:
    rows = [{"model": "span", "images_per_second": {"1": 3.0}}]
    assert not measure_together(rows) and not timed
    assert rows == [{"model": "span", "images_per_second": {"1": 3.0}}]


def test_a_model_that_is_not_trained_has_a_cost_for_the_images_of_the_data(miniature: Path) -> None:
    recipe = Recipe.parse({"data": {"path": "cells", "size": 16}, "model": {"name": "vit-tiny"}})
    found = cost_row(miniature / "cells" / "manifest.csv", recipe)
    model = create_model("vit-tiny", tuple(found["network"]["classes"]), **found["network"]["options"])
    assert found["accuracy"] is None and found["seconds_training"] is None
    assert found["parameters"] == count_parameters(model)
    assert found["network"]["shape"][1:] == [16, 16]
    assert (found["pixels_read_fraction"], found["pixels_looked_fraction"]) == (1.0, 0.0)
