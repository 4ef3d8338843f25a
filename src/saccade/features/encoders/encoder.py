"""What turns patches into features, and what it must say about itself."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8

from saccade.features.store.attributes import as_json


@runtime_checkable
class Encoder(Protocol):
    """From patches, as slides are read, to features. It resizes and normalises by itself, and never changes its mind.

    Attributes:
        name: What its features are filed under; safe as a folder's name.
        dim: Numbers per patch.
        input_size: Side in pixels to which it brings patches; None where it takes them as they are.
        facts: Everything that decides its features, as ``encoder_facts`` gives it.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def dim(self) -> int: ...  # noqa: D102

    @property
    def input_size(self) -> int | None: ...  # noqa: D102

    @property
    def facts(self) -> Mapping[str, Any]: ...  # noqa: D102

    def __call__(self, patches: UInt8[np.ndarray, "batch height width 3"]) -> Float[np.ndarray, "batch feature"]:
        """The features of each patch, as 32-bit floats."""
        ...


def encoder_facts(
    name: str,
    *,
    version: str,
    dim: int,
    source: str,
    input_size: int | None = None,
    normalisation: Mapping[str, Any] | None = None,
    licence: str = "not stated",
    weights_sha256: str | None = None,
) -> dict[str, Any]:
    """What decides an encoder's features, as plain values under the same keys for all.

    Args:
        name: What its features are filed under.
        version: Of the encoder's code, or the revision of its weights.
        dim: Numbers per patch.
        source: Where it comes from: built in, a function, a model's name, a file.
        input_size: Side in pixels to which patches are brought; None where they are taken as they are.
        normalisation: How values from 0 to 255 are scaled.
        licence: Of the weights, where there are any.
        weights_sha256: Fingerprint of the weights.
    """
    return {
        "name": name,
        "version": version,
        "dim": dim,
        "input_size": input_size,
        "normalisation": None if normalisation is None else dict(normalisation),
        "licence": licence,
        "weights_sha256": weights_sha256,
        "source": source,
    }


def fingerprint(facts: Mapping[str, Any]) -> str:
    """Sixteen characters that change with anything that decides the features; the licence does not.

    >>> fingerprint({"name": "a", "licence": "MIT"}) == fingerprint({"name": "a", "licence": "not stated"})
    True
    """
    deciding = {key: value for key, value in facts.items() if key != "licence"}
    return hashlib.sha256(as_json(deciding).encode()).hexdigest()[:16]


def folder_safe(name: str) -> str:
    """A name as a folder can bear it.

    >>> folder_safe("hf:owkin/phikon-v2")
    'hf-owkin-phikon-v2'
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "encoder"
