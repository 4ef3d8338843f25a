"""Tiny CNN: the yardstick for single cells.

Source: our own plain network of the size METHODS §1 names (about 60,000 parameters); nothing in it is clever, and that
is its use: a sparse model that cannot keep up with it has no reason to exist.
"""

from torch import nn

from saccade.models.baselines.whole_image import WholeImage
from saccade.models.parts.numbers import Count


def tiny_cnn(
    classes: tuple[str, ...], *, channels: Count = 3, widths: tuple[Count, ...] = (16, 32, 64, 64)
) -> WholeImage:
    """3×3 convolutions with batch norm, halving after each but the last, then a global mean and a linear layer.

    Cost at 64×64 RGB: 13.5 million MAC.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        widths: Channels after each convolution.
    """
    layers: list[nn.Module] = []
    for depth, (inputs, outputs) in enumerate(zip((channels, *widths), widths, strict=False)):
        layers += [
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        ]
        if depth < len(widths) - 1:
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], len(classes))]
    return WholeImage(classes, channels, nn.Sequential(*layers, *head))
