"""ViT-tiny, by MONAI.

Paper: Dosovitskiy et al., "An Image is Worth 16×16 Words", ICLR 2021; the tiny size after Touvron et al., "Training
data-efficient image transformers", ICML 2021 (width 192, 12 layers, 3 heads).
Code: MONAI's ``ViT`` (Apache-2.0), a dependency. Changed: 8×8 patches, for images of 64 pixels.
"""

from torch import Tensor, nn

from saccade.core.errors import BadInput
from saccade.models.baselines.whole_image import WholeImage
from saccade.models.parts.numbers import Count


class _LogitsOnly(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return self.network(images)[0]


def vit_tiny(classes: tuple[str, ...], *, channels: Count = 3, size: Count = 64, patch: Count = 8) -> WholeImage:
    """The transformer of 5.4 million parameters.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        size: Height and width of the images; a transformer with learned positions knows one size only.
        patch: Side of a patch.

    Raises:
        BadInput: The size is not a multiple of the patch.
    """
    if size % patch:
        raise BadInput(
            f"vit-tiny cannot cut images of {size} pixels into patches of {patch}",
            remedy="choose a size that is a multiple of the patch",
        )
    from monai.networks.nets.vit import ViT  # seconds to import

    network = ViT(
        in_channels=channels,
        img_size=(size, size),
        patch_size=(patch, patch),
        hidden_size=192,
        mlp_dim=768,
        num_layers=12,
        num_heads=3,
        classification=True,
        num_classes=len(classes),
        spatial_dims=2,
        post_activation="None",
    )
    for block in network.blocks:  # MONAI builds a norm for cross-attention that an encoder never uses
        block.norm_cross_attn, block.cross_attn = nn.Identity(), nn.Identity()
    return WholeImage(classes, channels, _LogitsOnly(network))
