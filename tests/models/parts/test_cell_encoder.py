"""The encoder without a global token against the encoder written out, and what a slide is to it."""

import pytest
import torch
from torch import Tensor

from saccade.models.parts.cell_encoder import CellEncoder, CellRefinement
from saccade.models.parts.condensations import Depthwise
from saccade.models.parts.span_pyramid import Stage, span_pyramid
from tests.ops.sparse_grids import SLIDES
from tests.ops.union_by_hand import keys_of
from tests.ops.union_by_hand import literal as windows

FEATURES, WIDTH, HEADS = 5, 6, 2


def layer_written_out(made: CellRefinement, cells: Tensor, stage: Stage) -> Tensor:
    normed, parts = made.norm(cells), made.windows
    three = [part(normed).unflatten(1, (HEADS, -1)) for part in (parts.query, parts.key, parts.value)]
    mixed = windows(*three, parts.table, stage.grid, keys_of(stage.grid)).flatten(1)
    cells = cells + made.out(mixed)
    return cells + made.feed_forward(made.feed_forward_norm(cells))


@pytest.mark.parametrize("slides", ["none", "one", "blobs", "several"])
def test_it_is_three_layers_and_two_condensations_and_a_mean(slides: str) -> None:
    bags = SLIDES[slides]
    lengths = tuple(map(len, bags))
    pyramid = span_pyramid(torch.cat(bags), lengths)
    made = CellEncoder(FEATURES, WIDTH, HEADS).double().eval()
    features = torch.randn(sum(lengths), FEATURES, dtype=torch.float64)
    found = made.tokens(features, pyramid)
    cells = pyramid.entered(features) @ made.enter.weight.T
    for number, stage in enumerate(pyramid.stages):
        if number:
            step = made.condense[number - 1]
            assert isinstance(step, Depthwise)
            cells = step.cells(cells, stage)
        refine = made.refine[number]
        assert isinstance(refine, CellRefinement)
        cells = layer_written_out(refine, cells, stage)
        assert found[number].cells is not None
        assert torch.allclose(found[number].cells, cells, atol=1e-10)
        for slide, own in enumerate(cells.split(stage.grid.lengths)):
            mean = own.mean(0) if len(own) else torch.zeros(WIDTH, dtype=torch.float64)
            assert torch.allclose(found[number].token[slide], mean, atol=1e-6)
    sums = [float(own.sum()) for own in found[-1].weights.split(pyramid.stages[-1].grid.lengths)]
    assert sums == pytest.approx([float(length > 0) for length in lengths])
    assert all(float(each.weights.abs().sum()) == 0 for each in found[:-1])


def test_far_cells_learn_nothing_of_each_other() -> None:
    cells = torch.cat([SLIDES["under a window"][0], SLIDES["under a window"][0] + 400])
    pyramid = span_pyramid(cells, (len(cells),))
    made = CellEncoder(FEATURES, WIDTH, HEADS).double().eval()
    features = torch.randn(len(cells), FEATURES, dtype=torch.float64)
    changed = features.clone()
    changed[-1] += 1
    near = pyramid.stages[-1].grid.cells[:, 0] < 50
    before, after = (made.tokens(each, pyramid)[-1].cells for each in (features, changed))
    assert before is not None and after is not None
    assert before[near].equal(after[near])
    assert not before[~near].equal(after[~near])


def test_training_drops_features_weights_and_hidden_numbers() -> None:
    bags = SLIDES["blobs"]
    pyramid = span_pyramid(torch.cat(bags), tuple(map(len, bags)))
    made = CellEncoder(FEATURES, WIDTH, HEADS, dropout=0.5)
    features = torch.randn(len(bags[0]), FEATURES)
    rows = [made.train().tokens(features, pyramid)[-1].token for _ in range(2)]
    assert not rows[0].equal(rows[1])
    calm = [made.eval().tokens(features, pyramid)[-1].token for _ in range(2)]
    assert calm[0].equal(calm[1])
