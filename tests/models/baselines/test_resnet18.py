"""ResNet-18 against its published size."""

import torch

from saccade.models import create_model


def test_it_has_its_published_size() -> None:
    """11,173,962 for ten classes with a 3×3 stem; 513 less per class; MONAI's three shortcuts have a bias more."""
    model = create_model("resnet18", tuple("abcdefgh"))
    assert sum(p.numel() for p in model.parameters()) == 11_173_962 - 2 * 513 + (128 + 256 + 512)


def test_its_stem_keeps_every_pixel() -> None:
    """One 3x3 convolution of stride 1 and no pooling: the three strides that are left make an eighth of the side."""
    network = create_model("resnet18", ("a", "b")).network.eval()
    assert (network.conv1.kernel_size, network.conv1.stride, network.no_max_pool) == ((3, 3), (1, 1), True)
    sides = {}
    for name in ("layer1", "layer4"):
        layer = getattr(network, name)
        layer.register_forward_hook(lambda _, __, out, name=name: sides.update({name: tuple(out.shape[2:])}))
    network(torch.rand(1, 3, 32, 32))
    assert sides == {"layer1": (32, 32), "layer4": (4, 4)}
