"""Patch encoders by name: one built in that needs nothing, and the ways in for those one has.

Listing them imports none of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saccade.core.errors import BadInput

if TYPE_CHECKING:
    from saccade.features.encoders.encoder import Encoder

DEFAULT = "colour-texture"


@dataclass(frozen=True)
class EncoderEntry:
    """A way to name an encoder.

    Attributes:
        spec: What users type; capitals stand for what they fill in.
        summary: One line for tables.
        weights: Where its weights come from.
        licence: Of those weights.
        extra: What to install for it, beside the base package.
    """

    spec: str
    summary: str
    weights: str = "none needed"
    licence: str = "the model's own"
    extra: str = ""


ENCODERS = (
    EncoderEntry(DEFAULT, "statistics of colour and texture: the default, a baseline", licence="Apache-2.0"),
    EncoderEntry(
        "resnet50",
        "ResNet-50 of ImageNet cut after its third stage, 1024 numbers, as CLAM has it",
        weights="a file: --weights",
        licence="BSD-3-Clause for torchvision's",
    ),
    EncoderEntry("timm:NAME", "a model of timm, by its name", weights="fetched by timm, or a file", extra="timm"),
    EncoderEntry(
        "hf:NAME",
        "a vision model of the Hugging Face hub, or hf:FOLDER",
        weights="fetched by transformers",
        extra="transformers",
    ),
    EncoderEntry("saccade:RUN", "a trained saccade model of cells, before its last layer", weights="in the run"),
)
"""What ``--encoder`` understands, in the order of its help."""


def create_encoder(spec: str | Callable[..., Any], weights: Path | str | None = None, device: str = "cpu") -> "Encoder":
    """Build an encoder from what a user typed, or from a function of one's own.

    >>> create_encoder("colour-texture").dim
    76
    >>> create_encoder(lambda patches: patches.mean((1, 2)) / 255).dim
    3

    Args:
        spec: One of ``ENCODERS``; or a function from uint8 patches, batch × height × width × 3, to features.
        weights: A file of weights, for encoders that take one; the word ``random`` for a resnet50 to test with.
        device: Where to compute, for those that are networks.

    Raises:
        BadInput: No such encoder, no weights for it, or what it needs is not installed.
    """
    if not isinstance(spec, str):
        from saccade.features.encoders.wrapped import wrapped

        return wrapped(spec)
    kind, _, name = spec.partition(":")
    if weights is not None and kind not in ("resnet50", "timm"):
        raise BadInput(f"the encoder {spec!r} takes no file of weights", "leave it out", str(weights))
    if spec == "resnet50":
        from saccade.features.encoders.resnet50 import resnet50

        return resnet50(weights, device)
    if kind == "timm" and name:
        from saccade.features.encoders.timm_encoder import timm_encoder

        return timm_encoder(name, weights, device)
    if kind == "hf" and name:
        from saccade.features.encoders.hugging_face import hugging_face_encoder

        return hugging_face_encoder(name, device)
    if spec == DEFAULT:
        from saccade.features.encoders.colour_texture import ColourTexture

        return ColourTexture()
    if kind == "saccade":
        raise BadInput(
            f"{spec!r} is a trained model, which encoders know nothing of",
            "use saccade.inference.encoders.open_encoder",
        )
    raise BadInput(f"unknown encoder {spec!r}", f"choose one of {', '.join(entry.spec for entry in ENCODERS)}")
