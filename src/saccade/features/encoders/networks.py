"""Networks as encoders: patches in, tensors inside, features out."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from saccade.core.errors import BadInput
from saccade.imaging.preprocessing import Preprocessing, to_tensor

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_VISION = "give a vision model, whose features are one row of numbers per image"


@dataclass(frozen=True, eq=False)
class NetworkEncoder:
    """A frozen network with how patches become its input.

    Patches of another size than its own are stretched to it, whole: nothing is cut off. With a network's usual
    arithmetic, features depend on the other patches of a batch in their last digits only.

    Attributes:
        network: From (batch, 3, height, width) to (batch, feature), in evaluation, on its device.
        preprocessing: Size and normalisation.
        name: What its features are filed under.
        dim: Numbers per patch.
        facts: Everything that decides the features.
    """

    network: Callable[[Tensor], Tensor]
    preprocessing: Preprocessing
    name: str
    dim: int
    facts: Mapping[str, Any]
    device: torch.device

    @property
    def input_size(self) -> int | None:
        """Side in pixels to which patches are brought."""
        return self.preprocessing.size

    def __call__(self, patches: UInt8[np.ndarray, "batch height width 3"]) -> Float[np.ndarray, "batch feature"]:
        """The features of each patch."""
        if not len(patches):
            return np.empty((0, self.dim), np.float32)
        resized = np.stack([self.preprocessing.resize(patch, "the patch") for patch in patches])
        with torch.inference_mode():
            values = self.preprocessing.normalise(to_tensor(resized).to(self.device))
            return self.network(values).float().cpu().numpy()


def frozen(network: nn.Module, device: str) -> nn.Module:
    """A network in evaluation, on a device, without gradients.

    Raises:
        BadInput: There is no such device.
    """
    try:
        return network.eval().requires_grad_(False).to(torch.device(device))
    except (RuntimeError, AssertionError) as error:  # what torch raises for a device it has no build for
        raise BadInput(f"there is no device {device!r} here", "use cpu, or cuda where there is a GPU") from error


def features_per_patch(network: Callable[[Tensor], Tensor], size: int, device: str, source: str = "") -> int:
    """How many numbers a network gives for a patch, found by trying two; ``source`` names it in errors.

    Raises:
        BadInput: It does not give one row of numbers for each.
    """
    with torch.inference_mode():
        found = network(torch.zeros(2, 3, size, size, device=device))
    if not isinstance(found, Tensor):
        raise BadInput(f"gives a {type(found).__name__} instead of features", _VISION, source)
    if found.ndim != 2:
        raise BadInput(f"gives features of {found.ndim} axes, not one row of numbers per patch", _VISION, source)
    if len(found) != 2:
        raise BadInput(f"gives {len(found)} rows of features for 2 patches", _VISION, source)
    return found.shape[1]


def weights_fingerprint(network: nn.Module, but: Collection[str] = ()) -> str:
    """SHA-256 over a network's tensors, whatever file they came from; ``but`` names those that do not count."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        if name not in but and not name.endswith("num_batches_tracked"):
            digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
            digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def normalisation_facts(preprocessing: Preprocessing) -> dict[str, Any]:
    """How values become a network's input, for its facts."""
    return {
        "mean": list(preprocessing.mean),
        "std": list(preprocessing.std),
        "scale": preprocessing.scale,
        "interpolation": preprocessing.interpolation,
    }
