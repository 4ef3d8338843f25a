"""A sweep may write over its input, and drops what a seed says."""

from dataclasses import replace

import pytest
import torch

from saccade.ops import layer_sweep
from saccade.ops.swept_layer import swept_layer
from tests.ops.ordered_grids import SLIDES, ordered_grid
from tests.ops.test_swept_layer import WIDTH, drawn, task_of, weights


def test_it_may_write_over_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_sweep, "_ROWS", 7)
    grid = ordered_grid(SLIDES["several"])
    task, (made, _) = task_of(grid), weights()
    cells, told = drawn(len(grid), WIDTH).detach(), drawn(6, WIDTH)
    with torch.no_grad():
        apart = swept_layer(cells, told, made, task)
        over = swept_layer(cells, told, made, replace(task, overwrite=True))
    assert over.data_ptr() == cells.data_ptr()
    assert over.equal(apart)


def test_dropout_is_drawn_anew_and_keeps_the_mean() -> None:
    grid = ordered_grid(SLIDES["blobs"])
    task, (made, _) = task_of(grid), weights()
    cells, told = drawn(len(grid), WIDTH).detach(), drawn(1, WIDTH).detach()
    made = made._replace(second=torch.zeros_like(made.second))  # what is told and attended alone: linear in both
    with torch.no_grad():
        whole = swept_layer(cells, told, made, task)
        rows = torch.stack([swept_layer(cells, told, made, replace(task, dropout=0.3)) for _ in range(300)])
    assert not rows[0].equal(rows[1])
    assert torch.allclose(rows.mean(0), whole, atol=6 * float(rows.std(0).max()) / 300**0.5)
