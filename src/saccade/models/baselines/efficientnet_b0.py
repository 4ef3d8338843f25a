"""EfficientNet-B0, by MONAI.

Paper: Tan, Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019, table 1.
Code: MONAI's ``EfficientNet`` (Apache-2.0), a dependency. Unchanged, its stem of stride 2 included: a cell of 64 pixels
leaves the last stage as 2×2. It is not pretrained.
"""

from saccade.models.baselines.whole_image import WholeImage
from saccade.models.parts.numbers import Count

_STAGES = (  # repeats, kernel, stride, expansion, channels in and out
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
)


def efficientnet_b0(classes: tuple[str, ...], *, channels: Count = 3, size: Count = 64) -> WholeImage:
    """The network of 4.0 million parameters.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        size: Height and width of the images, from which MONAI derives how each convolution is padded.
    """
    from monai.networks.nets.efficientnet import EfficientNet  # seconds to import

    stages = [f"r{r}_k{k}_s{s}{s}_e{e}_i{i}_o{o}_se0.25" for r, k, s, e, i, o in _STAGES]
    network = EfficientNet(stages, 2, channels, len(classes), image_size=size)
    return WholeImage(classes, channels, network)
