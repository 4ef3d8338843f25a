"""Weights from a local file: ``.safetensors``, or what ``torch.save`` wrote, without running any code it may hold."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from saccade.core.errors import BadInput

_WRAPPERS = ("state_dict", "model", "model_state_dict")
_PREFIXES = ("module.", "_orig_mod.")  # what DataParallel and torch.compile put before every name


def load_weights(path: Path | str) -> dict[str, Tensor]:
    """The tensors of a file by name.

    Raises:
        BadInput: The file is absent, damaged, holds more than tensors, or none.
    """
    path = Path(path)
    if not path.is_file():
        raise BadInput("there is no such file", "give a file of weights, .safetensors or .pth", str(path))
    try:
        values = _safetensors(path) if path.suffix == ".safetensors" else _torch(path)
    except pickle.UnpicklingError as error:
        message = "holds more than weights, which could run code when loaded"
        raise BadInput(message, "give a state dict, or a .safetensors file", str(path)) from error
    except (RuntimeError, OSError, EOFError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadInput(f"cannot be opened ({reason})", "copy or fetch the file again", str(path)) from error
    for wrapper in _WRAPPERS:
        if isinstance(values, Mapping) and isinstance(values.get(wrapper), Mapping):
            values = values[wrapper]
    if not isinstance(values, Mapping) or not all(isinstance(value, Tensor) for value in values.values()) or not values:
        raise BadInput("holds no weights by name", "give a state dict, or a .safetensors file", str(path))
    return {_bare(name): value for name, value in values.items()}


def _safetensors(path: Path) -> object:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def _torch(path: Path) -> object:
    return torch.load(path, map_location="cpu", weights_only=True)


def _bare(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name
