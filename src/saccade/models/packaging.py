"""A trained model as two files: ``model.safetensors`` with the weights and ``config.json`` with everything else.

The configuration names the model, its classes and options, how images become its input, its budget and the version that
wrote it. It also holds the weights' checksum, so that files of two different models, or half a download, are found out.
Nothing is pickled: opening a model that came from elsewhere runs none of its code.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load as tensors_from_bytes
from safetensors.torch import save as bytes_from_tensors
from torch import nn

import saccade
from saccade.core.contract import AnyModel
from saccade.core.errors import BadInput
from saccade.core.files import write_bytes, write_json
from saccade.features.slide_input import SlideInput
from saccade.imaging.preprocessing import Preprocessing
from saccade.models import MODELS, create_any

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
FORMAT = 1
"""Version of the layout of ``config.json``; a higher one than this cannot be understood."""

Model = TypeVar("Model", bound=nn.Module)

_NOT_WHOLE = "save the model again, or fetch the folder again"


@dataclass(frozen=True, eq=False)
class Package:
    """A model ready to use, how images become its input (or whose features do), and the rest of ``config.json``."""

    model: AnyModel
    preprocessing: Preprocessing | SlideInput
    config: dict[str, Any]

    @property
    def origin(self) -> str:
        """``simulated`` or the name of a proxy, where the model was trained on that; older files do not tell."""
        return str(self.config.get("extra", {}).get("origin", ""))


def save_model(
    folder: Path | str,
    model: AnyModel,
    preprocessing: Preprocessing | SlideInput,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Write a model that ``create_any`` can build into a folder, replacing what an earlier call left there.

    Each file appears whole or not at all. Should the process be killed between the two, the checksum tells.

    Args:
        folder: Made if it is absent.
        model: The model; it is not changed.
        preprocessing: How images become its input; of a model of slides, whose features it takes.
        extra: Plain values to keep beside it, such as scores or where the data came from.
    """
    folder = Path(folder)
    tensors = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
    weights = bytes_from_tensors(tensors, metadata={"format": "pt"})
    config = {
        "format": FORMAT,
        "saccade_version": saccade.__version__,
        **model.config,
        "budget": getattr(model, "budget", None),
        "preprocessing": preprocessing.as_dict(),
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "extra": dict(extra or {}),
    }
    write_bytes(folder / WEIGHTS, weights)
    write_json(folder / CONFIG, config)


def load_model(folder: Path | str, device: torch.device | str = "cpu") -> Package:
    """Load what ``save_model`` wrote; the model comes in evaluation mode.

    Raises:
        BadInput: A file is missing, damaged, of another model or of a newer version; or there is no such device.
    """
    folder = Path(folder)
    config = load_config(folder)
    weights = _weights(folder / WEIGHTS, config.get("weights_sha256"))
    source = str(folder / CONFIG)
    try:
        kind = SlideInput if MODELS[config["model"]].scale == "slide" else Preprocessing
        preprocessing = kind.from_dict(config["preprocessing"])
        options = _as_said_now(config["model"], config["options"])
        model = create_any(config["model"], tuple(config["classes"]), **options)
    except KeyError as error:
        raise BadInput(f"lacks the key {error.args[0]!r}", _NOT_WHOLE, source) from error
    except BadInput as error:
        raise BadInput(error.message, error.remedy, source) from error
    except (TypeError, ValueError) as error:
        raise BadInput(f"holds values that do not fit ({error})", _NOT_WHOLE, source) from error
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        message = f"the weights are not those of the {config['model']} that config.json describes"
        remedy = "fetch the folder again; if another version of saccade saved it, use that one or train anew"
        raise BadInput(message, remedy, str(folder / WEIGHTS)) from error
    return Package(on_device(model.eval(), device), preprocessing, config)


def load_config(folder: Path | str) -> dict[str, Any]:
    """Load ``config.json`` alone, which says what a model is without opening its weights.

    Raises:
        BadInput: It is missing, damaged or of a newer version.
    """
    folder = Path(folder)
    path = folder / CONFIG
    if not folder.is_dir():
        raise BadInput("there is no such folder", "give the folder of a run or of a saved model", str(folder))
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        remedy = "give the folder of a training that has finished, or go on with `saccade train --resume`"
        raise BadInput(f"holds no model: there is no {CONFIG}", remedy, str(folder)) from None
    except (OSError, ValueError) as error:
        raise BadInput(f"is not valid JSON ({error})", _NOT_WHOLE, str(path)) from error
    if not isinstance(config, dict) or not isinstance(config.get("format"), int):
        raise BadInput("was not written by saccade", "give the folder of a saccade model", str(path))
    if config["format"] > FORMAT:
        message = f"was written by saccade {config.get('saccade_version')}, which this {saccade.__version__} predates"
        raise BadInput(message, "upgrade saccade", str(path))
    return config


def _as_said_now(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as ``create_model`` takes them today: some had no effect once and are refused now, some are younger."""
    options = dict(options)
    if name == "sparse-attn-net":
        options.setdefault("look_bias", False)  # models saved before there was one
    if name == "attention-sampling" and options.get("estimator") == "distinct" and options.get("weighted"):
        options["weighted"] = None  # was the default, and passed over
    return options


def _weights(path: Path, checksum: str | None) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file whose checksum fits."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise BadInput(f"holds no model: there is no {WEIGHTS}", _NOT_WHOLE, str(path.parent)) from None
    except OSError as error:
        raise BadInput(f"cannot be opened ({error.strerror})", "check its permissions", str(path)) from error
    if checksum is not None and hashlib.sha256(data).hexdigest() != checksum:
        raise BadInput("is damaged, or does not belong to the config.json beside it", _NOT_WHOLE, str(path))
    try:
        return tensors_from_bytes(data)
    except (SafetensorError, ValueError) as error:
        raise BadInput(f"is no safetensors file ({error})", _NOT_WHOLE, str(path)) from error


def on_device(model: Model, device: torch.device | str) -> Model:
    """The model, moved to a device.

    Raises:
        BadInput: There is no such device.
    """
    try:
        return model.to(torch.device(device))
    except (RuntimeError, AssertionError) as error:  # what torch raises for a device it has no build for
        raise BadInput(f"there is no device {str(device)!r} here", "use cpu, or cuda where there is a GPU") from error
