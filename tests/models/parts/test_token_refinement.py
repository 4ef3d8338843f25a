"""The layer with several tokens against the layer written out, one edge at a time."""

import pytest
import torch
from torch import Tensor

from saccade.models.parts.span_pyramid import Stage, span_pyramid
from saccade.models.parts.token_refinement import TokenRefinement, TokenSummaries
from tests.ops.sparse_grids import SLIDES
from tests.ops.test_token_attention import asked_literal, told_literal
from tests.ops.union_by_hand import keys_of
from tests.ops.union_by_hand import literal as windows

WIDTH, HEADS = 6, 2


def written_out(made: TokenRefinement, cells: Tensor, tokens: Tensor, stage: Stage) -> tuple[Tensor, Tensor]:
    normed, own, near, lengths = made.norm(cells), made.norm(tokens), made.windows, stage.grid.lengths
    three = [part(normed).unflatten(1, (made.heads, -1)) for part in (near.query, near.key, near.value)]
    mixed = windows(*three, near.table, stage.grid, keys_of(stage.grid)).flatten(1)
    query = made.query(normed).unflatten(1, (made.heads, -1))
    key, value = (part(own).unflatten(2, (made.heads, -1)) for part in (made.key, made.value))
    told = told_literal(query, key, value, lengths).flatten(1)
    parts = [made.query(own), own, normed, made.key.weight, made.value.weight, made.value.bias]
    mixtures = (mixed + told, asked_literal(parts, lengths, made.heads))
    rows = [before + made.out(mixture) for before, mixture in zip((cells, tokens), mixtures, strict=True)]
    cells, tokens = (each + made.feed_forward(made.feed_forward_norm(each)) for each in rows)
    return cells, tokens


def layer() -> TokenRefinement:
    made = TokenRefinement(WIDTH, HEADS).double().eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return made


@pytest.mark.parametrize("slides", ["one", "blobs", "several"])
def test_it_is_the_layer_written_out(slides: str) -> None:
    made, bags = layer(), SLIDES[slides]
    stage = span_pyramid(torch.cat(bags), tuple(map(len, bags))).stages[1]
    cells = torch.randn(len(stage.grid), WIDTH, dtype=torch.float64, requires_grad=True)
    tokens = torch.randn(len(bags), 3, WIDTH, dtype=torch.float64, requires_grad=True)
    found, wanted = made(cells, tokens, stage), written_out(made, cells, tokens, stage)
    assert all(torch.allclose(own, other, atol=1e-10, rtol=0) for own, other in zip(found, wanted, strict=True))
    assert made.cells_only(cells, tokens, stage).equal(found[0])
    probes = [torch.randn_like(each) for each in wanted]
    sums = [sum((a * b).sum() for a, b in zip(each, probes, strict=True)) for each in (found, wanted)]
    inputs = [cells, tokens, *made.parameters()]
    ours, theirs = (torch.autograd.grad(total, inputs, materialize_grads=True) for total in sums)
    assert all(torch.allclose(own, other, atol=1e-9, rtol=1e-9) for own, other in zip(ours, theirs, strict=True))


def test_training_drops_weights() -> None:
    bags = SLIDES["blobs"]
    stage = span_pyramid(torch.cat(bags), tuple(map(len, bags))).stages[0]
    made = TokenRefinement(WIDTH, HEADS, dropout=0.4).train()
    cells, tokens = torch.randn(len(stage.grid), WIDTH), torch.randn(1, 3, WIDTH)
    first, second = made(cells, tokens, stage), made(cells, tokens, stage)
    assert not first[0].equal(second[0])
    assert not first[1].equal(second[1])


def test_a_slide_begins_with_its_largest_its_mean_and_fixed_features() -> None:
    made = TokenSummaries(4)
    features = torch.randn(7, 4)
    found = made(features, (5, 0, 2))
    assert found.shape == (3, 3, 4)
    assert torch.allclose(found[0, 0], features[:5].max(0).values)
    assert torch.allclose(found[2, 1], (features[5] + features[6]) / 2)
    assert found[1, :2].tolist() == [[0] * 4] * 2
    assert all(found[slide, 2].equal(made.fixed) for slide in range(3))
    assert "fixed" in made.state_dict()
    assert 0 < float(made.fixed.abs().max()) < 1e-3
    assert made(features[:0], ()).shape == (0, 3, 4)
