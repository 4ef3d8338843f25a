"""A swept layer against the same layer written plainly, and its gradients against autograd's."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from saccade.core.errors import BadInput
from saccade.ops import layer_sweep
from saccade.ops.layer_sweep import LayerTask, LayerWeights
from saccade.ops.slide_grid import SlideGrid
from saccade.ops.swept_layer import swept_layer
from saccade.ops.union_index import union_index
from saccade.ops.union_windows import union_window_attention
from tests.ops.ordered_grids import SLIDES, ordered_grid
from tests.ops.sparse_grids import grid_of
from tests.ops.test_block_attention import biases

HEADS, WIDTH, HIDDEN = 2, 6, 8


def drawn(*shape: int) -> Tensor:
    return (0.5 * torch.randn(shape, dtype=torch.float64)).requires_grad_()


def weights() -> tuple[LayerWeights, Tensor]:
    """A layer, and the table its biases come from."""
    table = drawn(HEADS, 11, 11)
    square, row = (WIDTH, WIDTH), (WIDTH,)
    shapes = [(2, WIDTH), square, row, (2 * WIDTH, WIDTH), (2 * WIDTH,), None, square, row]
    shapes += [(2, WIDTH), (HIDDEN, WIDTH), (HIDDEN,), (WIDTH, HIDDEN), row]
    return LayerWeights(*(biases(table) if shape is None else drawn(*shape) for shape in shapes)), table


def plainly(cells: Tensor, told: Tensor, made: LayerWeights, table: Tensor, task: LayerTask) -> Tensor:
    normed = F.layer_norm(cells, (WIDTH,), *made.norm)
    query = F.linear(normed, made.query, made.query_bias).unflatten(1, (HEADS, -1))
    key, value = F.linear(normed, made.both, made.both_bias).unflatten(1, (HEADS, -1)).chunk(2, dim=2)
    heard = told[task.slide] if task.untold is None else told[task.slide].masked_fill(task.untold[:, None], 0.0)
    mixed = union_window_attention(query, key, value, table, task.windows).flatten(1) + heard
    after = cells + F.linear(mixed, made.out, made.out_bias)
    second = F.layer_norm(after, (WIDTH,), *made.second_norm)
    hidden = F.linear(second, made.first, made.first_bias).relu()
    return after + F.linear(hidden, made.second, made.second_bias)


def task_of(grid: SlideGrid, released: bool = False) -> LayerTask:
    return LayerTask(union_index(grid, released), grid.slide, grid.sentinel if released else None)


@pytest.mark.parametrize("rows", [7, 1000])
@pytest.mark.parametrize("released", [False, True])
@pytest.mark.parametrize("slides", SLIDES)
def test_it_is_the_plain_layer_and_so_are_its_gradients(
    slides: str, released: bool, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layer_sweep, "_ROWS", rows)
    grid = ordered_grid(SLIDES[slides], released)
    task, (made, table) = task_of(grid, released), weights()
    cells, told = drawn(len(grid), WIDTH), drawn(len(SLIDES[slides]), WIDTH)
    found, wanted = swept_layer(cells, told, made, task), plainly(cells, told, made, table, task)
    assert torch.allclose(found, wanted, atol=1e-10, rtol=0)
    inputs = [cells, told, table, *(part for part in made if part.is_leaf)]
    grad = torch.randn_like(found)
    ours = torch.autograd.grad(found, inputs, grad, retain_graph=True)
    theirs = torch.autograd.grad(wanted, inputs, grad, materialize_grads=True)
    for own, other in zip(ours, theirs, strict=True):
        assert torch.allclose(own, other, atol=1e-10, rtol=1e-10)


def test_where_a_gradient_is_asked_for_the_input_stays() -> None:
    grid = ordered_grid(SLIDES["blobs"])
    task, (made, _) = task_of(grid), weights()
    cells = drawn(len(grid), WIDTH)
    before = cells.detach().clone()
    swept_layer(cells, drawn(1, WIDTH), made, replace(task, overwrite=True))
    assert cells.equal(before)


def test_cells_in_another_order_are_refused() -> None:
    made, _ = weights()
    with pytest.raises(BadInput, match="order"):
        swept_layer(drawn(len(SLIDES["blobs"][0]), WIDTH), drawn(1, WIDTH), made, task_of(grid_of(SLIDES["blobs"])))
