"""Vision models of the Hugging Face hub, or in a folder, as patch encoders, by transformers.

Features are what the model's class token says or, where it has none, the mean over what the last layer sees; of models
of images and text, such as CLIP, the image's embedding beside the text's. Code in a repository is never run.
``HF_HUB_OFFLINE=1`` keeps to what was fetched before; a folder never asks the network.
"""

import json
import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

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

_PROCESSOR = "preprocessor_config.json"
_REMEDY = "give a vision model"


def hugging_face_encoder(name: str, device: str = "cpu") -> NetworkEncoder:
    """The encoder ``hf:NAME``.

    Args:
        name: ``owner/name`` on the hub, or a folder that ``save_pretrained`` wrote model and image processor to.
        device: Where to compute.

    Raises:
        BadInput: transformers is not installed, there is no such model, it takes no images, gives no row of numbers
            for each, or does not say how they are normalised.
    """
    transformers = _transformers()
    files = _Files(transformers, name)
    preprocessing = _preprocessing(files)
    network, loaded = _network(transformers, name, files.local)
    pooled = frozen(_Pooled(network), device)
    size = preprocessing.size or 224
    label = folder_safe(f"hf-{Path(name).resolve().name}" if files.local else f"hf-{name}")
    dim = _dim(pooled, size, device, name)
    facts = encoder_facts(
        label,
        version=files.revision(),
        dim=dim,
        source=f"transformers: {Path(name).resolve().name if files.local else name}",
        input_size=preprocessing.size,
        normalisation=normalisation_facts(preprocessing),
        licence=_licence(files),
        weights_sha256=weights_fingerprint(network, but=loaded["missing_keys"]),
    )
    return NetworkEncoder(pooled, preprocessing, label, dim, facts, torch.device(device))


class _Pooled(nn.Module):
    """A model's last layer, or its embedding of images beside text, as one row of numbers per image."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.has_class_token = any(name.endswith("cls_token") for name, _ in network.named_parameters())

    def forward(self, images: Tensor) -> Tensor:
        if _embeds_text(self.network):
            found = self.network.get_image_features(pixel_values=images)  # type: ignore[operator]
            pooled = found if isinstance(found, Tensor) else getattr(found, "pooler_output", None)
            if not isinstance(pooled, Tensor):  # language models that see give a list of what stands for words
                message = f"is a {type(self.network).__name__}, which has no embedding of images beside text"
                raise BadInput(message, _REMEDY)
            return pooled
        last: Tensor = self.network(pixel_values=images).last_hidden_state
        if last.ndim == 4:  # channels of a picture
            return last.mean((2, 3))
        return last[:, 0] if self.has_class_token else last.mean(1)


def _dim(pooled: nn.Module, size: int, device: str, name: str) -> int:
    """Numbers per patch; a model that wants more than images is told here, by trying."""
    try:
        return features_per_patch(pooled, size, device, name)
    except BadInput as error:
        raise BadInput(error.message, error.remedy, name) from error
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # each model fails in its own way
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BadInput(f"gives no features of an image alone ({reason})", _REMEDY, name) from error


def _embeds_text(network: nn.Module) -> bool:
    """Whether a model places images beside texts, as CLIP and SigLIP do."""
    return hasattr(network, "get_image_features")


class _Files:
    """The small files beside a model's weights, from its folder or the hub's cache."""

    def __init__(self, transformers: Any, name: str) -> None:
        self.name, self.local = name, Path(name).is_dir()
        self._cached = transformers.utils.cached_file

    def text(self, file: str) -> str | None:
        """What a file says; None where there is none.

        Raises:
            BadInput: There is no such model.
        """
        try:
            path = self._cached(
                self.name,
                file,
                local_files_only=self.local,
                _raise_exceptions_for_missing_entries=False,
                _raise_exceptions_for_connection_errors=False,
            )
        except (OSError, ValueError) as error:
            raise _unreachable(self.name, error) from error
        return None if path is None else Path(path).read_text(encoding="utf-8")

    def revision(self) -> str:
        """The hub's commit the files are of; empty for a folder."""
        try:
            path = None if self.local else self._cached(self.name, "config.json")
        except OSError as error:
            raise _unreachable(self.name, error) from error
        found = re.search(r"/snapshots/([0-9a-f]{40})/", Path(path).as_posix()) if path else None
        return found.group(1) if found else ""


def _transformers() -> Any:
    try:
        import transformers
    except (ImportError, RuntimeError) as error:  # the second where something it imports is broken
        message = "encoders of Hugging Face need transformers, which is not installed"
        raise BadInput(message, install_extra("transformers")) from error
    return transformers


def _network(transformers: Any, name: str, local: bool) -> tuple[nn.Module, dict[str, Any]]:
    """The model and what is told of its loading."""
    try:
        options = {"local_files_only": local, "trust_remote_code": False, "output_loading_info": True}
        network, loaded = transformers.AutoModel.from_pretrained(name, **options)
    except (OSError, ValueError, KeyError) as error:
        raise _unreachable(name, error) from error
    missing = sorted(key for key in loaded["missing_keys"] if "pooler" not in key)  # which is not used
    if missing:
        message = f"its weights lack {missing[0]} ({len(missing)} in all)"
        raise BadInput(message, "fetch or save the model again", name)
    if getattr(network, "main_input_name", "") != "pixel_values" and not _embeds_text(network):
        message = f"is a {type(network).__name__}, which does not take images alone"
        raise BadInput(message, _REMEDY, name)
    return network, loaded


def _preprocessing(files: _Files) -> Preprocessing:
    """Size and normalisation, as the model's image processor states them."""
    text = files.text(_PROCESSOR)
    if text is None:
        remedy = "save its image processor into the folder too, with save_pretrained"
        raise BadInput(f"there is no {_PROCESSOR}, which says how images are normalised", remedy, files.name)
    try:
        told = json.loads(text)
        size = _side(told.get("crop_size") if told.get("do_center_crop") else None) or _side(told.get("size"))
        scale = 1 / told.get("rescale_factor", 1 / 255) if told.get("do_rescale", True) else 1.0
        plain = told.get("do_normalize", True)
        mean, std = (
            (tuple(map(float, told[key])) for key in ("image_mean", "image_std")) if plain else ((0.0,) * 3, (1.0,) * 3)
        )
        return Preprocessing(size, 3, mean, std, scale=scale)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"its {_PROCESSOR} does not say how images are normalised ({error})"
        raise BadInput(message, "save the image processor again", files.name) from error


def _side(size: Any) -> int | None:
    """The side of a square from the forms in which processors write it."""
    if isinstance(size, dict):
        size = size.get("height") or size.get("shortest_edge")
    return None if size is None else int(size)


def _licence(files: _Files) -> str:
    """The licence the model's card states."""
    card = files.text("README.md") or ""
    front = re.match(r"---\n(.*?)\n---", card, re.DOTALL)
    stated = re.search(r"^license(?:_name)?:\s*[\"']?([^\"'\n]+)", front.group(1), re.MULTILINE) if front else None
    return stated.group(1).strip() if stated else "not stated"


def _unreachable(name: str, error: Exception) -> BadInput:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    remedy = "check the name and the connection, or give a folder that save_pretrained wrote"
    return BadInput(f"there is no such model to be had ({reason})", remedy, f"hf:{name}")
