"""ViT-tiny against its published size."""

import pytest

from saccade.core.errors import BadInput
from saccade.models import create_model


def test_it_has_its_published_size() -> None:
    """12 layers of width 192 on 64 patches of 8×8; the count written out, MONAI's keys and queries without bias."""
    width, layers, tokens = 192, 12, 64
    layer = 4 * width * width + width + 2 * (2 * width) + 2 * 4 * width * width + 4 * width + width
    embedding = 3 * 64 * width + width + tokens * width + width
    expected = layers * layer + embedding + 2 * width + 8 * width + 8
    assert sum(p.numel() for p in create_model("vit-tiny", tuple("abcdefgh")).parameters()) == expected


def test_it_knows_one_size() -> None:
    with pytest.raises(BadInput, match="multiple"):
        create_model("vit-tiny", ("a", "b"), size=30)
