"""Peers against what is published of them."""

import pytest
import torch

from saccade.core.errors import BadInput
from saccade.models import create_model

EIGHT = tuple("abcdefgh")


def parameters(name: str, **options: object) -> int:
    return sum(p.numel() for p in create_model(name, EIGHT, **options).parameters())


def test_resnet18_has_its_published_size() -> None:
    """11,173,962 for ten classes with a 3×3 stem; 513 less per class; MONAI's three shortcuts have a bias more."""
    assert parameters("resnet18") == 11_173_962 - 2 * 513 + (128 + 256 + 512)


def test_vit_tiny_has_its_published_size() -> None:
    """12 layers of width 192; the count written out."""
    width, layers, tokens = 192, 12, 64
    layer = 4 * width * width + width + 2 * (2 * width) + 2 * 4 * width * width + 4 * width + width
    embedding = 3 * 64 * width + width + tokens * width + width
    assert parameters("vit-tiny") == layers * layer + embedding + 2 * width + 8 * width + 8


def test_the_tiny_cnn_is_tiny() -> None:
    assert 55_000 < parameters("tiny-cnn") < 65_000


def test_vit_tiny_knows_one_size() -> None:
    with pytest.raises(BadInput, match="multiple"):
        create_model("vit-tiny", EIGHT, size=30)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_the_tiny_cnn_takes_any_size(size: int) -> None:
    model = create_model("tiny-cnn", EIGHT).eval()
    assert model(torch.rand(1, 3, size, size)).logits.shape == (1, 8)
