"""The tiny CNN: tiny, and of any size of image."""

import pytest
import torch

from saccade.models import create_model


def test_its_size_written_out() -> None:
    convolutions = 9 * (3 * 16 + 16 * 32 + 32 * 64 + 64 * 64)
    norms = 2 * (16 + 32 + 64 + 64)
    model = create_model("tiny-cnn", tuple("abcdefgh"))
    assert sum(p.numel() for p in model.parameters()) == convolutions + norms + 64 * 8 + 8


@pytest.mark.parametrize("size", [1, 7, 64])
def test_it_takes_any_size(size: int) -> None:
    model = create_model("tiny-cnn", ("a", "b")).eval()
    assert model(torch.rand(1, 3, size, size)).logits.shape == (1, 2)
