"""ResNet-50 of ImageNet, cut after its third stage: 1024 numbers per patch.

Paper: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016; cut as in Lu et al.,
"Data-efficient and weakly supervised computational pathology on whole-slide images" (CLAM), Nat Biomed Eng 2021.
Code: MONAI's ``resnet50`` (Apache-2.0), a dependency, whose parameters bear torchvision's names. Changed: nothing is
fetched; patches are taken at the size they have.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from saccade.core.errors import BadInput
from saccade.features.encoders.encoder import encoder_facts
from saccade.features.encoders.networks import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    NetworkEncoder,
    frozen,
    normalisation_facts,
    weights_fingerprint,
)
from saccade.features.encoders.weight_files import load_weights
from saccade.imaging.preprocessing import Preprocessing

if TYPE_CHECKING:
    from monai.networks.nets.resnet import ResNet

DIM = 1024
_LEFT_OUT = ("layer4.", "fc.")
_REMEDY = (
    "fetch torchvision's resnet50-*.pth from download.pytorch.org/models, or model.safetensors of "
    "timm/resnet50.tv_in1k from huggingface.co, and give it as --weights FILE"
)


def resnet50(weights: Path | str | None = None, device: str = "cpu") -> NetworkEncoder:
    """The encoder with the weights of a file; ``random`` draws them, for tests.

    Cost: 6.6 GFLOP per patch of 224 × 224 pixels; 8.5 million parameters.

    Raises:
        BadInput: No file was given, or it holds no ResNet-50.
    """
    if weights is None:
        raise BadInput("resnet50 has no weights of its own", _REMEDY)
    network = _Cut()
    if str(weights) != "random":
        _fill(network, load_weights(weights), str(weights))
    preprocessing = Preprocessing(None, 3, IMAGENET_MEAN, IMAGENET_STD)
    facts = encoder_facts(
        "resnet50",
        version="1",
        dim=DIM,
        source="random weights" if str(weights) == "random" else f"MONAI's ResNet-50, weights of {Path(weights).name}",
        normalisation=normalisation_facts(preprocessing),
        licence="BSD-3-Clause where the weights are torchvision's",
        weights_sha256=weights_fingerprint(network),
    )
    return NetworkEncoder(frozen(network, device), preprocessing, "resnet50", DIM, facts, torch.device(device))


class _Cut(nn.Module):
    """The stem and three stages under torchvision's names, then the mean over what is left of the picture."""

    def __init__(self) -> None:
        super().__init__()
        whole = _whole()
        self.conv1, self.bn1, self.act, self.maxpool = whole.conv1, whole.bn1, whole.act, whole.maxpool
        self.layer1, self.layer2, self.layer3 = whole.layer1, whole.layer2, whole.layer3

    def forward(self, images: Tensor) -> Tensor:
        values = self.maxpool(self.act(self.bn1(self.conv1(images))))
        return self.layer3(self.layer2(self.layer1(values))).mean((2, 3))


def _whole() -> "ResNet":
    from monai.networks.nets.resnet import resnet50 as monai_resnet50  # seconds to import

    return monai_resnet50(
        spatial_dims=2,
        n_input_channels=3,
        num_classes=1,
        conv1_t_stride=2,  # MONAI's own default is a stem without stride, and shortcuts with a bias
        bias_downsample=False,
        shortcut_type="B",
    )


def _fill(network: nn.Module, weights: Mapping[str, Tensor], source: str) -> None:
    """Load weights by name; what comes after the cut is left out, and nothing else may be missing or left over."""
    kept = {name: value for name, value in weights.items() if not name.startswith(_LEFT_OUT)}
    wanted = {name: value.shape for name, value in network.state_dict().items()}
    counters = {name for name in wanted if name.endswith("num_batches_tracked")}  # older files lack them
    wrong = sorted((set(wanted) - counters) ^ (set(kept) - counters))
    wrong += [name for name in kept if name in wanted and kept[name].shape != wanted[name]]
    if wrong:
        message = f"holds no ResNet-50 of torchvision's names: {wrong[0]} does not fit ({len(wrong)} in all)"
        raise BadInput(message, _REMEDY, source)
    network.load_state_dict({**{name: network.state_dict()[name] for name in counters}, **kept})
