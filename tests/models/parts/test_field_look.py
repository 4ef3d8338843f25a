"""The attention network: its size, its reach, its map."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.imaging.tiled import OverviewBlock
from saccade.models.parts import field_look
from saccade.models.parts.field_look import (
    Affine,
    FieldLook,
    log_probabilities,
    log_probabilities_in_place,
    map_of_blocks,
)


def test_the_published_size() -> None:
    assert sum(each.numel() for each in FieldLook().parameters()) == 1_513
    assert sum(each.numel() for each in FieldLook(norm="batch").parameters()) == 1_513


def test_a_cell_sees_nine_by_nine_cells() -> None:
    torch.manual_seed(0)
    view = torch.randn(1, 3, 21, 21, requires_grad=True)
    FieldLook()(view)[0, 10, 10].backward()
    assert view.grad is not None
    seen = view.grad.abs().sum((0, 1)).nonzero()
    assert seen.min(0).values.tolist() == [6, 6] and seen.max(0).values.tolist() == [14, 14]


def test_the_affine_is_a_batch_norm_that_never_saw_a_batch() -> None:
    torch.manual_seed(0)
    affine, norm, values = Affine(4), torch.nn.BatchNorm2d(4, eps=1e-3).eval(), torch.randn(2, 4, 3, 3)
    for each in (affine, norm):
        torch.nn.init.constant_(each.weight, 0.7)
        torch.nn.init.constant_(each.bias, 0.2)
    assert torch.allclose(affine(values), norm(values), atol=1e-6)


def test_he_keeps_the_size_of_values_and_glorot_loses_it() -> None:
    torch.manual_seed(0)
    view = torch.randn(4, 3, 40, 40)
    with torch.no_grad():
        sizes = {init: FieldLook(width=64, init=init).trunk(view).std() for init in ("he", "glorot")}
        scores = {init: FieldLook(init=init)(view).std() for init in ("he", "glorot")}
    assert 0.7 < sizes["he"] < 1.4 and sizes["glorot"] < 0.75 * sizes["he"]
    assert all(score < 1 for score in scores.values())  # the first map prefers no cell by much


def test_cells_outside_have_no_probability() -> None:
    inside = torch.tensor([[[True, False], [True, True]]])
    found = log_probabilities(torch.zeros(1, 2, 2), inside).exp()
    assert found[0].tolist() == pytest.approx([1 / 3, 0.0, 1 / 3, 1 / 3])


def blocks_of(view: torch.Tensor, height: int, halo: int) -> Iterator[OverviewBlock]:
    """Rows of an overview, a few at a time, with their neighbours."""
    total = view.shape[2]
    for start in range(0, total, height):
        end = min(start + height, total)
        low, high = max(0, start - halo), min(total, end + halo)
        yield OverviewBlock(view[:, :, low:high], start, start - low, end - start, total)


def random_look(layers: int = 3, **options: str) -> FieldLook:
    look = FieldLook(3, 8, layers, **options).double().eval()
    for each in look.parameters():
        torch.nn.init.normal_(each, std=0.5)  # shifts too: padding is then seen in every layer
    return look


@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 12),
    height=st.integers(1, 15),
    layers=st.integers(1, 4),
    more=st.integers(0, 2),
)
def test_block_by_block_gives_the_map_of_the_whole(
    rows: int, columns: int, height: int, layers: int, more: int
) -> None:
    look, view = random_look(layers), torch.randn(1, 3, rows, columns, dtype=torch.float64)
    found = map_of_blocks(look, blocks_of(view, height, look.reach + more))
    assert found.shape == (1, rows, columns)
    assert (found - look(view)).abs().max() < 1e-12 * max(1.0, float(look(view).detach().abs().max()))
    assert not found.requires_grad


def test_one_row_less_of_halo_would_be_seen() -> None:
    look, view = random_look(), torch.randn(1, 3, 20, 9, dtype=torch.float64)
    assert look.reach == 4
    with pytest.raises(BadInput, match=r"smaller than 4 rows.*overview_blocks\(factor, 4\)"):
        map_of_blocks(look, blocks_of(view, 5, 3))
    cut = torch.cat([look(b.values)[:, b.above : b.above + b.rows] for b in blocks_of(view, 5, 3)], dim=1)
    assert (cut - look(view)).abs().max() > 1e-6


def test_a_batch_norm_must_be_in_evaluation() -> None:
    look, view = random_look(norm="batch"), torch.randn(1, 3, 20, 9, dtype=torch.float64)
    assert torch.allclose(map_of_blocks(look, blocks_of(view, 5, 4)), look(view), atol=1e-12)
    with pytest.raises(BadInput, match="eval"):
        map_of_blocks(look.train(), blocks_of(view, 5, 4))
    with pytest.raises(BadInput, match="no block"):
        map_of_blocks(look.eval(), [])


@pytest.mark.parametrize("stretch", [1, 5, 2**20])
def test_probabilities_in_place(monkeypatch: pytest.MonkeyPatch, stretch: int) -> None:
    monkeypatch.setattr(field_look, "_STRETCH", stretch)
    scores, inside = 30 * torch.randn(2, 6, 7), torch.rand(2, 6, 7) > 0.3
    plain = log_probabilities(scores, inside)
    found = log_probabilities_in_place(scores, inside)
    assert found.data_ptr() == scores.data_ptr()
    assert torch.allclose(found, plain, atol=1e-5)
    assert found.double().exp().sum(1).tolist() == pytest.approx([1, 1], abs=1e-5)
    assert torch.allclose(log_probabilities_in_place(torch.zeros(1, 1, 4)).exp(), torch.full((1, 4), 0.25))
