"""EfficientNet-B0 against its published size."""

from saccade.models import create_model

PUBLISHED = 5_288_548  # for the 1,000 classes of ImageNet


def test_it_has_its_published_size() -> None:
    """A class costs 1,280 weights and a bias."""
    model = create_model("efficientnet-b0", tuple("abcdefgh"))
    assert sum(p.numel() for p in model.parameters()) == PUBLISHED - (1000 - 8) * 1281
