"""ResNet-18 against its published size."""

from saccade.models import create_model


def test_it_has_its_published_size() -> None:
    """11,173,962 for ten classes with a 3×3 stem; 513 less per class; MONAI's three shortcuts have a bias more."""
    model = create_model("resnet18", tuple("abcdefgh"))
    assert sum(p.numel() for p in model.parameters()) == 11_173_962 - 2 * 513 + (128 + 256 + 512)
