"""The gradient of a layer that drops, against finite differences; without dropout see ``test_swept_layer``."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from saccade.ops import layer_sweep
from saccade.ops.layer_sweep import LayerWeights
from saccade.ops.swept_layer import swept_layer
from tests.ops.ordered_grids import SLIDES, ordered_grid
from tests.ops.test_swept_layer import WIDTH, drawn, task_of, weights


def test_the_gradient_drops_what_was_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_sweep, "_ROWS", 5)
    grid = ordered_grid((SLIDES["two"][0], SLIDES["under a window"][0], SLIDES["a full window"][0]))
    task, (made, _) = replace(task_of(grid), dropout=0.4), weights()
    inputs = [drawn(len(grid), WIDTH), drawn(3, WIDTH), *(part.detach().requires_grad_() for part in made)]
    inputs[7].requires_grad_(False)  # the biases: a step off the least number is none

    def seeded(*parts: Tensor) -> Tensor:
        torch.manual_seed(5)
        return swept_layer(parts[0], parts[1], LayerWeights(*parts[2:]), task)

    assert torch.autograd.gradcheck(seeded, inputs, eps=1e-6, atol=1e-6, fast_mode=True)
