"""ResNet-18 with a 3×3 stem, by MONAI.

Paper: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.
Code: MONAI's ``resnet18`` (Apache-2.0), a dependency. Changed: the stem is one 3×3 convolution of stride 1 without
pooling, which is the fair form below 64 pixels.
"""

from saccade.models.baselines.whole_image import WholeImage
from saccade.models.parts.numbers import Count


def resnet18(classes: tuple[str, ...], *, channels: Count = 3) -> WholeImage:
    """The network of 11.2 million parameters.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
    """
    from monai.networks.nets.resnet import resnet18 as monai_resnet18  # seconds to import

    network = monai_resnet18(
        spatial_dims=2,
        n_input_channels=channels,
        conv1_t_size=3,
        conv1_t_stride=1,
        no_max_pool=True,
        num_classes=len(classes),
        shortcut_type="B",
    )
    return WholeImage(classes, channels, network)
