"""SPAN's encoder: stages joined, and nothing computed that nobody asks for."""

import pytest
import torch

from saccade.models.parts.condensations import Depthwise
from saccade.models.parts.refinement import Refinement
from saccade.models.parts.span_encoder import SpanEncoder
from saccade.models.parts.span_pyramid import span_pyramid
from tests.ops.sparse_grids import SLIDES

SEVERAL = SLIDES["several"]
LENGTHS = tuple(map(len, SEVERAL))


def encoder() -> SpanEncoder:
    return SpanEncoder(in_features=12, width=8, heads=2).double().eval()


@pytest.fixture
def features() -> torch.Tensor:
    return torch.randn(sum(LENGTHS), 12, dtype=torch.float64)


def test_each_stage_enters_and_refines_what_the_one_before_left(features: torch.Tensor) -> None:
    made, pyramid = encoder(), span_pyramid(torch.cat(SEVERAL), LENGTHS)
    found = made(features, pyramid)
    cells = pyramid.entered(features) @ made.enter[0].cells.weight.T
    token = made.enter[0].token(made.token).expand(len(LENGTHS), -1)
    for number, stage in enumerate(pyramid.stages):
        if number:
            enter = made.enter[number]
            assert isinstance(enter, Depthwise) and stage.condensed is not None
            children = enter.norm(cells) * enter.weight[:, 0].flatten(1).T[stage.condensed.slot]
            cells = torch.stack([children[stage.condensed.parent == cell].mean(0) for cell in range(len(stage.grid))])
            token = enter.token_norm(token)
        refine = made.refine[number]
        assert isinstance(refine, Refinement)
        refined = refine(cells, token, stage)
        cells, token = refined.cells, refined.token
        assert torch.allclose(found[number].cells, cells, atol=1e-10)
        assert torch.allclose(found[number].token, token, atol=1e-10)


def test_tokens_alone_are_the_same_tokens(features: torch.Tensor) -> None:
    made, pyramid = encoder(), span_pyramid(torch.cat(SEVERAL), LENGTHS)
    for whole, only in zip(made(features, pyramid), made.tokens(features, pyramid), strict=True):
        assert only.token.equal(whole.token)
        assert only.weights.equal(whole.weights)
    assert only.cells is None
