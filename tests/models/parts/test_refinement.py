"""SPAN's layer against the layer written out: every projection made, every edge in a list."""

import math

import pytest
import torch
from torch import Tensor

from saccade.models.parts.refinement import Refinement
from saccade.models.parts.span_pyramid import Compatibility, Stage, span_pyramid
from tests.ops.sparse_grids import SLIDES
from tests.ops.union_by_hand import keys_of
from tests.ops.union_by_hand import literal as windows

WIDTH, HEADS = 6, 2


def layer() -> Refinement:
    made = Refinement(WIDTH, HEADS).double().eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return made


def written_out(made: Refinement, cells: Tensor, token: Tensor, stage: Stage) -> tuple[Tensor, Tensor]:
    """Nothing is saved: cells have global queries, keys have biases, one softmax has a single key."""
    released, grid = stage.sentinel is not None, stage.grid
    normed, own = made.norm(cells), made.norm(token)
    three = [part(normed).unflatten(1, (HEADS, -1)) for part in (made.query, made.key, made.value)]
    mixed = windows(*three, made.table, grid, keys_of(grid, released)).flatten(1)
    slide = grid.slide.tolist()
    heads = [slice(head * WIDTH // HEADS, (head + 1) * WIDTH // HEADS) for head in range(HEADS)]
    told, asked = [], []
    hidden = [released and bool(mark) for mark in grid.sentinel]
    for number, home in enumerate(slide):
        query, key, value = made.global_query(normed[number]), made.global_key(own[home]), made.global_value(own[home])
        edges = [(query[part] @ key[part] / math.sqrt(WIDTH // HEADS))[None].softmax(0) * value[part] for part in heads]
        told.append(0 * torch.cat(edges) if hidden[number] else torch.cat(edges))
    for home in range(len(token)):
        seen = [normed[number] for number in range(len(cells)) if slide[number] == home and not hidden[number]]
        inputs = torch.stack([*seen, own[home]])
        query, key, value = made.global_query(own[home]), made.global_key(inputs), made.global_value(inputs)
        edges = [(key[:, part] @ query[part] / math.sqrt(WIDTH // HEADS)).softmax(0) @ value[:, part] for part in heads]
        asked.append(torch.cat(edges))
    cells = cells + made.out(mixed + torch.stack(told)) if told else cells
    token = token + made.out(torch.stack(asked))
    return tuple(each + made.feed_forward(made.feed_forward_norm(each)) for each in (cells, token))


@pytest.mark.parametrize("slides", ["none", "one", "two", "under a window", "a full window", "blobs", "several"])
@pytest.mark.parametrize("compatibility", ["correct", "released"])
def test_it_is_the_layer_written_out(slides: str, compatibility: Compatibility) -> None:
    made, bags = layer(), SLIDES[slides]
    pyramid = span_pyramid(torch.cat(bags), tuple(map(len, bags)), compatibility)
    for stage in pyramid.stages[1:]:
        cells = torch.randn(len(stage.grid), WIDTH, dtype=torch.float64)
        token = torch.randn(len(bags), WIDTH, dtype=torch.float64)
        found, (wanted, told) = made(cells, token, stage), written_out(made, cells, token, stage)
        assert torch.allclose(found.cells, wanted, atol=1e-10, rtol=0)
        assert torch.allclose(found.token, told, atol=1e-10, rtol=0)
        alone = made.token_only(cells, token, stage)
        assert alone.cells is None
        assert alone.token.equal(found.token)
        assert alone.weights.equal(found.weights)


def test_gradients_are_those_of_the_layer_written_out() -> None:
    made, bags = layer(), SLIDES["several"]
    stage = span_pyramid(torch.cat(bags), tuple(map(len, bags))).stages[1]
    cells = torch.randn(len(stage.grid), WIDTH, dtype=torch.float64, requires_grad=True)
    token = torch.randn(len(bags), WIDTH, dtype=torch.float64, requires_grad=True)
    found = made(cells, token, stage)
    wanted = written_out(made, cells, token, stage)
    probes = [torch.randn_like(each) for each in wanted]
    inputs = [cells, token, *made.parameters()]
    sums = [
        sum((each * probe).sum() for each, probe in zip(outputs, probes, strict=True))
        for outputs in ((found.cells, found.token), wanted)
    ]
    ours, theirs = (torch.autograd.grad(total, inputs, materialize_grads=True) for total in sums)
    assert all(torch.allclose(own, other, atol=1e-9, rtol=1e-9) for own, other in zip(ours, theirs, strict=True))


def test_training_drops_by_cell_and_head_and_keeps_the_mean() -> None:
    made = Refinement(WIDTH, HEADS, dropout=0.4).double()
    for part in (made.value, made.feed_forward[3]):
        torch.nn.init.zeros_(part.weight)
        torch.nn.init.zeros_(part.bias)
    torch.nn.init.eye_(made.out.weight)
    torch.nn.init.zeros_(made.out.bias)
    bags = SLIDES["blobs"]
    stage = span_pyramid(torch.cat(bags), tuple(map(len, bags))).stages[0]
    cells, token = torch.zeros(len(stage.grid), WIDTH).double(), torch.randn(1, WIDTH).double()
    told = made.eval()(cells, token, stage).cells
    dropped = torch.stack([made.train()(cells, token, stage).cells for _ in range(40)])
    gone = (dropped == 0).unflatten(-1, (HEADS, -1))
    assert gone.all(-1).equal(gone.any(-1))
    assert abs(float(gone.double().mean()) - 0.4) < 0.05
    assert torch.allclose(dropped.mean((0, 1)), told.mean(0), rtol=0.1)
