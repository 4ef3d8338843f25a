"""Nyström attention against softmax attention where it is exact, and against its formula where it is not."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from saccade.core.errors import BadInput
from saccade.models.parts.nystrom import NystromAttention, nystrom_kernel, pseudo_inverse, segment_means
from tests.models.parts.nystrom_by_hand import nystrom_by_hand


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@given(tokens=st.integers(1, 40), segments=st.integers(1, 40))
def test_segments_are_those_of_tensor_split(tokens: int, segments: int) -> None:
    values = drawn(2, tokens, 3)
    parts = values.tensor_split(min(tokens, segments), dim=1)
    assert torch.allclose(segment_means(values, segments), torch.stack([part.mean(1) for part in parts], dim=1))


def test_the_iteration_finds_the_inverse() -> None:
    matrix = (3 * torch.eye(12, dtype=torch.float64) + drawn(4, 12, 12)).softmax(-1)
    assert torch.allclose(pseudo_inverse(matrix, 20) @ matrix, torch.eye(12, dtype=torch.float64), atol=1e-9)
    matrix[:, 1] = matrix[:, 0]  # two landmarks alike: no inverse, but a pseudo-inverse
    assert torch.allclose(pseudo_inverse(matrix, 12), torch.linalg.pinv(matrix), atol=1e-6)


def test_heads_do_not_meet() -> None:
    matrix = drawn(3, 6, 6).softmax(-1)
    alone = torch.cat([pseudo_inverse(each[None], 2) for each in matrix])
    assert torch.allclose(pseudo_inverse(matrix, 2), alone, atol=1e-14)


@pytest.mark.parametrize("landmarks", [9, 30])
def test_where_every_token_is_a_landmark_it_is_softmax_attention(landmarks: int) -> None:
    queries, values = drawn(2, 9, 4), drawn(2, 9, 4, seed=1)
    keys = 3 * queries + 0.3 * drawn(2, 9, 4, seed=2)  # tokens attend to themselves: well conditioned
    kernel = nystrom_kernel(queries, keys, landmarks, iterations=30)
    attention = (queries @ keys.transpose(1, 2)).softmax(-1)
    assert torch.allclose(kernel.attend(values), attention @ values, atol=1e-8)
    assert torch.allclose(kernel.row(5), attention[:, 5], atol=1e-8)


def test_six_steps_come_close_for_a_mild_matrix() -> None:
    queries, values = drawn(1, 8, 8), drawn(1, 8, 8, seed=1)
    attention = (queries @ queries.transpose(1, 2)).softmax(-1)
    assert torch.allclose(nystrom_kernel(queries, queries, 8).attend(values), attention @ values, atol=1e-3)


def test_it_is_its_formula_with_fewer_landmarks_than_tokens() -> None:
    torch.manual_seed(0)
    attention, tokens = NystromAttention(12, 3, 5, dropout=0.0).double(), drawn(23, 12)
    wanted, whole = nystrom_by_hand(attention, tokens)
    found, kernel = attention(tokens)
    assert torch.allclose(found, wanted, atol=1e-12)
    assert torch.allclose(torch.stack([kernel.row(token) for token in range(23)], dim=1), whole, atol=1e-12)


def test_rows_sum_to_one() -> None:
    kernel = nystrom_kernel(drawn(2, 50, 4), drawn(2, 50, 4, seed=1), 7, iterations=30)
    assert torch.allclose(torch.stack([kernel.row(token).sum(-1) for token in range(50)]), torch.ones(50, 2).double())


def test_the_inverse_is_not_found_in_half_precision() -> None:
    torch.manual_seed(0)
    attention, tokens = NystromAttention(64, 2, 16, dropout=0.0), drawn(100, 64).float()
    with torch.autocast("cpu", torch.bfloat16):
        half, _ = attention(tokens)
    assert torch.allclose(half.float(), attention(tokens)[0], atol=0.05)
    queries = (2 * drawn(2, 16, 8)).bfloat16()
    plain = nystrom_kernel(queries.float(), queries.float(), 16).inverse
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.allclose(nystrom_kernel(queries, queries, 16).inverse.float(), plain, rtol=0.01, atol=1e-4)


def test_heads_must_share_the_width() -> None:
    with pytest.raises(BadInput, match="3 heads"):
        NystromAttention(16, 3, 4, 0.0)
