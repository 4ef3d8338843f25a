"""Attention in the union of two windows against an explicit list of who attends to whom."""

import pytest
import torch

from saccade.ops import union_windows
from saccade.ops.condensation import condensation_index
from saccade.ops.slide_grid import SlideGrid, with_sentinels
from saccade.ops.union_index import union_index
from saccade.ops.union_windows import position_bias, union_window_attention
from tests.ops.sparse_grids import SLIDES, grid_of
from tests.ops.union_by_hand import DIM, HEADS, drawn, keys_of, literal


def check(grid: SlideGrid, released: bool) -> None:
    parts = drawn(len(grid))
    found = union_window_attention(*parts, union_index(grid, skip_even_shift=released))
    wanted = literal(*parts, grid, keys_of(grid, released))
    assert torch.allclose(found, wanted, atol=1e-10, rtol=0)
    if not len(grid):
        return
    probe = torch.randn_like(found)
    ours = torch.autograd.grad((found * probe).sum(), parts, materialize_grads=True)
    theirs = torch.autograd.grad((wanted * probe).sum(), parts, materialize_grads=True)
    assert all(torch.allclose(own, other, atol=1e-10, rtol=0) for own, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("slides", SLIDES)
@pytest.mark.parametrize("released", [False, True])
def test_every_cell_attends_to_the_union_of_its_windows(slides: str, released: bool) -> None:
    grid = grid_of(SLIDES[slides])
    grid = with_sentinels(grid) if released else grid
    for _ in range(3):
        check(grid, released)
        grid = condensation_index(grid).grid


def test_a_whole_grid_under_a_window_attends_to_all() -> None:
    grid = condensation_index(condensation_index(grid_of(SLIDES["a full window"])).grid).grid
    assert (grid.extents < 6).all()
    assert keys_of(grid) == [list(range(len(grid)))] * len(grid)
    check(grid, released=False)


def test_no_cell_has_more_keys_than_the_union_holds() -> None:
    full = grid_of((torch.cartesian_prod(torch.arange(24), torch.arange(24)),))
    assert max(map(len, keys_of(full))) == 63
    assert position_bias(torch.zeros(HEADS, 11, 11)).shape == (4, HEADS, 9, 63)


def test_a_cell_without_a_key_gets_zeros() -> None:
    grid = with_sentinels(grid_of(SLIDES["none"]))
    found = union_window_attention(*(part.detach() for part in drawn(2)), union_index(grid))
    assert found.tolist() == torch.zeros(2, HEADS, DIM).tolist()


def test_slides_attend_alone_as_together() -> None:
    slides = SLIDES["several"]
    grid = grid_of(slides)
    query, key, value, table = (part.detach() for part in drawn(len(grid)))
    together = union_window_attention(query, key, value, table, union_index(grid))
    alone = [
        union_window_attention(*own, table, union_index(grid_of((cells,))))
        for cells, *own in zip(slides, *(part.split(grid.lengths) for part in (query, key, value)), strict=True)
    ]
    assert torch.allclose(together, torch.cat(alone), atol=1e-10, rtol=0)


def test_the_order_of_the_cells_does_not_matter() -> None:
    (cells,) = SLIDES["blobs"]
    query, key, value, table = (part.detach() for part in drawn(len(cells)))
    order = torch.randperm(len(cells))
    plain = union_window_attention(query, key, value, table, union_index(grid_of((cells,))))
    mixed = union_window_attention(query[order], key[order], value[order], table, union_index(grid_of((cells[order],))))
    assert torch.allclose(plain[order], mixed, atol=1e-10, rtol=0)


def test_dropout_takes_weights_and_keeps_their_mean() -> None:
    grid = grid_of(SLIDES["several"])
    query, key, value, table = (part.detach() for part in drawn(len(grid)))
    index = union_index(grid)
    found = union_window_attention(query, key, torch.ones_like(value), table, index, dropout=0.3)
    assert found.std() > 0.05
    assert abs(float(found.mean()) - 1) < 0.05


def test_the_blocks_of_a_chunk_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = grid_of(SLIDES["several"])
    parts = [part.detach() for part in drawn(len(grid))]
    whole = union_window_attention(*parts, union_index(grid))
    monkeypatch.setattr(union_windows, "_CHUNK", 5)
    assert torch.allclose(union_window_attention(*parts, union_index(grid)), whole, atol=1e-10, rtol=0)


def test_the_gradient_drops_the_weights_that_were_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(union_windows, "_CHUNK", 5)
    grid = grid_of(SLIDES["several"])
    query, key, value, table = drawn(len(grid))
    index = union_index(grid)
    found = union_window_attention(query, key, value, table, index, dropout=0.5)
    probe = torch.randn_like(found)
    (ours,) = torch.autograd.grad((found * probe).sum(), value)
    # It is linear in the values, so value · gradient is the probed output itself, if the same weights were dropped.
    assert torch.allclose((ours * value).sum(), (found * probe).sum(), atol=1e-10)


def test_the_same_seed_drops_the_same_weights() -> None:
    grid = grid_of(SLIDES["blobs"])
    parts, index = [part.detach() for part in drawn(len(grid))], union_index(grid)
    rows = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        rows.append(union_window_attention(*parts, index, dropout=0.5))
    assert rows[0].equal(rows[1])
    assert not rows[0].equal(rows[2])
