"""Any function as an encoder."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from saccade.core.errors import BadInput
from saccade.features.encoders.encoder import Encoder, encoder_facts, folder_safe

_TRIAL = (2, 224, 224, 3)
_WANTED = "return one row of finite numbers per patch"


@dataclass(frozen=True, eq=False)
class Wrapped:
    """A function from patches to features with what an encoder has to say about itself.

    Attributes:
        function: From uint8 patches, batch × height × width × 3, to batch × numbers: an array, or a tensor.
        name: What its features are filed under.
        dim: Numbers per patch.
        facts: What is known of it: its name, and its ``version`` where it has such an attribute.
        input_size: None: it gets patches as they are.
    """

    function: Callable[..., Any]
    name: str
    dim: int
    facts: Mapping[str, Any]
    input_size: int | None = None

    def __call__(self, patches: UInt8[np.ndarray, "batch height width 3"]) -> Float[np.ndarray, "batch feature"]:
        """The features of each patch.

        Raises:
            BadInput: The function returned something else.
        """
        if not len(patches):
            return np.empty((0, self.dim), np.float32)  # few functions know what to do with nothing
        features = _features(self.function, patches)
        if features.shape[1] != self.dim:
            raise BadInput(f"{self.name} gave {features.shape[1]} numbers per patch, but {self.dim} before", _WANTED)
        return features


def wrapped(function: Callable[..., Any]) -> Encoder:
    """A function as an encoder, tried on a batch of two; what is an encoder already stays what it is.

    A function's code cannot be fingerprinted: give it an attribute ``version``, and change that when its answers
    change, or a job that is taken up again will mix features of two kinds.

    Raises:
        BadInput: It does not return one row of finite numbers per patch.
    """
    if isinstance(function, Encoder):
        return function
    plain = getattr(function, "__name__", type(function).__name__)
    name = folder_safe(plain)
    dim = _features(function, np.zeros(_TRIAL, np.uint8)).shape[1]
    source = f"the function {getattr(function, '__module__', '')}.{getattr(function, '__qualname__', plain)}"
    version = str(getattr(function, "version", ""))
    return Wrapped(function, name, dim, encoder_facts(name, version=version, dim=dim, source=source))


def _features(function: Callable[..., Any], patches: np.ndarray) -> np.ndarray:
    """What a function returns, as 32-bit floats."""
    found = function(patches)
    if hasattr(found, "detach"):  # a tensor
        found = found.detach().float().cpu().numpy()
    features = np.asarray(found)
    name = getattr(function, "__name__", type(function).__name__)
    if features.ndim != 2 or len(features) != len(patches) or features.dtype.kind not in "fiu":
        message = f"{name} gave {features.dtype} {features.shape} for {len(patches)} patches"
        raise BadInput(message, _WANTED)
    return features.astype(np.float32)
