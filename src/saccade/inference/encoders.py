"""Patch encoders by name, trained saccade models among them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from saccade.features.encoders import create_encoder
from saccade.features.encoders.encoder import Encoder

_OURS = "saccade:"


def open_encoder(spec: str | Callable[..., Any], weights: Path | str | None = None, device: str = "cpu") -> Encoder:
    """What ``create_encoder`` builds, and ``saccade:RUN``: a trained model of cells before its last layer.

    >>> open_encoder("colour-texture").name
    'colour-texture'

    Args:
        spec: One of ``saccade.features.encoders.ENCODERS``, or a function.
        weights: A file of weights, for encoders that take one.
        device: Where to compute.

    Raises:
        BadInput: No such encoder or run, or it cannot be used on patches.
    """
    if isinstance(spec, str) and spec.startswith(_OURS) and spec != _OURS and weights is None:
        from saccade.inference.cell_encoder import cell_encoder

        return cell_encoder(spec.removeprefix(_OURS), device)
    return create_encoder(spec, weights, device)
