"""Models of timm as patch encoders, by their names there (``hf-hub:owner/name`` included).

timm brings torchvision, which has to fit the torch installed; so it is an extra, and imported only when asked for.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from saccade.core.errors import BadInput
from saccade.core.extras import install_extra
from saccade.features.encoders.encoder import encoder_facts, folder_safe
from saccade.features.encoders.networks import (
    NetworkEncoder,
    features_per_patch,
    frozen,
    normalisation_facts,
    weights_fingerprint,
)
from saccade.imaging.preprocessing import Preprocessing


def timm_encoder(name: str, weights: Path | str | None = None, device: str = "cpu") -> NetworkEncoder:
    """The encoder ``timm:NAME``, without its classifier.

    Args:
        name: A name that ``timm.create_model`` knows.
        weights: A file of weights; fetched by timm, or taken from its cache, where not given.
        device: Where to compute.

    Raises:
        BadInput: timm is not installed or does not import, there is no such model, its weights cannot be had, or it
            does not give one row of numbers per patch.
    """
    timm = _timm()
    if weights is not None and not Path(weights).is_file():
        raise BadInput("there is no such file", "give a file of weights", str(weights))
    local = {} if weights is None else {"pretrained_cfg_overlay": {"file": str(weights)}}
    try:
        network = timm.create_model(name, pretrained=True, num_classes=0, **local)
    except Exception as error:  # timm and the hub raise errors of many kinds
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        remedy = "check the name and the connection, or give a file of weights"
        raise BadInput(f"there is no such model to be had ({reason})", remedy, f"timm:{name}") from error
    preprocessing = _preprocessing(timm.data.resolve_model_data_config(network))
    licence = str(network.pretrained_cfg.get("license") or "not stated")
    network = frozen(network, device)
    label = folder_safe(f"timm-{name}")
    dim = features_per_patch(network, preprocessing.size or 224, device, f"timm:{name}")
    facts = encoder_facts(
        label,
        version=f"timm {timm.__version__}",
        dim=dim,
        source=f"timm: {name}" + (f", weights of {Path(weights).name}" if weights else ""),
        input_size=preprocessing.size,
        normalisation=normalisation_facts(preprocessing),
        licence=licence,
        weights_sha256=weights_fingerprint(network),
    )
    return NetworkEncoder(network, preprocessing, label, dim, facts, torch.device(device))


def _timm() -> Any:
    try:
        return import_module("timm")  # not an import statement: nothing here may depend on it
    except (ImportError, RuntimeError) as error:  # the second where its torchvision does not fit the torch installed
        if isinstance(error, ModuleNotFoundError) and error.name == "timm":
            message = "encoders of timm need timm, which is not installed"
            raise BadInput(message, install_extra("timm")) from error
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        message = f"timm does not import ({reason})"
        raise BadInput(message, "install the torchvision that belongs to your torch") from error


def _preprocessing(config: dict[str, Any]) -> Preprocessing:
    """Size and normalisation, as the model's own data configuration states them."""
    mean, std = (tuple(map(float, config[key])) for key in ("mean", "std"))
    return Preprocessing(int(config["input_size"][-1]), 3, mean, std)
